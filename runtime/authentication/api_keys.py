"""API keys: `<prefix>_<id>_<secret>`, of which only digests are configured (AU-8)."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from runtime.authentication.credentials import Credential
from runtime.errors import AuthenticatorError, CredentialsInvalidError
from runtime.principals import Principal

_PART: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST: Final = 1_024
_NOBODY: Final = bytes(32)
"""The digest that the key of an unknown id is compared with; no text has it."""


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is configured: all but the key itself."""

    id: str
    """Letters, digits and `-`; it stands in the key, and in the log as the credential."""
    digest: str
    """`key_digest` of the whole key: SHA-256 in hex."""
    principal: str = ""
    """Id of who it stands for; ``: the key's own."""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tenant: str | None = None
    expires: float | None = None
    """Seconds since 1970; None: never."""
    revoked: bool = False


def key_digest(key: str) -> str:
    """Return what is configured of a key: its SHA-256, 64 hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiKeys:
    """Takes keys in `X-Api-Key`, or in `Authorization` with the scheme ApiKey.

    Args:
        prefix: what all of them begin with.
        keys: as they are configured.

    Raises:
        AuthenticatorError: names every key that cannot be.
    """

    scheme = "ApiKey"
    is_local = True

    def __init__(self, prefix: str, keys: Iterable[ApiKey]) -> None:
        listed = list(keys)
        _check(prefix, listed)
        self._prefix = f"{prefix}_"
        self._keys = {each.id: (each, bytes.fromhex(each.digest)) for each in listed}
        self._none = ApiKey("", ""), _NOBODY

    def claims(self, credential: Credential) -> bool:
        """Say whether it begins as ours do."""
        return credential.text.startswith(self._prefix)

    async def authenticate(self, credential: Credential) -> Principal:
        """Return whom the key stands for; an unknown id takes as long as a wrong secret."""
        text = credential.text
        if len(text) > _LONGEST:
            raise CredentialsInvalidError("too-long")
        key_id = text.removeprefix(self._prefix).partition("_")[0]
        key, expected = self._keys.get(key_id, self._none)
        given = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if not hmac.compare_digest(given, expected):
            raise CredentialsInvalidError("unknown-key")
        if key.revoked:
            raise CredentialsInvalidError("revoked")
        if key.expires is not None and credential.at_us >= key.expires * 1_000_000:
            raise CredentialsInvalidError("expired")
        return Principal(
            key.principal or key.id,
            "key",
            roles=tuple(key.roles),
            scopes=tuple(key.scopes),
            tenant=key.tenant,
            credential=key.id,
            expires=key.expires,
        )


def _check(prefix: str, keys: list[ApiKey]) -> None:
    faults = [] if _PART.fullmatch(prefix) else [f"{prefix!r:.80} is no prefix"]
    for each in keys:
        if not _PART.fullmatch(each.id):
            faults.append(f"{each.id!r:.80} is no id")
        if not _DIGEST.fullmatch(each.digest):
            faults.append(f"what stands for the key {each.id!r:.80} is no digest")
    ids = [each.id for each in keys]
    faults += [f"{each!r} is there twice" for each in sorted({i for i in ids if ids.count(i) > 1})]
    if faults:
        raise AuthenticatorError(
            problem=f"These API keys cannot be: {'; '.join(faults)}.",
            remedy="Letters, digits and - make prefixes and ids; key_digest(key) makes digests.",
        )

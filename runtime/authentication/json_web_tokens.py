"""JWTs of one issuer, whose keys, algorithms and audiences come from config only (AU-4, AU-5).

Signatures are PyJWT's and cryptography's; what surrounds them is read by `jose`, strictly.
Nothing in a token says how it is to be verified but `kid` and `alg`, which choose among what
is configured; `jku`, `x5u`, `jwk` and `x5c` are ignored.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from runtime.authentication import jose
from runtime.authentication.credentials import Credential
from runtime.authentication.key_sets import KeySet
from runtime.authentication.keys import Key, check_algorithms, load_key
from runtime.errors import AuthenticatorError, CredentialsInvalidError, PrincipalError
from runtime.principals import Principal

_MAX_LEEWAY_S: Final = 60
_SECOND_US: Final = 1_000_000


class Trust(msgspec.Struct, frozen=True):
    """What is asked of the tokens of an issuer, besides a good signature."""

    issuer: str
    audiences: frozenset[str]
    types: frozenset[str]
    """Lower case; `` means that none is fine."""
    leeway_s: float
    max_age_s: float | None
    kind: str


class Jwt:
    """Takes signed tokens of one issuer as Bearer.

    Args:
        issuer: what `iss` has to be.
        audiences: of which `aud` has to name one.
        keys: by `kid`: a public key as PEM or as a JWK (a dict), or bytes of a shared secret;
            or a `KeySet` that the issuer publishes.
        algorithms: that tokens may be signed with, such as `ES256`; never `none`.
        types: what `typ` may be; "" lets it be missing.
        leeway_s: by how much clocks may differ, at most 60.
        max_age_s: how long ago a token may have been issued; None: as long as it holds.
        kind: of its principals, `user` or `service`.

    Raises:
        AuthenticatorError: says what would not hold.
    """

    scheme = "Bearer"

    def __init__(  # noqa: PLR0913 - each is one thing to be decided of an issuer
        self,
        *,
        issuer: str,
        audiences: Iterable[str],
        keys: Mapping[str, Any] | KeySet,
        algorithms: Iterable[str],
        types: Iterable[str] = ("at+jwt", "JWT"),
        leeway_s: float = 30,
        max_age_s: float | None = None,
        kind: str = "user",
    ) -> None:
        named = [audiences] if isinstance(audiences, str) else list(audiences)
        self.trust = Trust(
            issuer, frozenset(named), frozenset(map(_type, types)), leeway_s, max_age_s, kind
        )
        _check(self.trust)
        self._algorithms = [algorithms] if isinstance(algorithms, str) else list(algorithms)
        self.is_local = not isinstance(keys, KeySet)
        self._published = keys if isinstance(keys, KeySet) else None
        self._keys: dict[str, Key] = {}
        if isinstance(keys, KeySet):
            check_algorithms(self._algorithms)
            return
        self._keys = {kid: load_key(kid, key, self._algorithms) for kid, key in keys.items()}
        if not self._keys:
            raise AuthenticatorError(
                problem=f"The issuer {issuer!r:.80} has no keys.", remedy="Give keys={kid: key}."
            )

    def claims(self, credential: Credential) -> bool:
        """Say whether it is a JWT that says it is of this issuer."""
        if len(credential.text) > jose.MAX_TOKEN or not jose.looks_like_jwt(credential.text):
            return False
        try:
            return jose.read_token(credential.text).claims.get("iss") == self.trust.issuer
        except CredentialsInvalidError:
            return False

    async def authenticate(self, credential: Credential) -> Principal:
        """Return whom the token names."""
        token = jose.read_token(credential.text)
        check_header(token.header, self.trust)
        now_s = credential.at_us / _SECOND_US
        (await self._key(token.header, now_s)).verify(token)
        return principal_of(token.claims, self.trust, now_s)

    async def _key(self, header: Mapping[str, Any], now_s: float) -> Key:
        kid = jose.key_id(header)
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        key = self._keys.get(kid or "")
        if self._published is not None and kid is not None:
            key = await self._published.key(kid, self._algorithms, now_s)
        if key is None:
            raise CredentialsInvalidError("unknown-kid")
        return key


def check_header(header: Mapping[str, Any], trust: Trust) -> None:
    """Refuse a header that asks for what we do not do.

    Raises:
        CredentialsInvalidError: says what.
    """
    if "crit" in header:
        # It lists extensions that must be understood, and none is.
        raise CredentialsInvalidError("crit-unknown")
    if _type(jose.text_of(header, "typ") or "") not in trust.types:
        raise CredentialsInvalidError("typ-unexpected")


def principal_of(claims: Mapping[str, Any], trust: Trust, now_s: float) -> Principal:
    """Return whom verified claims name.

    Raises:
        CredentialsInvalidError: a claim is missing, malformed, or does not fit now or here.
    """
    _check_times(claims, trust, now_s)
    if jose.text_of(claims, "iss") != trust.issuer:
        raise CredentialsInvalidError("iss-unexpected")
    if trust.audiences.isdisjoint(jose.names_of(claims.get("aud"), "aud")):
        raise CredentialsInvalidError("aud-unexpected")
    subject = jose.text_of(claims, "sub")
    if not subject:
        raise CredentialsInvalidError("sub-missing")
    try:
        return Principal(
            subject,
            trust.kind,
            trust.issuer,
            roles=jose.names_of(claims.get("roles", []), "roles"),
            scopes=tuple((jose.text_of(claims, "scope") or "").split()),
            tenant=jose.text_of(claims, "tenant"),
            credential=jose.text_of(claims, "jti"),
            auth_time=jose.number(claims, "auth_time"),
            expires=jose.number(claims, "exp"),
        )
    except PrincipalError:
        raise CredentialsInvalidError("sub-malformed") from None


def _check_times(claims: Mapping[str, Any], trust: Trust, now_s: float) -> None:
    expires, issued = jose.number(claims, "exp"), jose.number(claims, "iat")
    begins = jose.number(claims, "nbf")
    if expires is None or issued is None:
        raise CredentialsInvalidError("exp-missing" if expires is None else "iat-missing")
    if now_s >= expires + trust.leeway_s:
        raise CredentialsInvalidError("expired")
    if issued > now_s + trust.leeway_s:
        raise CredentialsInvalidError("iat-ahead")
    if begins is not None and begins > now_s + trust.leeway_s:
        raise CredentialsInvalidError("not-yet")
    if trust.max_age_s is not None and now_s >= issued + trust.max_age_s + trust.leeway_s:
        raise CredentialsInvalidError("too-old")


def _type(text: str) -> str:
    # RFC 7515, section 4.1.9: `application/` may be left out.
    return text.lower().removeprefix("application/")


def _check(trust: Trust) -> None:
    faults = []
    if not trust.issuer or not trust.audiences:
        faults.append("it needs an issuer and audiences")
    if not 0 <= trust.leeway_s <= _MAX_LEEWAY_S:
        faults.append(f"leeway_s={trust.leeway_s!r} is not from 0 to {_MAX_LEEWAY_S}")
    if trust.max_age_s is not None and not trust.max_age_s > 0:
        faults.append(f"max_age_s={trust.max_age_s!r} is not above 0")
    if trust.kind not in {"user", "service"}:
        faults.append(f"kind={trust.kind!r} is neither user nor service")
    if faults:
        raise AuthenticatorError(
            problem=f"Jwt of {trust.issuer!r:.80} cannot be: {'; '.join(faults)}.",
            remedy="Correct it.",
        )

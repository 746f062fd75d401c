"""Establishes who asks, from the head of a request (AU-1, AU-2, AU-9, AU-10)."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from runtime.authentication.credentials import API_KEY, Credential, read_credentials
from runtime.authentication.failures import FailedAttempts
from runtime.errors import AuthenticatorError, CredentialsInvalidError
from runtime.principals import ANONYMOUS, Principal
from runtime.timescape import Refusal

LIMIT_S: Final = 5.0
"""What an authenticator may take."""
_log = logging.getLogger("timescape")

_INVALID = Refusal(
    401, "credentials-invalid", "The credentials are not valid.", "Get new ones, or send none."
)
_AMBIGUOUS = Refusal(
    400, "credentials-ambiguous", "There is more than one credential.", "Send one."
)
_UNAVAILABLE = Refusal(
    503,
    "auth-unavailable",
    "Credentials cannot be checked now.",
    "Send it again after the time in Retry-After.",
)
_TOO_MANY = Refusal(
    429,
    "rate-limited",
    "Too many credentials from this address were not valid.",
    "Wait for the time in Retry-After, and send valid ones.",
    {"violated-policies": ["failed-credentials"]},
)


class Unproven(msgspec.Struct, frozen=True):
    """Why nobody was established, and what is said of it."""

    refusal: Refusal
    reason: str
    """For the log alone."""
    headers: tuple[tuple[str, str], ...] = ()


class Authentication:
    """All authenticators of an app.

    Args:
        realm: that challenges name.
        authenticators: each claims what is its own; of two the first.

    Raises:
        AuthenticatorError: one of them is none.
    """

    def __init__(self, realm: str, authenticators: Iterable[Any]) -> None:
        self._all = tuple(authenticators)
        for each in self._all:
            if not callable(getattr(each, "authenticate", None)):
                raise AuthenticatorError(
                    problem=f"{type(each).__name__} is no authenticator.",
                    remedy="Give it `async authenticate(credential) -> Principal`.",
                )
        schemes = dict.fromkeys(_scheme(each) for each in self._all)
        quoted = realm.encode("ascii", "replace").decode().replace("\\", "").replace('"', "")
        self._schemes = [(scheme, f'{scheme} realm="{quoted}"') for scheme in schemes]
        self._failures = FailedAttempts()

    async def establish(
        self, headers: Sequence[tuple[str, str]], client: str, now_us: int
    ) -> Principal | Unproven:
        """Return who asks; the anonymous principal, if no credential was sent."""
        found = read_credentials(headers)
        if not found:
            return ANONYMOUS
        if len(found) > 1:
            return Unproven(_AMBIGUOUS, "ambiguous")
        wait_s = self._failures.wait_s(client, now_us)
        if wait_s:
            return Unproven(_TOO_MANY, "failed-credentials", (("retry-after", str(wait_s)),))
        scheme, text = found[0]
        proven = await self._ask(Credential(scheme, text, now_us, client))
        if isinstance(proven, Unproven) and proven.refusal is _INVALID:
            self._failures.note(client, now_us)
        return proven

    async def _ask(self, credential: Credential) -> Principal | Unproven:
        for each in self._all:
            if _scheme(each).lower() == credential.scheme and _claims(each, credential):
                return await self._answer_of(each, credential)
        return self._invalid("unclaimed")

    async def _answer_of(self, authenticator: Any, credential: Credential) -> Principal | Unproven:
        try:
            if getattr(authenticator, "is_local", False):
                # It asks nobody, so it cannot be late.
                principal = await authenticator.authenticate(credential)
            else:
                principal = await _in_time(authenticator.authenticate(credential))
        except CredentialsInvalidError as error:
            return self._invalid(error.reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody was proven
            kind = type(error).__name__
            _log.error("authenticator failed: scheme=%s error=%s", credential.scheme, kind)
            return Unproven(_UNAVAILABLE, "unavailable", (("retry-after", "5"),))
        return principal if isinstance(principal, Principal) else self._invalid("nobody")

    def _invalid(self, reason: str) -> Unproven:
        return Unproven(_INVALID, reason, self.challenge(invalid=True))

    def challenge(
        self, *, invalid: bool = False, scopes: Sequence[str] = ()
    ) -> tuple[tuple[str, str], ...]:
        """Return the field `WWW-Authenticate`, a challenge for each scheme (RFC 6750, AU-9).

        Args:
            invalid: something was sent, and is not valid.
            scopes: that are lacking.
        """
        told = []
        for scheme, challenge in self._schemes:
            if scheme.lower() != "bearer":
                told.append(challenge)
            elif scopes:
                listed = " ".join(scopes)
                told.append(f'{challenge}, error="insufficient_scope", scope="{listed}"')
            else:
                told.append(f'{challenge}, error="invalid_token"' if invalid else challenge)
        return (("www-authenticate", ", ".join(told)),) if told else ()


def _scheme(authenticator: Any) -> str:
    scheme: str = getattr(authenticator, "scheme", "Bearer")
    return "ApiKey" if scheme.lower() == API_KEY else scheme


def _claims(authenticator: Any, credential: Credential) -> bool:
    claims = getattr(authenticator, "claims", None)
    return claims is None or bool(claims(credential))


async def _in_time(work: Any) -> Any:
    # Not `asyncio.timeout`: it needs a task, and a server may step us without one.
    asking = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({asking}, timeout=LIMIT_S)
    if not done:
        asking.cancel()
        raise TimeoutError
    return asking.result()

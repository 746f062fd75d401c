"""By what callers are told apart while traffic is split, as an app says it (DP-6)."""

from typing import Final, Literal, TypeAlias

from runtime.app.guard_rules import unknown
from runtime.errors import SecretsConfigError
from runtime.ingress.choosing import Chooser
from runtime.secrets import SecretCache
from runtime.secrets.provider import ask

Sticky: TypeAlias = Literal["address", "cookie"]
KEY: Final = "sticky-cookie"
"""The secret that cookies are signed with."""
_LEAST: Final = 32


def check_sticky(sticky: object) -> bool:
    """Say whether cookies are given.

    Raises:
        PolicySyntaxError: neither of the two.
    """
    if sticky not in {"address", "cookie"}:
        raise unknown("sticky", sticky, '"address" or "cookie"')
    return sticky == "cookie"


async def stick(chooser: Chooser, secrets: SecretCache) -> None:
    """Give callers cookies from now on, signed with the app's secret.

    Raises:
        SecretsConfigError: there is no such secret, or a short one.
        SecretUnavailableError: what could have it is not to be reached.
    """
    fetched = await ask(secrets.providers, KEY)
    if fetched is None or len(fetched.found.value.encode()) < _LEAST:
        raise SecretsConfigError(
            problem=f"sticky='cookie' needs a secret {KEY!r} of {_LEAST} bytes or more.",
            remedy="Set SECRET_STICKY_COOKIE, the same for all processes, or give it by secrets=.",
        )
    secrets.scrubber.learn(KEY, fetched.found.value)
    chooser.give_cookies(fetched.found.value.encode())

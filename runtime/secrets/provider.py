"""Where secrets come from: the port, and several of them asked in order (SE-1)."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from runtime.errors import SecretsConfigError, SecretUnavailableError

EACH_S = 5.0
"""What a provider may take to answer."""
_log = logging.getLogger("timescape")


class Found(msgspec.Struct, frozen=True):
    """A secret as its provider gives it."""

    value: str
    version: str | None = None
    """None: the provider has no versions."""

    def __repr__(self) -> str:
        return f"Found({self.version!r})"


class Provider(Protocol):
    """Knows secrets by name. What it raises means that it cannot be reached."""

    async def get(self, name: str) -> Found | None:
        """Return the secret; None if there is none. An empty one is there.

        It must not block the event loop, and is given up after 5 s.
        """
        ...


class Fetched(msgspec.Struct, frozen=True):
    """A secret, and who had it."""

    found: Found
    provider: str


def in_order(providers: Provider | Iterable[Provider]) -> tuple[Provider, ...]:
    """Return one provider, or several, as several.

    Raises:
        SecretsConfigError: there is none.
    """
    listed = tuple(providers) if isinstance(providers, Iterable) else (providers,)
    if not listed:
        raise SecretsConfigError(
            problem="There is no provider of secrets.",
            remedy="Give at least one, such as Environment() or Files(folder).",
        )
    return listed


async def ask(providers: Sequence[Provider], name: str) -> Fetched | None:
    """Ask one provider after the other; None if none has it.

    Raises:
        SecretUnavailableError: one that could have had it was not to be reached, and none of
            the others has it.
    """
    missed = False
    for provider in providers:
        try:
            async with asyncio.timeout(EACH_S):
                found = await provider.get(name)
        except Exception as error:  # noqa: BLE001 - what a provider raises says nothing to us
            missed = True
            who, what = name_of(provider), type(error).__name__
            _log.warning("secret provider not reached: provider=%s error=%s", who, what)
            continue
        if found is not None:
            return Fetched(found, name_of(provider))
    if missed:
        raise unavailable([name])
    return None


def name_of(provider: Provider) -> str:
    """Return what records call a provider."""
    name = getattr(provider, "name", None)
    return name if isinstance(name, str) else type(provider).__name__


def unavailable(names: Sequence[str]) -> SecretUnavailableError:
    """Return the error that names secrets, and nothing else of them."""
    many = len(names) > 1
    shown = ", ".join(repr(name) for name in names)
    msg = f"There are no secrets {shown}." if many else f"There is no secret {shown}."
    return SecretUnavailableError(msg, "Give it to the process, or ask for another.")

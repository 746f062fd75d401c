"""Where secrets come from, and how handlers ask for them."""

import re
from typing import Any, NoReturn, Protocol

import msgspec

from eventstore.errors import FrozenValueError
from runtime.errors import ContextError, ContextKeyError
from runtime.modules import CALLER

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Found(msgspec.Struct, frozen=True):
    """A secret as its provider gives it."""

    value: str
    version: str | None = None
    """None: the provider has no versions."""

    def __repr__(self) -> str:
        return f"Found({self.version!r})"


class Provider(Protocol):
    """Knows secrets by name."""

    async def get(self, name: str) -> Found | None:
        """Return the secret; None if there is none. An empty one is there.

        It must not block the event loop.
        """
        ...


class Secrets:
    """`gctx.secrets`: reads secrets as effects of the request that runs.

    Attributes:
        provider: where they come from.
    """

    __slots__ = ("provider",)
    provider: Provider

    def __init__(self, provider: Provider) -> None:
        object.__setattr__(self, "provider", provider)

    def get(self, name: str) -> Any:
        """Read a secret; in an async handler or hook to be awaited.

        The log keeps its name and version, never the value; a replay is given `***`.

        Returns:
            A `Secret`.

        Raises:
            SecretUnavailableError: there is none; unhandled it answers 503.
            ContextKeyError: *name* is no name of a secret.
            ContextError: no request runs.
        """
        check_name(name)
        caller = CALLER.get()
        if caller is None:
            msg = f"The secret {name!r} was asked for outside of a request."
            raise ContextError(msg, "Ask for it in a handler or hook.")
        return caller.read_secret(name)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenValueError("gctx.secrets", "Give the app another provider.")

    def __repr__(self) -> str:
        return "<secrets>"


def check_name(name: object) -> None:
    """Refuse what is no name of a secret.

    Raises:
        ContextKeyError: names it.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        shown = f"{name[:80]!a}" if isinstance(name, str) else f"a {type(name).__qualname__}"
        msg = f"{shown} is no name of a secret."
        raise ContextKeyError(msg, "Use 1 to 128 letters, digits and `_.-`.")

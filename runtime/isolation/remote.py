"""Capabilities in the process of a module: the runtime is asked, and hands over the result."""

import os
from collections.abc import Awaitable
from socket import socket
from typing import IO, Any, Protocol

from runtime.isolation.context import Mode
from runtime.secrets import Secret


class Ask(Protocol):
    """Asks the runtime."""

    def __call__(self, method: str, args: list[Any], *, descriptor: bool = False) -> Awaitable[Any]:
        """Return what it answers, or a descriptor; raise what it refuses with."""
        ...


class RemoteHandles:
    """Asks the runtime for one call of a method.

    Args:
        ask: the runtime.
        call: number of the call.
    """

    def __init__(self, ask: Ask, call: int) -> None:
        self._ask = ask
        self._call = call

    async def secret(self, name: str) -> Secret:
        """Have the runtime read it."""
        value, version = await self._ask("secret", [self._call, name])
        return Secret(name, version, value)

    async def open(self, path: str, mode: Mode) -> IO[Any]:
        """Have the runtime open it."""
        descriptor = await self._ask("open", [self._call, path, mode], descriptor=True)
        return os.fdopen(descriptor, mode, encoding=None if "b" in mode else "utf-8")

    async def connect(self, place: str) -> socket:
        """Have the runtime connect."""
        descriptor = await self._ask("connect", [self._call, place], descriptor=True)
        return socket(fileno=descriptor)

    async def use(self, kind: str, name: str) -> None:
        """Have the runtime check it."""
        await self._ask("use", [self._call, kind, name])

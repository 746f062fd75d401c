"""What a method of a `Module` is handed: for whom it works, and what it may use (MO-8)."""

import logging
from collections.abc import Callable, Coroutine
from socket import socket
from typing import IO, Any, Literal, Protocol, TypeAlias

from runtime.modules import About
from runtime.secrets import Secret

Mode: TypeAlias = Literal["r", "rb", "w", "wb", "a", "ab"]
Ask: TypeAlias = Callable[[Coroutine[Any, Any, Any]], Any]
"""Gives work of the event loop to be awaited; in a thread its result."""


class Handles(Protocol):
    """Does what capabilities allow, and nothing else.

    Every use is checked against the grants in force then. Each raises
    `CapabilityDeniedError` where there is none, and has told the log.
    """

    async def secret(self, name: str) -> Secret:
        """Read a secret."""
        ...

    async def open(self, path: str, mode: Mode) -> IO[Any]:
        """Open a file."""
        ...

    async def connect(self, place: str) -> socket:
        """Connect to `host:port`."""
        ...

    async def use(self, kind: str, name: str) -> None:
        """Do nothing but check: the module does the rest."""
        ...


class ModuleContext:
    """Handed to every method of a `Module` as its first argument.

    In an async method what it does is to be awaited; in a sync one it is done at once.

    Attributes:
        request_id: of the request that calls; `` outside of one.
        handler: its id.
        version: its version id.
        trace_id: of its trace, 32 hex digits.
        span_id: of its span, 16 hex digits.
        traceparent: of the call's own span, as a header of HTTP; `` outside of a request. Send
            it with what others are asked to do, and their traces go on from here.
        idempotency_key: the same for all attempts of one call, and for no other.
        time_left_s: seconds until the request's deadline, when the call began.
        config: the part of the app's config that has the module's name, read-only; else None.
        log: a logger of the module's own.
    """

    __slots__ = (
        "_ask", "_handles", "config", "handler", "idempotency_key", "log", "request_id",
        "span_id", "time_left_s", "trace_id", "traceparent", "version",
    )  # fmt: skip

    def __init__(self, name: str, about: About, config: Any, handles: Handles, ask: Ask) -> None:
        self.request_id = about.request_id
        self.handler = about.handler
        self.version = about.version
        self.trace_id = about.trace_id
        self.span_id = about.span_id
        self.traceparent = about.traceparent
        self.idempotency_key = about.key
        self.time_left_s = about.time_left_s
        self.config = config
        self.log = logging.getLogger(f"timescape.module.{name}")
        self._handles = handles
        self._ask = ask

    def secret(self, name: str) -> Any:
        """Read a secret, with a grant of `secret.read`; gives a `Secret`.

        Raises:
            CapabilityDeniedError: it is not granted, whether it exists or not.
            SecretUnavailableError: there is none.
        """
        return self._ask(self._handles.secret(name))

    def open(self, path: str, mode: Mode = "r") -> Any:
        """Open a file below a granted folder: `fs.read` to read, `fs.write` to write.

        Links are not followed. Text is UTF-8.

        Raises:
            CapabilityDeniedError: it is not granted, or a link leads out of what is.
            OSError: it cannot be opened.
        """
        return self._ask(self._handles.open(path, mode))

    def connect(self, place: str) -> Any:
        """Connect to `host:port`, with a grant of `net.connect`; gives a blocking socket.

        The name is resolved once, and addresses that are not public are refused unless the
        grant names their range.

        Raises:
            CapabilityDeniedError: it is not granted, or the name stands for such an address.
            OSError: nobody answers.
        """
        return self._ask(self._handles.connect(place))

    def use(self, kind: str, name: str) -> Any:
        """See that a capability of the app's own kinds may be used, before the module does so.

        Each time it is checked and counted, as other capabilities are.

        Raises:
            CapabilityDeniedError: it is not granted.
        """
        return self._ask(self._handles.use(kind, name))

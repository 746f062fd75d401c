"""Between a stub and the request that calls through it.

Stubs are shared by all requests (GC-1), so a stub asks who is calling. The controller says
so when a request begins; tasks and worker threads that it starts inherit the answer.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from random import Random
from typing import Any, Protocol

import msgspec

from runtime.modules.registry import Method


class Caller(Protocol):
    """A running request."""

    @property
    def about(self) -> Mapping[str, str]:
        """What a log line says of the request: its ids, its handler and version."""
        ...

    def call_module(self, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call *method* as an effect.

        Gives an awaitable; in a worker thread the result.
        """
        ...

    def read_secret(self, wish: Any) -> Any:
        """Read secrets as an effect, as a `runtime.secrets.Wish` says; see `call_module`."""
        ...

    def publish_message(self, topic: str, payload: object, options: Any) -> Any:
        """Publish a message on a topic of the app as an effect; see `call_module`."""
        ...

    def ask_subscriber(self, topic: str, payload: object, options: Any, timeout_s: float) -> Any:
        """Publish a message and give what a subscriber answers, as an effect; see `call_module`."""
        ...


CALLER: ContextVar[Caller | None] = ContextVar("timescape_caller", default=None)
"""The request that the current task or thread works for."""


class About(msgspec.Struct, frozen=True):
    """For whom a module works (MO-8)."""

    request_id: str = ""
    handler: str = ""
    version: str = ""
    trace_id: str = ""
    span_id: str = ""
    traceparent: str = ""
    """Of the span of the call: the parent of what the module has others do."""
    key: str = ""
    """The same for all attempts of one call, and for no other (RPC-6)."""
    time_left_s: float = 60.0
    """Until the request's deadline."""


class HostedCall:
    """A call of a method that somebody hosts.

    Args:
        about: for whom.
        chance: gives the generator that decides the pauses between its attempts; asked for
            only if there is one.
    """

    __slots__ = ("about", "attempts", "chance")

    def __init__(self, about: About, chance: Callable[[], Random] = Random) -> None:
        self.about = about
        self.chance = chance
        self.attempts = 1
        """How many there were."""


CALL: ContextVar[HostedCall | None] = ContextVar("timescape_module_call", default=None)
"""The hosted call that the current task makes."""

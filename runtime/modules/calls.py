"""Between a stub and the request that calls through it.

Stubs are shared by all requests (GC-1), so a stub asks who is calling. The controller says
so when a request begins; tasks and worker threads that it starts inherit the answer.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Protocol

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


CALLER: ContextVar[Caller | None] = ContextVar("timescape_caller", default=None)
"""The request that the current task or thread works for."""

"""Run a handler as a request, without a server, and see what it wrote."""

from collections.abc import Sequence
from typing import Any

import msgspec

from eventstore import Event, Ids, Store, StreamId
from eventstore.memory import MemoryStore
from runtime.context import REQUEST_REDUCER, RequestState, registry
from runtime.effects.virtual_loop import run_virtual
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import HandlerVersion
from runtime.lifecycle.local_context import LocalContext
from runtime.lifecycle.record import Recorder
from runtime.messages import Answer
from runtime.replay.running import Program
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.replaying import always_replay, check_replay
from tests.builders import received, version_of

_AROUND = ("before", "after", "catch", "classes", "root")
"""Of a controller's arguments, what a run that is done again needs as well."""


class Told(msgspec.Struct, frozen=True):
    """What a request gave."""

    stream: StreamId
    answer: Answer
    facts: Sequence[Event]
    """As the log gives them back."""

    @property
    def types(self) -> list[str]:
        """The facts' names."""
        return [event.type for event in self.facts]

    @property
    def state(self) -> RequestState:
        """The state at its end."""
        return REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), self.facts)

    @property
    def json(self) -> Any:
        """The answer's body, decoded; None without one."""
        return msgspec.json.decode(self.answer.body) if self.answer.body else None


class Controlled:
    """A controller on a log in memory.

    Use it on a `VirtualLoop` (`run_virtual`), so that timeouts take no time.

    Args:
        version: what requests run, unless told otherwise.
        gctx: modules and config; None: neither.
        seed: of ids and chance.
        ids: instead of those of *seed*.
        store: another log to write to.
        replayed: run each request again at its end, to see that it says the same; None: if
            `TIMESCAPE_ALWAYS_REPLAY` is set.
        **controller: further arguments of `Controller`, such as `before`.
    """

    def __init__(
        self,
        version: HandlerVersion | None = None,
        *,
        gctx: GlobalContext | None = None,
        seed: int = 0,
        ids: Ids | None = None,
        store: Store | None = None,
        replayed: bool | None = None,
        **controller: Any,
    ) -> None:
        self.version = version
        self.clock = FakeClock()
        self.ids = ids or SeededIds(seed)
        self.store: Store = store or MemoryStore(
            registry=registry(), clock=self.clock, ids=SeededIds(seed + 1)
        )
        self.gctx = gctx or GlobalContext()
        self.replayed = always_replay() if replayed is None else replayed
        self._around = {name: controller[name] for name in _AROUND if name in controller}
        self.controller = Controller(
            self.store,
            clock=self.clock,
            ids=self.ids,
            gctx=self.gctx,
            **controller,
        )

    def new_stream(self) -> StreamId:
        """Return the id of a new request."""
        return StreamId(self.ids.uuid7(self.clock()))

    async def send(
        self,
        body: bytes = b"",
        *,
        version: HandlerVersion | None = None,
        stream: StreamId | None = None,
        **request: Any,
    ) -> Told:
        """Send a request; return the answer and all its facts.

        Args:
            body: of the request.
            version: what runs; None: the harness's.
            stream: the request's id; None: a new one.
            **request: further arguments of `received`, such as `headers`.

        Raises:
            DivergenceError: it was run again and did not say the same.
        """
        runs = version or self.version
        if runs is None:
            msg = "Give the harness or the call a version to run."
            raise TypeError(msg)
        stream = stream or self.new_stream()
        message = received(stream, self.clock(), body=body, **request)
        answer = await self.controller.run(message, runs)
        told = self.told(stream, answer)
        if self.replayed:
            check_replay(Program(runs, self.gctx, **self._around), told.facts)
        return told

    def context(self) -> tuple[LocalContext, Recorder]:
        """Return the context of a request that waits to be run, and what it writes to.

        Nothing runs, and no event loop has to: for tests of what a context does.
        """
        message = received(self.new_stream(), self.clock())

        async def begin() -> tuple[LocalContext, Recorder]:
            run = self.controller.begin(message, self.version or version_of(_nothing))
            return run.scope["lctx"], run.record

        return run_virtual(begin())

    def told(self, stream: StreamId, answer: Answer) -> Told:
        """Return *answer* with the facts of *stream*."""
        return Told(stream, answer, list(self.store.read(stream)))


def _nothing() -> None:
    return None

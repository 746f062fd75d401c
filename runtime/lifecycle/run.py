"""One request while it runs: what its contexts and its controller share.

Nothing here outlives the request or is seen by another (HW-6).
"""

import asyncio
import contextvars
import itertools
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import CoroutineType
from typing import Any, Protocol

from eventstore import Clock
from eventstore.values import Viewer
from runtime.effects import Desk, Outside, Sites, Tripwire, Workers
from runtime.facts import Json, RequestReceived, RequestTimedOut
from runtime.lifecycle.binding import Bound
from runtime.lifecycle.gated import Gates
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import HandlerVersion, Hook
from runtime.lifecycle.holdings import Holdings
from runtime.lifecycle.record import Recorder
from runtime.lifecycle.sections import Section
from runtime.lifecycle.undeclared import Undeclared
from runtime.lifecycle.waiting import ThreadWait
from runtime.messages import Received, Response
from runtime.supervision import Backoff
from runtime.trace_context import Sampling

_log = logging.getLogger("timescape")


class Abandoned(set["asyncio.Task[Any]"]):
    """Tasks, and how many there ever were."""

    total = 0

    def add(self, task: "asyncio.Task[Any]") -> None:
        self.total += 1
        super().add(task)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all requests of a controller share."""

    clock: Clock
    sites: Sites
    viewer: Viewer
    workers: Workers
    outside: Outside
    tripwire: Tripwire
    gctx: GlobalContext
    before: tuple[Hook, ...]
    after: tuple[Hook, ...]
    catch: tuple[Hook, ...]
    abandoned: "Abandoned"
    """Code that was given up and still runs. Kept, as asyncio refers to tasks weakly."""
    undeclared: Undeclared = field(default_factory=Undeclared)
    """Problem codes that no manifest names."""
    sampling: Sampling = field(default_factory=Sampling)
    """Which traces are exported."""

    def forget(self, task: "asyncio.Task[Any]") -> None:
        """Count *task* as abandoned no more."""
        self.abandoned.discard(task)
        if not task.cancelled():
            # What it raised concerns nobody any more.
            task.exception()


class Lease:
    """The right to write facts; taken from code that outlives its time."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = True


class Listened(Protocol):
    """The topics of a request to which somebody listens; see `subscribing`."""

    def deliver(self, topic: str, payload: Json) -> None:
        """Tell who has subscribed to *topic* by now."""
        ...

    def close(self) -> None:
        """End all subscriptions."""
        ...


@dataclass(frozen=True, slots=True)
class Undo:
    """A compensation as registered."""

    id: str
    name: str
    call: Callable[..., Any]
    args: Json
    kwargs: Json
    retries: int = 0
    """Attempts after the first."""
    backoff: Backoff | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """A cleanup or listener as registered."""

    id: str
    call: Callable[..., Any]
    """A `Bound`, which takes the scope; a phase listener as it was given."""


class Run:
    """The request's own things. The controller writes; contexts read and add."""

    __slots__ = (
        "arrival", "callbacks", "cancelling", "deadline_at", "delivered", "desk", "effects",
        "frozen", "gates", "holdings", "is_held", "last_now_us", "lease", "local", "loop",
        "moments", "phase", "received", "record", "renew", "scope", "section", "stage",
        "stop_reason", "surroundings", "task", "thread", "timed_out", "timeout_s", "topics",
        "undos", "version", "waits",
    )  # fmt: skip

    def __init__(
        self,
        received: Received,
        version: HandlerVersion,
        arrival: RequestReceived,
        record: Recorder,
        surroundings: Surroundings,
    ) -> None:
        self.received = received
        self.version = version
        self.arrival = arrival
        self.record = record
        self.surroundings = surroundings
        self.loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - `Controller.run` sees to it
        self.task: asyncio.Task[Any] = task
        self.thread = threading.get_ident()
        """The event loop's; user code in another one may block."""
        self.cancelling = task.cancelling()
        self.timeout_s = arrival.timeout_s
        spent_s = (surroundings.clock() - received.received_us) / 1_000_000
        # Measured on the loop's clock from here on, which nobody can set.
        self.deadline_at = self.loop.time() + self.timeout_s - max(spent_s, 0.0)
        self.timed_out = False
        self.section: Section | None = None
        self.stop_reason: str | None = None
        self.delivered = True
        self.phase = ""
        self.stage = "success"
        """success, failure, cleanup or over: what may still be registered."""
        self.lease = Lease()
        self.renew: Callable[[Run], None] = _nothing
        """Hands a new context with a new lease to the code that still comes."""
        self.scope: dict[str, Any] = {"res": Response(), "gctx": surroundings.gctx}
        self.effects = itertools.count(1)
        self.last_now_us = 0
        self.holdings = Holdings()
        self.moments: dict[str, Mapping[str, Json]] = {}
        """Snapshot to the user state it names; what the log says, at hand."""
        self.local: dict[str, list[Hook]] = {}
        self.frozen: set[str] = set()
        """Kinds of local hooks that take no more (HO-5)."""
        self.undos: dict[str, Undo] = {}
        self.callbacks: dict[str, list[Callback]] = {}
        self.topics: Listened | None = None
        """Who listens to what the request publishes; None: nobody ever did."""
        self.desk: Desk | None = None
        """Where it published messages; None: it did not."""
        self.is_held = False
        """Whether its time stands still; see `points.Standstill`."""
        self.gates: Gates | None = None
        """What holds it at its points; None: nothing can."""
        self.waits: set[ThreadWait] = set()
        """What threads of this request wait for."""

    @property
    def request_id(self) -> str:
        """The prefix of its app, `req-`, and 32 hex digits."""
        return f"{self.arrival.prefix}-{self.record.stream.hex}"

    @property
    def response(self) -> Response:
        """What hooks and handler write into."""
        response: Response = self.scope["res"]
        return response

    def deadline_passed(self) -> None:
        """Write down that the deadline passed, once, and commit it (CN-2, EF-8)."""
        if not self.timed_out:
            self.timed_out = True
            self.record.add(RequestTimedOut(self.timeout_s))
            self.record.commit()

    def stop(self, reason: str) -> None:
        """Cut the request short, if its success is not decided yet."""
        if self.stage == "success" and self.stop_reason is None:
            self.stop_reason = reason
            if self.section is not None:
                self.section.stop()

    def interrupt(self) -> None:
        """Cancel what threads of this request wait for; called once more, let them go at once."""
        for wait in tuple(self.waits):
            wait.cancel()

    def give_up(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let code that does not end go on alone; it can write no more (CN-3)."""
        self.record.end(self.lease)
        _log.warning("code given up: request=%s", self.request_id)
        # The task inherits the old context, in which the old lease stands.
        task = self.loop.create_task(work, context=contextvars.copy_context())
        self.surroundings.abandoned.add(task)
        task.add_done_callback(self.surroundings.forget)
        self.renew(self)

    def work(self, call: Bound) -> Coroutine[Any, Any, Any]:
        """Return the work of calling *call*, not yet started."""
        if self.surroundings.tripwire.is_on:
            return self._watched(call)
        if not call.is_async:
            return self.surroundings.workers.run(lambda: call(self.scope))
        work = call(self.scope)
        return work if type(work) is CoroutineType else _awaited(work)

    def _watched(self, call: Bound) -> Coroutine[Any, Any, Any]:
        tripwire = self.surroundings.tripwire
        if not call.is_async:
            return self.surroundings.workers.run(tripwire.watched(lambda: call(self.scope)))
        return tripwire.guarded(_awaited(call(self.scope)))

    def local_id(self, site: str | None, taken: Mapping[str, Any] | set[str]) -> str:
        """Return an id for what was registered at *site*: `<file>:<line>#n`."""
        place = (site or "unknown")[-180:]
        return next(f"{place}#{n}" for n in itertools.count(1) if f"{place}#{n}" not in taken)


def _nothing(_: Run) -> None:
    return None


async def _awaited(result: Any) -> Any:
    return await result if hasattr(result, "__await__") else result

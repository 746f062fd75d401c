"""The local-context controller: runs a request, records it, answers it (HO-2).

Errors never leave it but as answers; only a cancellation of the server's own task does.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import msgspec

from eventstore import Clock, Ids, Store, StreamId
from eventstore.values import Classes, Viewer
from runtime.effects import Live, Outside, Sites, Tripping, Tripwire, Workers
from runtime.facts import (
    PhaseChanged,
    RequestAborted,
    RequestReceived,
    ResponseSent,
    VersionResolved,
)
from runtime.facts import ValidationFailed as RequestInvalid
from runtime.gtype import any_classes
from runtime.lifecycle import answers, stepping
from runtime.lifecycle.arrival import Arrivals, arrived
from runtime.lifecycle.calling import PASSES_THROUGH
from runtime.lifecycle.crossing import bring_down, bring_up
from runtime.lifecycle.failing import clean_up, fail
from runtime.lifecycle.finishing import Finishing
from runtime.lifecycle.gated import Gates
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import HandlerVersion, Hook
from runtime.lifecycle.handling import handle
from runtime.lifecycle.hooks import run_after, run_before
from runtime.lifecycle.local_context import renew
from runtime.lifecycle.outcomes import Outcomes
from runtime.lifecycle.problems import problem, rebased
from runtime.lifecycle.record import Recorder
from runtime.lifecycle.recovery import recover
from runtime.lifecycle.requests import undecoded
from runtime.lifecycle.run import Abandoned, Run, Surroundings
from runtime.lifecycle.sections import late, was_cancelled
from runtime.lifecycle.settling import settle
from runtime.messages import Answer, Received, ValidationFailed
from runtime.modules import CALLER, ModuleRegistry
from runtime.principals import established
from runtime.request_ids import PREFIX, stream_of

DRAIN_S = 10.0
_SHORT = 64
_REMEDY = "Change it with `with lctx.edit(key) as draft`, which records the change."
_log = logging.getLogger("timescape")
_CHANGED = PhaseChanged()
_AUTHORIZED = _CHANGED, "authorized"
NewRecorder = Callable[[StreamId, Store, Clock], Recorder]


class Controller:
    """Runs requests against one log.

    Args:
        store: where the facts go.
        clock: gives the time of facts and of `lctx.now()`.
        ids: gives seeds and trace ids.
        gctx: handed to handlers.
        before: global hooks, in order of registration; so *after* and *catch*.
        after: see *before*.
        catch: see *before*.
        classes: of Structs, dataclasses and enums that values may be; None: any that fit.
        root: the app's folder, to which source places are relative; None: where we run.
        sites: names source places, instead of *root*.
        outside: answers effects; None: the world.
        config: fingerprint of the config in force.
        tripwire: what becomes of user code that reaches the outside past its contexts:
            `off`, `warn` or `raise`.
        new_recorder: makes what a request's facts are written to.
        more_headers: names of headers whose values are recorded besides the usual ones.
        request_prefix: of the ids of requests.
    """

    def __init__(  # noqa: PLR0913 - everything that it is handed
        self,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        gctx: GlobalContext,
        before: Iterable[Hook] = (),
        after: Iterable[Hook] = (),
        catch: Iterable[Hook] = (),
        classes: Classes | None = None,
        root: Path | None = None,
        sites: Sites | None = None,
        outside: Outside | None = None,
        config: str = "",
        tripwire: Tripping = "raise",
        new_recorder: NewRecorder = Recorder,
        more_headers: frozenset[str] = frozenset(),
        request_prefix: str = PREFIX,
    ) -> None:
        self._store = store
        self._arrivals = Arrivals(
            ids,
            config=config,
            has_keyring=store.has_keyring,
            node="" if store.nodes is None else store.nodes.me,
            more_headers=more_headers,
            prefix=request_prefix,
        )
        self._scrubber = gctx.secrets.cache.scrubber
        self._new_recorder = new_recorder
        self.finishing = Finishing(clock, gctx.problem_base)
        """Hands the ends of requests to the log."""
        self.outcomes = Outcomes()
        """How its versions do."""
        self.gates: Callable[[Run], Gates | None] | None = None
        """Says what holds a request that begins; None: nothing ever does."""
        self._pools = Workers("timescape-handler"), Workers("timescape-module")
        self._running: dict[StreamId, Run] = {}
        self._stopping = False
        self._idle: asyncio.Event | None = None
        sites = sites or Sites(root)
        self._surroundings = Surroundings(
            clock=clock,
            sites=sites,
            tripwire=Tripwire(tripwire, sites),
            viewer=Viewer(classes or any_classes(has_keyring=store.has_keyring), _REMEDY),
            workers=self._pools[0],
            outside=outside or Live(clock, self._pools[1], gctx.secrets.cache, gctx.desk),
            gctx=gctx,
            before=tuple(before),
            after=tuple(after),
            catch=tuple(catch),
            abandoned=Abandoned(),
        )

    @property
    def surroundings(self) -> Surroundings:
        """What its requests share."""
        return self._surroundings

    @property
    def running(self) -> int:
        """How many requests run now."""
        return len(self._running)

    def is_running(self, request_id: str) -> bool:
        """Say whether a request runs; what is no id of one does not."""
        with contextlib.suppress(ValueError):
            return stream_of(request_id) in self._running
        return False

    def id_of(self, stream: StreamId) -> str:
        """Return the id of the request whose facts stand in *stream*."""
        return f"{self._arrivals.prefix}-{stream.hex}"

    @property
    def serving(self) -> frozenset[str]:
        """Ids of the versions whose requests run now."""
        return frozenset(run.version.version for run in self._running.values())

    @property
    def abandoned(self) -> int:
        """How many pieces of code were given up and still run (CN-3)."""
        return len(self._surroundings.abandoned)

    async def run(self, received: Received, version: HandlerVersion) -> Answer:
        """Run *version* on a request; return the answer once its facts are durable.

        Raises:
            asyncio.CancelledError: the task was cancelled; the stream is complete.
        """
        if self._stopping:
            answer = problem(503, "shutting-down", instance=self.id_of(received.stream))
            return await self.refuse(received, answer, route=version.route, handler=version.handler)
        if asyncio.current_task() is None:
            # A server may step coroutines without a task; timeouts need one.
            return await asyncio.ensure_future(self.run(received, version))
        caller = CALLER.get()
        try:
            answer = await self._serve(run := self.begin(received, version))
        finally:
            CALLER.set(caller)
        if run.version is version:
            return answer
        return msgspec.structs.replace(answer, fell_back=True)

    async def rerun(
        self,
        received: Received,
        version: HandlerVersion,
        first: RequestReceived,
        begun: Callable[[Run], None],
    ) -> Answer:
        """Run a request whose first fact is known, for re-execution; *begun* is told of it."""
        run = self.begin(received, version, first)
        begun(run)
        return await self._serve(run)

    async def refuse(  # noqa: PLR0913 - all that is known of it
        self, received: Received, answer: Answer, *,
        route: str = "", handler: str = "", code: str | None = None,
        resolved: tuple[str, VersionResolved] | None = None,
        again: bool = False, kept: bool = True,
    ) -> Answer:  # fmt: skip
        """Record a request that ends before any handler, and answer it.

        Args:
            received: the request.
            answer: what it gets; a problem document, usually of `problem()`.
            route: as registered; `` if none fits.
            handler: its id; `` likewise.
            code: the problem code; None: read from the answer.
            resolved: version id, `` if refused, and the fact.
            again: it is an answer that was given before.
            kept: it leaves a stream.
        """
        answer = rebased(answer, self._surroundings.gctx.problem_base)
        answer = answers.scrubbed(self._scrubber, answer)
        record = self._recorder(received.stream)
        first = self._arrivals.refused(received, route, handler)
        if not kept:
            return self.finishing.pass_over(first, received, answer, code)
        record.add(first, _key(route))
        record.add(*established(received.principal))
        if resolved is not None:
            record.add(resolved[1], resolved[0] or None)
        if received.decided is not None:
            record.add(received.decided[1], received.decided[0])
        record.add(_CHANGED, "authorized" if again else "failing")
        body = answers.shown(None, answer.body)
        if code is None and answer.status >= 400 and isinstance(body, dict):
            code = str(body.get("code", "")) or None
        record.add(*answers.sent(answer, code=code, body=body))
        return await self.finishing.finish(record, received, answer)

    async def recover(self, modules: ModuleRegistry, adopted: Collection[str] = ()) -> int:
        """End what a crash left open, also of *adopted* nodes; return how much (CN-7).

        Raises:
            EventStoreError: the log cannot be read or written.
        """
        return await recover(self._store, self._surroundings, modules, adopted)

    async def drain(self, grace_s: float = DRAIN_S) -> None:
        """Refuse new requests, give running ones *grace_s*, then stop those left (GC-6)."""
        self._stopping = True
        if not await self._is_idle(grace_s):
            for run in tuple(self._running.values()):
                run.stop("shutting-down")
            await self._is_idle(None)

    def resume(self) -> None:
        """Take requests again after `drain`."""
        self._stopping = False

    def close(self) -> None:
        """Let go of the worker threads; after `drain`."""
        for pool in self._pools:
            pool.close()

    def disconnected(self, stream: StreamId) -> None:
        """Note that nobody waits for the answer of *stream* any more (CN-4)."""
        run = self._running.get(stream)
        if run is not None:
            run.delivered = False
            if run.version.cancel_on_disconnect:
                run.stop("disconnected")

    # --- beginning ---

    def begin(
        self, received: Received, version: HandlerVersion, first: RequestReceived | None = None
    ) -> Run:
        """Write the first facts of a request, and return it, not yet run.

        Needs a running task. `run` does it; a test that wants a context only does, too.

        Args:
            received: the request.
            version: what is to run.
            first: its first fact, where that is known.
        """
        if first is None:
            first = self._arrivals.of(received, version)
        record = self._recorder(received.stream)
        resolved = received.resolved
        if resolved is None or resolved.edition != version.edition:
            # Another version may be run on a request that was recorded.
            resolved = VersionResolved(version.edition, received.source, received.asked)
        principal = established(received.principal)
        asked, chosen = (first, _key(version.route)), (resolved, version.version)
        if received.decided is None and received.placed is None:
            record.add_together((asked, principal, chosen, _AUTHORIZED))
        else:
            more = arrived(received, version.version)
            record.add_together((asked, principal, chosen, *more, _AUTHORIZED))
        run = Run(received, version, first, record, self._surroundings)
        run.phase = "authorized"
        if self.gates is not None:
            run.gates = self.gates(run)
        run.renew = renew
        renew(run)
        return run

    def _recorder(self, stream: StreamId) -> Recorder:
        record = self._new_recorder(stream, self._store, self._surroundings.clock)
        record.scrubber = self._scrubber
        return record

    # --- the way through ---

    async def _serve(self, run: Run) -> Answer:
        stream = run.record.stream
        self._running[stream] = run
        try:
            answer, fact, key = await self._outcome(run)
            if run.gates is not None:
                run.gates.close()
            if "phase" in run.callbacks:
                await self._tell_the_end(run, fact)
            run.stage = "over"
            if run.version.delivers:
                settle(run, fact)
            run.record.end(run.lease)  # first: no thread may write behind the last fact
            run.record.add(fact, key)
            sent = answer
            answer = await self.finishing.finish(run.record, run.received, sent)
            if run.desk is not None:
                well = isinstance(fact, ResponseSent) and fact.code is None
                run.desk.ended(stream, well=well, kept=answer is sent)
            self.outcomes.note(run.version.version, answer.status, run.loop.time())
        finally:
            run.record.end(run.lease)
            # The context knows its request: let go of it, there is no cycle to be collected.
            del run.scope["lctx"]
            if run.topics is not None:
                run.topics.close()
            del self._running[stream]
            if self._idle is not None and not self._running:
                self._idle.set()
        if was_cancelled(run):
            raise asyncio.CancelledError
        return answer

    async def _outcome(self, run: Run) -> tuple[Answer, ResponseSent | RequestAborted, str]:
        """Run it; return the answer and the terminal fact with its key."""
        code: str | None = None
        shown_by: HandlerVersion | None = run.version
        try:
            answer = await self._succeed(run)
            run.stage = "cleanup"
        except PASSES_THROUGH:
            raise
        except BaseException as error:  # noqa: BLE001 - every failure becomes an answer
            shown_by = None
            answer, code = await fail(run, error)
        await clean_up(run)
        if run.stop_reason == "disconnected" or was_cancelled(run):
            return answer, RequestAborted(), run.stop_reason or "cancelled"
        answer = answers.scrubbed(self._scrubber, answer)
        body = answers.shown(shown_by, answer.body)
        fact, key = answers.sent(answer, code=code, body=body, delivered=run.delivered)
        return answer, fact, key

    async def _succeed(self, run: Run) -> Answer:
        scope, record = run.scope, run.record
        try:
            if run.version.crossing is None:
                scope["req"] = run.version.parse(run.received)
            else:
                scope["req"] = await bring_up(run)
        except ValidationFailed as error:
            record.add(RequestInvalid(error.issues, truncated=error.truncated), "request")
            scope["req"] = undecoded(run.received)
            raise
        except BaseException:
            scope["req"] = undecoded(run.received)
            raise
        run.phase = "validated"
        record.add(_CHANGED, "validated")
        await run_before(run)
        returned = await handle(run)
        result = scope["result"] = answers.result_of(returned, run.response)
        await run_after(run)
        try:
            answer = answers.success(run.version, result, run.response)
            if run.version.crossing is not None:
                answer = await bring_down(run, answer)
        except ValidationFailed as error:
            record.add(RequestInvalid(error.issues, truncated=error.truncated), "response")
            raise
        too_late = late(run)
        if too_late is not None:
            raise too_late
        return answer

    # --- ending ---

    async def _tell_the_end(self, run: Run, fact: object) -> None:
        aborted = isinstance(fact, RequestAborted)
        phase = "aborted" if aborted else "failed" if run.phase == "failing" else "completed"
        await stepping.tell(run, phase, stepping.step(run, phase))

    async def _is_idle(self, within_s: float | None) -> bool:
        if self._running:
            self._idle = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._idle.wait()
            self._idle = None
        return not self._running


def _key(route: str) -> str | None:
    """Cut a route to what a key may hold; none for no route."""
    if 0 < len(route) <= _SHORT:
        return route
    return route.encode()[:256].decode(errors="ignore") or None

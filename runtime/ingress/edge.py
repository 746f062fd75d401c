"""The ASGI application: guards the edge, finds the handler's version, runs it, answers.

Every request that reaches it leaves one complete stream, refused ones too, and no answer
leaves before its stream is durable (RS-4). `response.sent` says `delivered` for an answer
that was handed to the server: whether the last byte reached the client is known to nobody
by the time the record is closed.

Everything here runs for each request: readings are cached by the bytes they come from,
header tuples are made once.
"""

import asyncio
import logging

import msgspec

from eventstore import Clock, EventStoreError, Ids, StreamId
from runtime.control import Board
from runtime.ingress import refusals
from runtime.ingress.answers import Pairs as HeaderPairs
from runtime.ingress.answers import Send, Writer, not_shared
from runtime.ingress.arriving import Arriving, Refused, Scope
from runtime.ingress.bodies import Coming, Receive
from runtime.ingress.choosing import Chooser
from runtime.ingress.cors import Cors
from runtime.ingress.counting import Refusals
from runtime.ingress.endpoints import Endpoint, Served
from runtime.ingress.finding import Finder
from runtime.ingress.framing import CLOSE, CODED_TOO_OLD
from runtime.ingress.guarding import Guard, fingerprint_of
from runtime.ingress.heads import Head, HeadReader
from runtime.ingress.key_holders import Asked
from runtime.ingress.log_watch import LogWatch, press
from runtime.ingress.negotiating import packed
from runtime.ingress.proxies import Proxies
from runtime.ingress.queue_watch import Queues, refuse_full
from runtime.ingress.rooms import Room
from runtime.ingress.taking import take_body
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.handlers import HandlerVersion
from runtime.messages import Answer, Received
from runtime.policies.callers import caller_of
from runtime.routing import Routes
from runtime.timescape import Refusal

_log = logging.getLogger("timescape")


class Limits(msgspec.Struct, frozen=True):
    """What the edge lets in."""

    max_body: int = 1024 * 1024
    """In bytes, where the handler does not say otherwise."""
    allowed_hosts: tuple[str, ...] | None = None
    """Names that Host may hold; None: any."""
    max_in_flight: int = 1_000
    """Requests that run at once."""
    proxies: Proxies | None = None
    """Whom to believe where a request came from; None: nobody but the connection."""
    cors: Cors | None = None
    """Who may call from other origins; None: nobody."""


class Edge:
    """Serves one app on one event loop.

    Args:
        routes: where paths lead.
        board: says what versions there are.
        controller: runs and records.
        clock: says when a request came.
        ids: names it.
        guard: says who is let in.
        limits: what is let in.
        counted: says which refusals leave a stream; None: all.
        log: says whether the log can take one more request; None: it always can.
        queues: says which topics have no room; None: all have.
    """

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        routes: Routes[Endpoint],
        board: Board,
        controller: Controller,
        clock: Clock,
        ids: Ids,
        guard: Guard,
        limits: Limits | None = None,
        *,
        counted: Refusals | None = None,
        log: LogWatch | None = None,
        queues: Queues | None = None,
    ) -> None:
        self._routes = routes
        self._find = Finder(routes).find
        self.board = board
        """The route table in force."""
        self.chooser = Chooser(board, ids)
        """Says which version a request gets."""
        self._controller = controller
        self._clock = clock
        self._ids = ids
        self.guard = guard
        """The policies in force."""
        self._limits = limits or Limits()
        self._room = Room(self._limits.max_in_flight)
        self._rooms = (self._room,)
        self._counted = counted
        self._log = log
        self._queues = queues
        self._proxies, self._cors = self._limits.proxies, self._limits.cors
        self._heads = HeadReader(self._limits.allowed_hosts, proxied=self._proxies is not None)
        self._writer = Writer()
        self._running = 0
        self._idle: asyncio.Event | None = None
        self._coming = Coming()
        self._closed: Refusal | None = None
        """Why nothing is let in; None: it is."""

    @property
    def running(self) -> int:
        """How many requests have come and are not answered."""
        return self._running

    def release_key(self, request: str, *, by: str, reason: str) -> None:
        """Give the idempotency key free that *request* holds; see `KeyHolders.release`."""
        self.guard.release(request, by=by, reason=reason, now_us=self._clock())

    def suspend(self, *, cut_off: bool) -> None:
        """Refuse what comes while this process is *cut off* from the others."""
        if self._closed is not refusals.SHUTTING_DOWN:
            self._closed = refusals.LOG_UNAVAILABLE if cut_off else None

    async def stop(self, grace_s: float = 10.0) -> bool:
        """Refuse what comes from now on; wait for what runs, at most *grace_s*.

        Returns whether all came to their own end; what did not was stopped and answered
        503, its record complete (GC-6).
        """
        self._closed = refusals.SHUTTING_DOWN
        clean = await self._wait_idle(grace_s)
        if not clean:
            # Stops what still comes and runs, at once; each gets its record.
            self._coming.cut_off()
            await self._controller.drain(0)
            await self._wait_idle(_ANSWER_S)
        if self._counted is not None:
            self._counted.end_minute()
        return clean

    async def _wait_idle(self, seconds: float) -> bool:
        if self._running == 0:
            return True
        self._idle = asyncio.Event()
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._idle = None
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event, as ASGI says."""
        if scope["type"] == "http":
            self._running += 1
            try:
                await self._http(scope, receive, send)
            finally:
                self._running -= 1
                if self._running == 0 and self._idle is not None:
                    self._idle.set()
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _NO_WEBSOCKETS})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        received_us = self._clock()
        stream = StreamId(self._ids.uuid7(received_us))
        arriving = Arriving(scope)
        try:
            answer, own = await self._answered(arriving, receive, stream, received_us)
        finally:
            for room in arriving.rooms:
                room.leave()
        if arriving.head.packs:
            answer = packed(answer)
        if arriving.chosen is not None and arriving.chosen.is_personal:
            answer = not_shared(answer)
        if self._cors is not None:
            own = (*own, *self._cors.told(arriving.head.headers))
        if self._closed is refusals.SHUTTING_DOWN:
            own = (*own, _CLOSING)
        try:
            await self._writer.send(
                send, answer, self._controller.id_of(stream), own, head=scope["method"] == "HEAD"
            )
        except OSError:
            # The client has gone; the record is complete and says what was answered.
            _log.debug("client gone: stream=%s", stream.hex)

    async def _answered(
        self, arriving: Arriving, receive: Receive, stream: StreamId, received_us: int
    ) -> tuple[Answer, HeaderPairs]:
        """Return the answer, and fields that are not the handler's."""
        try:
            served = await self._admit(arriving, receive, received_us)
            if served.keys != "off" and (
                arriving.head.key is not None or served.keys == "required"
            ):
                await self._claim(arriving, served, stream, received_us)
        except Refused as refused:
            received = arriving.received(stream, received_us)
            return await self._refuse(received, arriving, refused), arriving.own
        version = served.version
        received = arriving.received(stream, received_us)
        try:
            if version.cancel_on_disconnect:
                answer = await self._run_while_connected(received, version, receive)
            else:
                answer = await self._controller.run(received, version)
        finally:
            if arriving.taken is not None:
                self.guard.done(arriving.taken)
        arriving.fell_back = answer.fell_back
        return answer, arriving.own

    async def _admit(self, arriving: Arriving, receive: Receive, received_us: int) -> Served:
        """Guard, route, resolve, read the body, in this order; see the spec's order of work."""
        head, query = self._head(arriving), arriving.scope["query_string"]
        if self.guard.authentication is not None:
            await self._authenticate(arriving, received_us)
        self._find(arriving)
        if query:
            arriving.ask(query)
        elif head.selectors:
            arriving.selectors = head.selectors
        if head.table > self.board.table.position or self.board.is_due(received_us):
            await self._catch_up(head.table, received_us)
        served = self.chooser.choose(arriving, received_us)
        if served.guarded is not None:
            handler, client = served.version.handler, arriving.client
            ruling = await self.guard.admit(
                served.guarded, handler, arriving.principal, client, received_us
            )
            arriving.obey(ruling)
        if self._log is not None and self._log.is_pressed(received_us):
            await press(self._log, received_us)
        if served.publishes and self._queues is not None:
            refuse_full(self._queues, served.publishes)
        if self._room.enters():
            arriving.rooms = self._rooms
        else:
            await arriving.wait_for(self._room)
        if served.room is not None:
            await arriving.wait_for(served.room)
        await take_body(arriving, served, receive, self._coming)
        return served

    async def _catch_up(self, position: int, received_us: int) -> None:
        """Take notice of what changed in the log, at least up to *position* (TS-8)."""
        if self.board.is_due(received_us):
            await self.board.look(received_us)
        if position > self.board.table.position and not await self.board.reached(position):
            raise Refused(refusals.TABLE_BEHIND, (("retry-after", "1"),))

    def _head(self, arriving: Arriving) -> Head:
        scope = arriving.scope
        if self._closed is not None:
            raise Refused(self._closed, (("retry-after", "1"),))
        if len(arriving.path) + len(scope["query_string"]) >= refusals.MAX_TARGET:
            raise Refused(refusals.TARGET_TOO_LONG)
        head = arriving.head = self._heads.read(scope["headers"])
        if head.refusal is not None:
            raise Refused(head.refusal, CLOSE if head.refusal.code == "bad-framing" else ())
        if head.chunked and scope["http_version"] == "1.0":
            raise Refused(CODED_TOO_OLD, CLOSE)
        if self._proxies is not None:
            arriving.came_by(self._proxies)
            refusal = self._heads.refused_host(arriving.host or head.host)
            if refusal is not None:
                raise Refused(refusal)
        if self._cors is not None:
            self._cors.answer_preflight(arriving, self._routes)
        return head

    async def _authenticate(self, arriving: Arriving, received_us: int) -> None:
        ruling = await self.guard.establish(arriving.head.headers, arriving.client, received_us)
        arriving.principal = ruling.principal
        arriving.obey(ruling)

    async def _claim(
        self, arriving: Arriving, served: Served, stream: StreamId, received_us: int
    ) -> None:
        """Take the idempotency key that was sent; who comes second ends here (IK-2)."""
        scope = arriving.scope
        asked = Asked(
            caller_of(arriving.principal, arriving.client),
            self._controller.id_of(stream),
            fingerprint_of(
                scope["method"], arriving.path, scope["query_string"], arriving.selectors,
                arriving.body,
            ),
            received_us,
        )  # fmt: skip
        try:
            ruling = await self.guard.claim(served, asked, arriving.head.key)
        except EventStoreError:
            raise Refused(refusals.LOG_UNAVAILABLE, (("retry-after", "1"),)) from None
        arriving.obey(ruling)

    async def _refuse(self, received: Received, arriving: Arriving, refused: Refused) -> Answer:
        endpoint, chosen = arriving.endpoint, arriving.chosen
        handler = "" if endpoint is None else endpoint.handler
        resolved = refused.resolved(received)
        if received.decided is not None and chosen is not None:
            resolved = chosen.served.version.version, chosen.resolved
        answer = refused.answer(self._controller.id_of(received.stream))
        return await self._controller.refuse(
            received,
            answer,
            route="" if endpoint is None else endpoint.route,
            handler=handler,
            code=refused.refusal.code or None,
            resolved=resolved,
            again=refused.again is not None,
            kept=self._is_kept(received, refused, handler),
        )

    def _is_kept(self, received: Received, refused: Refused, handler: str) -> bool:
        """Say whether a refusal leaves a stream (IN-16)."""
        counted, may = self._counted, refused.recorded
        if counted is None or refused.again is not None:
            return may
        if may and received.decided is not None and received.decided[1].windows:
            # It was charged: windows are the fold of such facts, and bound how many there are.
            return True
        return counted.leaves_a_stream(refused.refusal.code, handler, received.received_us, may=may)

    async def _run_while_connected(
        self, received: Received, version: HandlerVersion, receive: Receive
    ) -> Answer:
        """Run it, and stop it through the failure path when the client goes (CN-4)."""
        gone = asyncio.create_task(_disconnected(receive))
        gone.add_done_callback(
            lambda watch: (
                None
                if watch.cancelled() or watch.exception()
                else self._controller.disconnected(received.stream)
            )
        )
        try:
            return await self._controller.run(received, version)
        finally:
            gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


_CLOSING = (b"connection", b"close")
"""Told while the server stops, so that nobody sends more on the connection (SD-1)."""
_ANSWER_S = 5.0
"""What stopped requests have to write their record and answer."""
_NO_WEBSOCKETS = 1000

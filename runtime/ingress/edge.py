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
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from eventstore import Clock, Ids, StreamId
from runtime.control import Board
from runtime.facts import VersionResolved
from runtime.ingress.answers import Pairs as HeaderPairs
from runtime.ingress.answers import Send, Writer
from runtime.ingress.bodies import Receive, read_body
from runtime.ingress.chosen import Chosen, choose
from runtime.ingress.endpoints import Endpoint, Served, Takes
from runtime.ingress.heads import NO_HEAD, Head, HeadReader
from runtime.ingress.queries import Pairs, read_query
from runtime.ingress.queries import selectors as query_selectors
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.handlers import HandlerVersion
from runtime.lifecycle.problems import problem
from runtime.messages import Answer, Received
from runtime.routing import Match, MethodNotAllowed, Routes, split_path
from runtime.timescape import Refusal, ResolveCache, RouteTable, Selector, resolve
from runtime.timescape.splits import bucket_of, subject_of
from runtime.timescape.table import Split

Scope: TypeAlias = dict[str, Any]

_log = logging.getLogger("timescape")

MAX_TARGET = 8 * 1024
_PATHS = 1024


class Limits(msgspec.Struct, frozen=True):
    """What the edge lets in."""

    max_body: int = 1024 * 1024
    """In bytes, where the handler does not say otherwise."""
    allowed_hosts: tuple[str, ...] | None = None
    """Names that Host may hold; None: any."""


class _Refused(Exception):
    """Ends the work on a request with an answer that no handler gave."""

    def __init__(self, refusal: Refusal, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.refusal = refusal
        self.headers = headers
        super().__init__(refusal.code)

    def answer(self, instance: str) -> Answer:
        """Return the problem document; OPTIONS gets none."""
        refusal = self.refusal
        if refusal.status < 400:
            return Answer(refusal.status, self.headers, b"")
        return problem(
            refusal.status,
            refusal.code,
            instance=instance,
            detail=refusal.detail,
            remedy=refusal.remedy,
            headers=self.headers,
            members=refusal.members,
        )

    def resolved(self, received: Received) -> tuple[str, VersionResolved] | None:
        """Return the fact of a version that was asked for and refused."""
        if not self.refusal.code.startswith(("version-", "tag-")):
            return None
        fact = VersionResolved(
            source=received.source, asked=received.asked, error=self.refusal.code
        )
        return "", fact


class _Arriving:
    """What is known of a request so far; a refusal records that much."""

    __slots__ = (
        "body", "chosen", "endpoint", "head", "params", "path", "query", "scope", "selectors",
    )  # fmt: skip

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        raw = scope.get("raw_path")
        self.path: str = quote(scope["path"]) if raw is None else raw.decode("latin-1")
        self.head = NO_HEAD
        self.query: Pairs = ()
        self.params: dict[str, str] = {}
        self.selectors: tuple[Selector, ...] = ()
        self.endpoint: Endpoint | None = None
        self.chosen: Chosen | None = None
        self.body = b""

    def received(self, stream: StreamId, received_us: int) -> Received:
        """Write it down as a value."""
        client = self.scope.get("client")
        first = self.selectors[0] if self.selectors else None
        return Received(
            stream=stream,
            method=self.scope["method"],
            path=self.path,
            received_us=received_us,
            params=self.params,
            query=self.query,
            headers=self.head.headers,
            body=self.body,
            client=client[0] if client else "unknown",
            correlation_id=self.head.correlation,
            asked=None if first is None else first.text,
            source="default" if first is None else first.source,
            resolved=None if self.chosen is None else self.chosen.resolved,
        )


class Edge:
    """Serves one app on one event loop.

    Args:
        routes: where paths lead.
        board: says what versions there are.
        controller: runs and records.
        clock: says when a request came.
        ids: names it.
        limits: what is let in.
    """

    def __init__(
        self,
        routes: Routes[Endpoint],
        board: Board,
        controller: Controller,
        clock: Clock,
        ids: Ids,
        limits: Limits | None = None,
    ) -> None:
        self._routes = routes
        self.board = board
        """The route table in force."""
        self._controller = controller
        self._clock = clock
        self._ids = ids
        self._limits = limits or Limits()
        self._heads = HeadReader(self._limits.allowed_hosts)
        self._writer = Writer()
        self._resolved: ResolveCache[Chosen] = ResolveCache()
        self._paths: dict[tuple[str, str], Match[Endpoint]] = {}
        """Where paths that came lately lead; dropped at once when it is full."""
        self._running = 0
        self._idle: asyncio.Event | None = None
        self._stopping = False

    @property
    def running(self) -> int:
        """How many requests have come and are not answered."""
        return self._running

    async def stop(self, grace_s: float = 10.0) -> bool:
        """Refuse what comes from now on; wait for what runs, at most *grace_s*.

        Returns whether all came to their own end; what did not was stopped and answered
        503, its record complete (GC-6).
        """
        self._stopping = True
        clean = await self._wait_idle(grace_s)
        if not clean:
            # Stops what still runs, at once; each gets its failure path and its record.
            await self._controller.drain(0)
            await self._wait_idle(_ANSWER_S)
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
        arriving = _Arriving(scope)
        own: HeaderPairs = ()
        try:
            served = await self._admit(arriving, receive, received_us)
        except _Refused as refused:
            answer = await self._refuse(arriving.received(stream, received_us), arriving, refused)
            if arriving.chosen is not None:
                own = arriving.chosen.headers
        else:
            version = served.version
            received = arriving.received(stream, received_us)
            if arriving.chosen is not None:
                own = arriving.chosen.headers
            if version.cancel_on_disconnect:
                answer = await self._run_while_connected(received, version, receive)
            else:
                answer = await self._controller.run(received, version)
            if answer.fell_back and arriving.chosen is not None:
                own = arriving.chosen.fallen_back
        try:
            await self._writer.send(
                send, answer, f"req-{stream.hex}", own, head=scope["method"] == "HEAD"
            )
        except OSError:
            # The client has gone; the record is complete and says what was answered.
            _log.debug("client gone: stream=%s", stream.hex)

    async def _admit(self, arriving: _Arriving, receive: Receive, received_us: int) -> Served:
        """Guard, route, resolve, read the body, in this order; see the spec's order of work."""
        scope = arriving.scope
        if self._stopping:
            raise _Refused(_SHUTTING_DOWN, (("retry-after", "1"),))
        query = scope["query_string"]
        if len(arriving.path) + len(query) >= MAX_TARGET:
            raise _Refused(_TARGET_TOO_LONG)
        head = arriving.head = self._heads.read(scope["headers"])
        if head.refusal is not None:
            raise _Refused(head.refusal)
        self._route(arriving)
        if query:
            _read_query(arriving, query)
        elif head.selectors:
            arriving.selectors = head.selectors
        if self.board.is_due(received_us):
            await self.board.look(received_us)
        if head.table > self.board.table.position and not await self.board.reached(head.table):
            raise _Refused(_TABLE_BEHIND, (("retry-after", "1"),))
        served = self._resolve(arriving, received_us)
        arriving.body = await _body(head, served, receive)
        return served

    def _route(self, arriving: _Arriving) -> None:
        path, method = arriving.path, arriving.scope["method"]
        known = self._paths.get((method, path))
        if known is not None:
            arriving.endpoint, arriving.params = known.route, known.params
            return
        segments = split_path(path)
        if segments is None:
            raise _Refused(_BAD_PATH)
        found = self._routes.match(method, segments)
        if isinstance(found, Match):
            arriving.endpoint, arriving.params = found.route, found.params
            if len(self._paths) >= _PATHS:
                self._paths.clear()
            self._paths[method, path] = found
            return
        if found is None:
            raise _Refused(_NOT_FOUND)
        allow = (("allow", ", ".join(found.allow)),)
        if method == "OPTIONS":
            raise _Refused(_OPTIONS, allow)
        if method not in KNOWN_METHODS:
            raise _Refused(_UNKNOWN_METHOD)
        raise _Refused(_not_allowed(method, found), allow)

    async def _refuse(self, received: Received, arriving: _Arriving, refused: _Refused) -> Answer:
        endpoint = arriving.endpoint
        answer = refused.answer(f"req-{received.stream.hex}")
        return await self._controller.refuse(
            received,
            answer,
            route="" if endpoint is None else endpoint.route,
            handler="" if endpoint is None else endpoint.handler,
            code=refused.refusal.code or None,
            resolved=refused.resolved(received),
        )

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

    def _resolve(self, arriving: _Arriving, received_us: int) -> Served:
        endpoint = arriving.endpoint
        assert endpoint is not None  # noqa: S101 - routing came first
        table = self.board.table
        # The wall clock may step back: what the log knows to have been is not undone.
        received_us = max(received_us, table.at_us)
        chosen = self._resolved.get(table, endpoint.handler, arriving.selectors, received_us)
        if chosen is None:
            chosen = self._choose(arriving, endpoint, table, received_us)
        arriving.chosen = chosen
        return chosen.served

    def _choose(
        self, arriving: _Arriving, endpoint: Endpoint, table: RouteTable, now_us: int
    ) -> Chosen:
        """Resolve a request that is like none before, under this table."""
        routes = table.handlers[endpoint.handler]
        selectors = arriving.selectors
        split = None if selectors else routes.split
        bucket = None if split is None else _bucket(arriving, split)
        answer = resolve(routes, selectors, now_us=now_us, bucket=bucket)
        if isinstance(answer, Refusal):
            raise _Refused(answer, _RETRY if answer.status == 503 else ())
        asked = selectors[0].text if selectors else None
        chosen = choose(endpoint, routes, answer, table=table.position, asked=asked, now_us=now_us)
        if isinstance(chosen, Refusal):
            raise _Refused(chosen, _RETRY)
        if bucket is None:
            self._resolved.put(routes, selectors, now_us, chosen)
        return chosen


def _bucket(arriving: _Arriving, split: Split) -> int:
    """Say where the caller stands in a split: by its address (DP-6)."""
    client = arriving.scope.get("client")
    return bucket_of(split.salt, subject_of(client[0] if client else "unknown"))


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _read_query(arriving: _Arriving, raw: bytes) -> None:
    query = read_query(raw)
    if isinstance(query, Refusal):
        raise _Refused(query)
    arriving.query = query
    arriving.selectors = (*query_selectors(query), *arriving.head.selectors)


async def _body(head: Head, served: Served, receive: Receive) -> bytes:
    has_body = head.chunked or bool(head.length)
    if has_body and served.takes is Takes.JSON and not head.json:
        raise _Refused(_MEDIA, (("accept-post", "application/json"),))
    if has_body and head.encoded:
        raise _Refused(_ENCODED, (("accept-encoding", "identity"),))
    body = await read_body(receive, head, served.max_body)
    if isinstance(body, Refusal):
        raise _Refused(body)
    return b"" if served.takes is Takes.NOTHING else body


def _not_allowed(method: str, found: MethodNotAllowed) -> Refusal:
    return Refusal(
        405,
        "method-not-allowed",
        f"{method} is not served here.",
        f"Use one of: {', '.join(found.allow)}.",
    )


KNOWN_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
_ANSWER_S = 5.0
"""What stopped requests have to write their record and answer."""
_NO_WEBSOCKETS = 1000
_RETRY = (("retry-after", "5"),)
_TABLE_BEHIND = Refusal(
    503,
    "table-behind",
    "The versions that the caller knows of are not known here yet.",
    "Send it again after a second.",
)

_SHUTTING_DOWN = Refusal(
    503, "shutting-down", "The server is stopping.", "Send it again after a second."
)
_TARGET_TOO_LONG = Refusal(
    414,
    "target-too-long",
    f"Path and query are longer than {MAX_TARGET} bytes.",
    "Send long values in the body.",
    {"limit": MAX_TARGET},
)
_BAD_PATH = Refusal(
    400,
    "bad-path",
    "The path is not clean: bad percent-encoding or UTF-8, a control character, an empty "
    "or a dot segment.",
    "Send the path as it is registered; it is not repaired.",
)
_NOT_FOUND = Refusal(
    404, "route-not-found", "No route has this path.", "Check it: letter case and slashes count."
)
_OPTIONS = Refusal(204, "", "", "")
_UNKNOWN_METHOD = Refusal(
    501, "method-unknown", "The method is not known here.", "Use GET, POST, PUT, PATCH or DELETE."
)
_MEDIA = Refusal(
    415,
    "media-unsupported",
    "The body is not declared as JSON in UTF-8.",
    "Send Content-Type: application/json.",
)
_ENCODED = Refusal(
    415, "encoding-unsupported", "The body has a Content-Encoding.", "Send it uncompressed."
)

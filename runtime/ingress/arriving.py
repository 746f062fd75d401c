"""A request on its way in: what is known of it so far, and how it ends before any handler."""

from typing import Any, TypeAlias
from urllib.parse import quote

from eventstore import StreamId
from runtime.facts import VersionResolved
from runtime.ingress.answers import Pairs as HeaderPairs
from runtime.ingress.chosen import Chosen
from runtime.ingress.endpoints import Endpoint
from runtime.ingress.guarding import Decided, Ruling, together
from runtime.ingress.heads import NO_HEAD
from runtime.ingress.proxies import Proxies
from runtime.ingress.queries import Pairs, read_query
from runtime.ingress.queries import selectors as query_selectors
from runtime.ingress.rooms import Room
from runtime.lifecycle.problems import problem
from runtime.messages import Answer, Received
from runtime.principals import ANONYMOUS
from runtime.timescape import Refusal, Selector

Scope: TypeAlias = dict[str, Any]
_AGAIN = Refusal(200, "", "", "")
_OVERLOADED = Refusal(
    503, "overloaded", "More requests run than there is room for.", "Send it again after a second."
)


class Refused(Exception):
    """Ends the work on a request with an answer that no handler gave."""

    def __init__(
        self,
        refusal: Refusal,
        headers: tuple[tuple[str, str], ...] = (),
        again: Answer | None = None,
        *,
        recorded: bool = True,
        table: int = 0,
    ) -> None:
        self.refusal = refusal
        self.table = table
        """Position of the table by which no version was found; 0: none was asked."""
        self.headers = headers
        self.again = again
        """An answer that was given before, in the place of a refusal."""
        self.recorded = recorded
        """Whether it may leave a stream, where refusals are counted."""
        super().__init__(refusal.code)

    def answer(self, instance: str) -> Answer:
        """Return the problem document; OPTIONS gets none."""
        refusal = self.refusal
        if self.again is not None:
            return self.again
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
            source=received.source, asked=received.asked, error=self.refusal.code, table=self.table
        )
        return "", fact


class Arriving:
    """What is known of a request so far; a refusal records that much."""

    __slots__ = (
        "body", "chosen", "client", "decided", "endpoint", "fell_back", "head", "host", "params",
        "path", "principal", "query", "rooms", "scheme", "scope", "selectors", "taken", "told",
    )  # fmt: skip

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        raw = scope.get("raw_path")
        self.path: str = quote(scope["path"]) if raw is None else raw.decode("latin-1")
        peer = scope.get("client")
        self.client: str = peer[0] if peer else "unknown"
        """The caller's address."""
        self.scheme = self.host = ""
        self.head = NO_HEAD
        self.query: Pairs = ()
        self.params: dict[str, str] = {}
        self.selectors: tuple[Selector, ...] = ()
        self.endpoint: Endpoint | None = None
        self.chosen: Chosen | None = None
        self.fell_back = False
        """Whether the caller's own version ran, as a transformer failed."""
        self.body = b""
        self.principal = ANONYMOUS
        self.decided: Decided | None = None
        self.told: HeaderPairs = ()
        """Fields of the answer, whatever it is."""
        self.rooms: tuple[Room, ...] = ()
        """Where it has a place, to be left at its end."""
        self.taken: str | None = None
        """The idempotency key that it holds."""

    @property
    def own(self) -> HeaderPairs:
        """Fields of the answer that no handler gave."""
        own: HeaderPairs = ()
        if self.chosen is not None:
            own = self.chosen.fallen_back if self.fell_back else self.chosen.headers
        return (*own, *self.told) if self.told else own

    @property
    def priority(self) -> int:
        """What it counts: as the caller would have it, but not above its principal's (IN-12)."""
        return min(self.head.priority, self.principal.ceiling)

    def came_by(self, proxies: Proxies) -> None:
        """Take the word of trusted proxies for where it came from (IN-13)."""
        origin = proxies.origin(self.client, self.head.headers)
        self.client, self.scheme, self.host = origin.client, origin.scheme, origin.host

    def ask(self, query: bytes) -> None:
        """Take the query, and the selectors of a version that stand in it.

        Raises:
            Refused: it cannot be read.
        """
        pairs = read_query(query)
        if isinstance(pairs, Refusal):
            raise Refused(pairs)
        self.query = pairs
        self.selectors = (*query_selectors(pairs), *self.head.selectors)

    async def wait_for(self, room: Room) -> None:
        """Take a place in *room*; of many the first that count most get one (AD-1).

        Raises:
            Refused: there was none in time.
        """
        if not room.enters() and not await room.wait(self.priority):
            raise Refused(_OVERLOADED, (("retry-after", "1"),))
        self.rooms = (*self.rooms, room)

    def obey(self, ruling: Ruling) -> None:
        """Take what a policy says.

        Raises:
            Refused: it ends here.
        """
        self.decided = together(self.decided, ruling.decided)
        if ruling.told:
            self.told = ruling.told
        if ruling.taken is not None:
            self.taken = ruling.taken
        if ruling.refusal is not None:
            raise Refused(ruling.refusal, ruling.headers)
        if ruling.again is not None:
            raise Refused(_AGAIN, again=ruling.again)

    def received(self, stream: StreamId, received_us: int) -> Received:
        """Write it down as a value."""
        head, selectors = self.head, self.selectors
        first = selectors[0] if selectors else None
        return Received(
            stream=stream,
            method=self.scope["method"],
            path=self.path,
            received_us=received_us,
            params=self.params,
            query=self.query,
            headers=head.headers,
            body=self.body,
            client=self.client,
            correlation_id=head.correlation,
            timeout_s=head.timeout_s,
            asked=None if first is None else first.text,
            source="default" if first is None else first.source,
            resolved=None if self.chosen is None else self.chosen.resolved,
            placed=None if self.chosen is None else self.chosen.placed,
            principal=self.principal,
            decided=self.decided,
            priority=min(head.priority, self.principal.ceiling),
            flags=head.flags,
            selectors=tuple((s.name, s.text) for s in selectors) if selectors else (),
            scheme=self.scheme,
            host=self.host,
        )

"""Chooses the version that a request gets; what was found for equal requests is known."""

from typing import Final

from eventstore import Ids
from runtime.control import Board
from runtime.ingress.answers import Pairs
from runtime.ingress.arriving import Arriving, Refused
from runtime.ingress.chosen import Chosen, choose
from runtime.ingress.endpoints import Endpoint, Served
from runtime.ingress.sticking import Cookies, subject
from runtime.timescape import Refusal, ResolveCache, RouteTable, resolve
from runtime.timescape.pins import pinned
from runtime.timescape.selectors import SELECTOR_HEADERS
from runtime.timescape.splits import bucket_of
from runtime.timescape.table import Split

_VARIES: Final = (("vary", ", ".join(SELECTOR_HEADERS)),)
"""Another selector might have been answered (TR-9)."""
_RETRY: Final = (("retry-after", "5"), *_VARIES)


class Chooser:
    """Chooses versions by the table in force.

    Args:
        board: says what versions there are.
        ids: name callers that get a cookie.
    """

    def __init__(self, board: Board, ids: Ids) -> None:
        self._board = board
        self._ids = ids
        self._cookies: Cookies | None = None
        self._resolved: ResolveCache[Chosen] = ResolveCache()
        self._unhealthy = self._suspected = frozenset[str]()

    def avoid(self, versions: frozenset[str], suspected: frozenset[str]) -> None:
        """Give no requests to *versions*, which are unhealthy, from the next request on (PL-2).

        Those *suspected* are unhealthy in other processes: others are taken where there are some.
        """
        self._unhealthy, self._suspected = versions, suspected
        self._resolved.clear()

    def give_cookies(self, key: bytes) -> None:
        """Tell callers who prove nothing apart by cookies signed with *key*, not by address."""
        self._cookies = Cookies(key, self._ids)

    def choose(self, arriving: Arriving, received_us: int) -> Served:
        """Give *arriving* its version, and return what serves it.

        Raises:
            Refused: there is none that it may have.
        """
        endpoint = arriving.endpoint
        assert endpoint is not None  # noqa: S101 - routing came first
        table = self._board.table
        # The wall clock may step back: what the log knows to have been is not undone.
        received_us = max(received_us, table.at_us)
        if table.pins and not arriving.selectors:
            arriving.selectors = pinned(table, endpoint.handler, arriving.principal.subjects)
        chosen = self._resolved.get(table, endpoint.handler, arriving.selectors, received_us)
        if chosen is None:
            chosen = self._resolve(arriving, endpoint, table, received_us)
        arriving.chosen = chosen
        return chosen.served

    def _resolve(
        self, arriving: Arriving, endpoint: Endpoint, table: RouteTable, now_us: int
    ) -> Chosen:
        """Resolve a request that is like none before, under this table."""
        routes = table.handlers[endpoint.handler]
        selectors = arriving.selectors
        split = None if selectors else routes.split
        bucket, cookie = (None, ()) if split is None else self._bucket(split, arriving)
        answer = resolve(routes, selectors, now_us=now_us, bucket=bucket)
        if isinstance(answer, Refusal):
            said = _RETRY if answer.status == 503 else _VARIES
            raise Refused(answer, said, table=table.position)
        asked = selectors[0].text if selectors else None
        chosen = choose(
            endpoint, routes, answer, table=table.position, asked=asked, now_us=now_us,
            unhealthy=self._unhealthy, suspected=self._suspected,
        )  # fmt: skip
        if isinstance(chosen, Refusal):
            raise Refused(chosen, _RETRY, table=table.position)
        if bucket is None:
            self._resolved.put(routes, selectors, now_us, chosen)
        return chosen.telling(cookie) if cookie else chosen

    def _bucket(self, split: Split, arriving: Arriving) -> tuple[int, Pairs]:
        """Say where a caller stands, and what its answer tells it so that it stays there (DP-6)."""
        scheme = arriving.scheme or arriving.scope.get("scheme")
        who, cookie = subject(
            arriving.principal, arriving.client, arriving.head.headers, self._cookies,
            secure=scheme == "https",
        )  # fmt: skip
        return bucket_of(split.salt, who), cookie

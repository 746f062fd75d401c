"""Remember what was resolved, for as long as it stays so (TS-8).

Answers are the same with the cache and without: it is of one table, and an entry ends at
the next moment at which time alone may change what selectors mean.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Generic, TypeVar

from runtime.timescape import selectors as forms
from runtime.timescape.selectors import Instant, Selector, Tag
from runtime.timescape.table import HandlerRoutes, RouteTable

V = TypeVar("V")
MOST = 1_000
_FOREVER = 1 << 62


class ResolveCache(Generic[V]):
    """What was made of resolutions under the newest table. For one thread.

    Args:
        most: how many are kept; all are dropped at once when there would be more.
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._table: RouteTable | None = None
        self._known: dict[tuple[str, tuple[Selector, ...]], tuple[V, int, int]] = {}
        self._moments: dict[str, list[int]] = {}

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._known)

    def get(
        self, table: RouteTable, handler: str, selectors: tuple[Selector, ...], now_us: int
    ) -> V | None:
        """Return what was put for equal selectors under this table, if it still holds."""
        if table is not self._table:
            self.clear()
            self._table = table
        known = self._known.get((handler, selectors))
        if known is None or not known[1] <= now_us < known[2]:
            return None
        return known[0]

    def put(
        self, routes: HandlerRoutes, selectors: tuple[Selector, ...], now_us: int, made: V
    ) -> None:
        """Keep *made* for *selectors*, after `get` gave nothing. Refusals are not for here."""
        if not self._most or _looks_ahead(selectors, now_us):
            return
        if len(self._known) >= self._most:
            self._known.clear()
        until_us = self._next_moment(routes, now_us)
        self._known[routes.handler, selectors] = (made, now_us, until_us)

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
        self._moments.clear()

    def _next_moment(self, routes: HandlerRoutes, now_us: int) -> int:
        moments = self._moments.get(routes.handler)
        if moments is None:
            moments = [version.effective_us for version in routes.line]
            moments += [entry.from_us for entry in routes.timeline]
            moments += [r.sunset_us for r in routes.retired.values() if r.sunset_us is not None]
            moments.sort()
            self._moments[routes.handler] = moments
        at = bisect_right(moments, now_us)
        return moments[at] if at < len(moments) else _FOREVER


def _looks_ahead(selectors: Sequence[Selector], now_us: int) -> bool:
    """Say whether an instant among *selectors* is still to come, and so counts as now."""
    for selector in selectors:
        meant = forms.read(selector)
        at_us = meant.at_us if isinstance(meant, Instant | Tag) else None
        if at_us is not None and at_us > now_us:
            return True
    return False

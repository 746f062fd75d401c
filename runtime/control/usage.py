"""Reads out of a log how versions were used (VL-1). What is read can be dropped and read anew."""

from collections.abc import Callable

from eventstore import Row, Store
from runtime.context import REQUEST
from runtime.facts import PrincipalEstablished, RequestReceived, VersionResolved
from runtime.queue import METHOD
from runtime.timescape import RouteTable
from runtime.timescape.usage import KEYS_US, UsageFold, Use

BY = "timescape"
"""Who retires versions where nobody asked for it."""
_NAME = "usage"


class Usage:
    """How versions were used since a time, as far as the log was read. In one thread at a time.

    Args:
        store: the log.
        since_us: requests that began before may be left out.
    """

    def __init__(self, store: Store, since_us: int) -> None:
        self._fold = UsageFold()
        cursor = store.cursor_at(position_at(store, since_us))
        self._pages = store.subscribe(_NAME, after=cursor, kinds=(REQUEST.name,))

    @property
    def in_flight(self) -> frozenset[str]:
        """Versions with requests that were recorded in part."""
        return self._fold.in_flight

    def use(self, version: str, now_us: int) -> Use:
        """Say how *version* was used up to *now_us*."""
        return self._fold.use(version, now_us)

    def read_on(self, now_us: int, goes_on: Callable[[], bool] = lambda: True) -> bool:
        """Read to the end of the log; say whether it was reached.

        Args:
            now_us: the time; what is too old for it is forgotten.
            goes_on: asked after each page; it may wait a little to leave time to others.

        Raises:
            EventStoreError: the log cannot be read.
        """
        while (page := self._pages.poll()) is not None:
            self._fold.add(page.rows)
            if not goes_on():
                return False
        self._fold.forget(now_us)
        return True


def keeps_keys(store: Store, version: str, now_us: int) -> bool:
    """Say whether an idempotency key is kept that a request of *version* took (VL-4).

    Raises:
        EventStoreError: the log cannot be read.
    """
    usage = Usage(store, now_us - KEYS_US)
    usage.read_on(now_us)
    return usage.use(version, now_us).keyed


def position_at(store: Store, at_us: int) -> int:
    """Return a position of the log before which nothing is of *at_us* or later.

    Found by halving: a log of a billion events is looked at thirty times.
    """
    low, high = 0, int(store.end())
    while low < high:
        middle = (low + high) // 2
        rows = store.read_log(after=middle, limit=1)
        if rows and rows[0].began_us < at_us:
            low = rows[0].position + len(rows[0].events) - 1
        else:
            high = middle
    return low


def callers_of(store: Store, version: str, since_us: int) -> dict[str, tuple[int, int]]:
    """Say who has called *version* since a time, how often, and when last.

    Whoever proved nothing is known by its address.
    """
    found: dict[str, tuple[int, int]] = {}
    cursor = store.cursor_at(position_at(store, since_us))
    pages = store.subscribe(_NAME, after=cursor, kinds=(REQUEST.name,))
    while (page := pages.poll()) is not None:
        for row in page.rows:
            caller = _caller(row, version)
            if caller is not None:
                found[caller] = found.get(caller, (0, 0))[0] + 1, row.at_us
    return found


def _caller(row: Row, version: str) -> str | None:
    """Say who asked for *version* in a row that begins a request; None: nobody did."""
    caller, called = "", False
    for event in row.events:
        match event.data:
            case RequestReceived(client=client):
                caller = client
            case PrincipalEstablished() as who if who.kind != "anonymous":
                caller = event.key or caller
            case VersionResolved(contract=contract):
                called = version == (contract or event.key)
                break
            case _:
                pass
    return caller if called and row.parent is None else None


def subscribers(table: RouteTable) -> frozenset[str]:
    """Return the handlers that take messages: how they are used, no request tells."""
    return frozenset(each.handler for each in table if each.route.startswith(f"{METHOD} "))

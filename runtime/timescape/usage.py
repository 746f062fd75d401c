"""How versions are used: a fold of what requests say of them (VL-1). Pure.

A request counts for the version that its caller speaks, and for the one whose code ran, at the
time of its answer. What is folded can be dropped and folded anew at any time.
"""

from array import array
from bisect import bisect_right, insort
from collections.abc import Iterable

import msgspec

from eventstore import Row, StreamId
from runtime.facts import RequestAborted, RequestReceived, ResponseSent, VersionResolved
from runtime.policy_facts import PolicyDecided

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
WEEK_US = 7 * DAY_US
KEYS_US = DAY_US
"""How long an idempotency key is kept; see `runtime.policies.keys`."""
_KEYED = "idempotency"


class Hour(msgspec.Struct):
    """What a version answered in an hour."""

    requests: int = 0
    errors: int = 0
    """With a status of 500 or more, or without an answer."""
    total_us: int = 0
    """All their times together."""


class Use(msgspec.Struct, frozen=True):
    """How a version was used up to a time."""

    day: int = 0
    """Requests of the last 24 hours, exactly."""
    week: int = 0
    """Requests of the last 7 days; those of the hour in which they began are all counted."""
    errors: int = 0
    """Of those."""
    mean_us: int | None = None
    """How long one of those took; None: there was none."""
    last_us: int | None = None
    """When the last ended; None: none is known of."""
    keyed: bool = False
    """Whether an idempotency key that one of them took is kept still (VL-4)."""


UNUSED = Use()


class UsageFold:
    """Counts, while rows of requests are added in the order of the log."""

    def __init__(self) -> None:
        self._open: dict[StreamId, tuple[frozenset[str], int]] = {}
        self._hours: dict[str, dict[int, Hour]] = {}
        self._days: dict[str, array[int]] = {}
        self._last: dict[str, int] = {}
        self._keyed: dict[str, int] = {}

    @property
    def in_flight(self) -> frozenset[str]:
        """Versions with requests that have been recorded in part."""
        return frozenset().union(*(versions for versions, _ in self._open.values()))

    def add(self, rows: Iterable[Row]) -> None:
        """Go on by *rows*; those of forks are no use of a version."""
        for row in rows:
            if row.parent is None:
                self._add(row)

    def _add(self, row: Row) -> None:
        versions, began_us = self._open.pop(row.stream, (frozenset[str](), row.began_us))
        for event in row.events:
            fact = event.data
            if isinstance(fact, RequestReceived):
                began_us = event.at_us
            elif isinstance(fact, VersionResolved) and event.key:
                versions = frozenset({event.key, fact.contract or event.key})
            elif (
                isinstance(fact, PolicyDecided) and event.key == "allow" and _KEYED in fact.policies
            ):
                for version in versions:
                    self._keyed[version] = max(event.at_us, self._keyed.get(version, 0))
            elif isinstance(fact, ResponseSent | RequestAborted):
                failed = isinstance(fact, RequestAborted) or fact.status >= 500
                for version in versions:
                    self._count(version, began_us, event.at_us, failed=failed)
                return
        if versions and not row.closes:
            self._open[row.stream] = versions, began_us

    def _count(self, version: str, began_us: int, at_us: int, *, failed: bool) -> None:
        hour = self._hours.setdefault(version, {}).setdefault(at_us // HOUR_US, Hour())
        hour.requests += 1
        hour.errors += failed
        hour.total_us += max(at_us - began_us, 0)
        insort(self._days.setdefault(version, array("q")), at_us)
        self._last[version] = max(at_us, self._last.get(version, 0))

    def forget(self, before_us: int) -> None:
        """Drop what is of no use any more: times older than a day, hours older than a week."""
        for times in self._days.values():
            del times[: bisect_right(times, before_us - DAY_US)]
        for hours in self._hours.values():
            for hour in [each for each in hours if each < (before_us - WEEK_US) // HOUR_US]:
                del hours[hour]

    def use(self, version: str, now_us: int) -> Use:
        """Say how *version* was used up to *now_us*."""
        times = self._days.get(version, array("q"))
        day = bisect_right(times, now_us) - bisect_right(times, now_us - DAY_US)
        first, last = (now_us - WEEK_US) // HOUR_US, now_us // HOUR_US
        hours = self._hours.get(version, {})
        lately = [hour for at, hour in hours.items() if first <= at <= last]
        requests = sum(hour.requests for hour in lately)
        total_us = sum(hour.total_us for hour in lately)
        return Use(
            day,
            requests,
            sum(hour.errors for hour in lately),
            total_us // requests if requests else None,
            self._last.get(version),
            version in self._keyed and now_us < self._keyed[version] + KEYS_US,
        )

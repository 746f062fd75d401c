"""Counts of what a log says: folds of its facts, and nothing else (SI-4, SI-5)."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from eventstore import Event, Store
from runtime import facts

_PAGE = 256
_REQUEST = "request"
_HOOK_TIMEOUT = "HookTimedOutError"


class RequestCounts(msgspec.Struct):
    """Of requests."""

    total: int = 0
    timeouts: int = 0
    """Those with `request.timed_out`."""
    by_route: Counter[str] = msgspec.field(default_factory=Counter)
    by_version: Counter[str] = msgspec.field(default_factory=Counter)
    """By version id; those without one are not in it."""
    by_status: Counter[int] = msgspec.field(default_factory=Counter)


class HookCounts(msgspec.Struct):
    """Of hooks."""

    executions: int = 0
    """Each hook of each request once, however often it was tried."""
    attempts: int = 0
    timeouts: int = 0
    errors: int = 0
    """Failed attempts, timeouts among them."""


class ModuleCounts(msgspec.Struct):
    """Of one method of a module."""

    calls: int = 0
    errors: int = 0
    latency_s: float = 0.0
    """Of all calls together."""


class Counters(msgspec.Struct):
    """What a log says of the requests in it."""

    requests: RequestCounts = msgspec.field(default_factory=RequestCounts)
    hooks: HookCounts = msgspec.field(default_factory=HookCounts)
    modules: dict[str, ModuleCounts] = {}
    """By method, such as `pricing.quote`."""


def count(events: Iterable[Event]) -> Counters:
    """Count what facts of requests say; each request's are in their order."""
    counting = _Counting()
    for event in events:
        counting.add(event)
    return counting.found


def count_log(store: Store) -> Counters:
    """Count all requests of a log."""
    return count(requests_of(store))


def requests_of(store: Store) -> list[Event]:
    """Give the facts of all requests of a log."""
    found: list[Event] = []
    after = 0
    while rows := store.read_log(after=after, limit=_PAGE, kinds=(_REQUEST,)):
        after = rows[-1].position
        found += [event for row in rows for event in row.events]
    return found


class _Counting:
    def __init__(self) -> None:
        self.found = Counters()
        self._calls: dict[tuple[object, int], tuple[str, int]] = {}

    def add(self, event: Event) -> None:
        requests, hooks = self.found.requests, self.found.hooks
        match event.data:
            case facts.RequestReceived(route=route):
                requests.total += 1
                requests.by_route[route] += 1
            case facts.VersionResolved() if event.key:
                requests.by_version[event.key] += 1
            case facts.RequestTimedOut():
                requests.timeouts += 1
            case facts.ResponseSent(status=status):
                requests.by_status[status] += 1
            case facts.HookStarted(attempt=attempt):
                hooks.executions += attempt == 1
                hooks.attempts += 1
            case facts.HookFailed(failure=failure):
                hooks.errors += 1
                hooks.timeouts += failure.error.endswith(_HOOK_TIMEOUT)
            case _:
                self._effect(event)

    def _effect(self, event: Event) -> None:
        data = event.data
        if isinstance(data, facts.EffectRequested) and data.kind == "module":
            self._calls[event.stream, data.n] = event.key or "", event.at_us
        elif isinstance(data, facts.EffectReturned | facts.EffectFailed):
            name, at_us = self._calls.pop((event.stream, data.n), ("", 0))
            if name:
                counts = self.found.modules.setdefault(name, ModuleCounts())
                counts.calls += 1
                counts.errors += isinstance(data, facts.EffectFailed)
                counts.latency_s += max(0, event.at_us - at_us) / 1_000_000


class Load(msgspec.Struct):
    """What a load gave."""

    counters: Counters
    latencies_s: Sequence[float]
    """Of each answer in virtual time, ascending."""
    lost: int
    """Requests that got no answer."""

    def quantile(self, part: float) -> float:
        """Return the latency that *part* of the answers did not pass; 0 without any."""
        if not self.latencies_s:
            return 0.0
        at = min(len(self.latencies_s) - 1, int(part * len(self.latencies_s)))
        return self.latencies_s[at]

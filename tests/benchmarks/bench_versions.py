"""Which of 1,000 versions a request means, beside FastAPI finding the route of one that has none.

Nobody is asked to be faster than the other: routing and resolving are different things. The
peer says what a request pays for being led somewhere at all.
"""

import statistics

from starlette.routing import Match

from eventstore import Event, Position, Revision, StreamId, named_stream
from runtime.timescape import Resolution, ResolveCache, Selector, VersionId, fold_table, resolve
from runtime.version_facts import HandlerDeployed
from tests.benchmarks.app_fastapi import app
from tests.benchmarks.measure import Rate, Row, compare, rate

VERSIONS = 1_000
CALLS = 20_000
HANDLER = "post-orders"
NOW_US = 1_790_000_000_000_000
STREAM: StreamId = named_stream("control", "bench")
PEER = "FastAPI, its route of an unversioned request"


def rows() -> list[Row]:
    routed = _routed()
    return [
        _row("resolve an edition among 1,000 versions, cached", _cached(), routed),
        _row("resolve an edition among 1,000 versions, uncached", _uncached(), routed),
    ]


def _row(what: str, ours: Rate, theirs: Rate) -> Row:
    found = [ours() for _ in range(3)]
    micros = 1_000 / statistics.median(found)
    note = f"{what}: {micros:.2f} µs."
    return compare(what, ours, theirs, peer=PEER, unit="k/s", note=note)


def _events() -> list[Event]:
    events = []
    for number in range(1, VERSIONS + 1):
        day = f"{2000 + number // 336:04}-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}"
        key = str(VersionId(NOW_US // 10**6 + number, number, HANDLER))
        fact = HandlerDeployed(HANDLER, "POST /orders", day, f"{number:032x}")
        at_us = NOW_US + number * 10**6
        events.append(
            Event(Position(number), STREAM, Revision(number), fact.type, fact, key, at_us, None)
        )
    return events


def _asked() -> list[tuple[Selector, ...]]:
    days = [f"{2000 + year:04}-{month:02}-15" for year in range(1, 3) for month in range(1, 13)]
    return [(Selector("query", "query version", day),) for day in days]


def _cached() -> Rate:
    table = fold_table(_events())
    routes, asked, now_us = table.handlers[HANDLER], _asked(), table.at_us + 10**6
    cache: ResolveCache[Resolution] = ResolveCache()

    def work() -> None:
        for number in range(CALLS):
            selectors = asked[number % len(asked)]
            if cache.get(table, HANDLER, selectors, now_us) is None:
                answer = resolve(routes, selectors, now_us=now_us)
                assert isinstance(answer, Resolution)
                cache.put(routes, selectors, now_us, answer)

    return lambda: rate(CALLS, work) / 1_000


def _uncached() -> Rate:
    table = fold_table(_events())
    routes, asked, now_us = table.handlers[HANDLER], _asked(), table.at_us + 10**6

    def work() -> None:
        for number in range(CALLS):
            resolve(routes, asked[number % len(asked)], now_us=now_us)

    return lambda: rate(CALLS, work) / 1_000


def _routed() -> Rate:
    scope = {"type": "http", "method": "POST", "path": "/orders/7", "headers": []}

    def work() -> None:
        for _ in range(CALLS):
            for route in app.router.routes:
                if route.matches(scope)[0] is Match.FULL:
                    break

    return lambda: rate(CALLS, work) / 1_000

"""Which of 1,000 versions a request means, and what a request pays for having a version.

Resolving stands beside FastAPI finding the route of a request that has no version: nobody is asked
to be faster, the peer says what a request pays for being led somewhere at all. A whole request
that names an older version, recorded durably, stands beside one of Litestar's that has none, and
beside one of Cadwyn's that names one.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from starlette.routing import Match

from eventstore import Event, Position, Revision, StreamId, named_stream
from runtime import App
from runtime.app.log import open_log
from runtime.effects import SystemIds
from runtime.timescape import Resolution, ResolveCache, Selector, VersionId, fold_table, resolve
from runtime.version_facts import HandlerDeployed
from tests.benchmarks import app_cadwyn, app_litestar, app_timescape
from tests.benchmarks.app_fastapi import app
from tests.benchmarks.measure import Rate, Row, compare, rate, within
from tests.faces.asgi import scope_of

VERSIONS = 1_000
CALLS = 20_000
HANDLER = "post-orders"
NOW_US = 1_790_000_000_000_000
STREAM: StreamId = named_stream("control", "bench")
PEER = "FastAPI, its route of an unversioned request"
CACHED_US = 2.0
"""What resolving may take where it was resolved before."""
SLOWER = 1.3
"""How much longer a versioned request may take than Litestar's without a version."""
CADWYN = "Cadwyn, versioned and unrecorded"
FASTER, RESOLVED_FASTER = 10, 50
"""Than Cadwyn: a versioned request, and finding out which version it means."""
REQUESTS, CADWYN_REQUESTS = 4_000, 1_000
AT_ONCE = 64
EDITIONS = ("2026-03-01", "2026-10-01")
BODY = b'{"customer":"ann","items":[{"sku":"mug","quantity":2}]}'
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def rows() -> list[Row]:
    routed, cached = _routed(), _cached()
    micros = [1_000 / cached() for _ in range(5)]
    return [
        within("resolve among 1,000 versions, cached", micros, unit="µs", limit=CACHED_US),
        _requests(),
        _against_cadwyn(),
        _resolved_against_cadwyn(),
        _row("resolve an edition among 1,000 versions, cached", cached, routed),
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


# --- whole requests, in process ---


def _requests() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        return compare(
            "versioned request, in process, fsync",
            lambda: uvloop.run(_recorded(url)),
            lambda: uvloop.run(_asked_of(app_litestar.app, "/orders/7")),
            peer="Litestar, unversioned and unrecorded",
            unit="requests/s",
            bar=1 / SLOWER,
        )


def _against_cadwyn() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        return compare(
            "versioned request, in process, fsync",
            lambda: uvloop.run(_recorded(url)),
            _cadwyn,
            peer=CADWYN,
            unit="requests/s",
            bar=FASTER,
        )


def _resolved_against_cadwyn() -> Row:
    """What Cadwyn pays for a version: a versioned request of it, less FastAPI's without one."""
    found = _cached()

    def theirs() -> float:
        versioned = 1 / _cadwyn()
        plain = 1 / uvloop.run(_asked_of(app, "/orders/7", some=CADWYN_REQUESTS))
        return 1 / (versioned - plain) / 1_000

    what = "resolve among 1,000 versions, cached"
    return compare(
        what, found, theirs, peer=f"{CADWYN}, less FastAPI", unit="k/s", bar=RESOLVED_FASTER
    )


def _cadwyn() -> float:
    named = (app_cadwyn.HEADER, app_cadwyn.OLDER)
    return uvloop.run(_asked_of(app_cadwyn.app, "/orders/7", named, some=CADWYN_REQUESTS))


async def _recorded(url: str) -> float:
    versioned = App("versions")
    for edition in EDITIONS:
        versioned.handler(
            "POST /orders/{order_id:int}",
            version=edition,
            before=[app_timescape.check_client, app_timescape.check_items],
            after=[app_timescape.check_answer],
        )(app_timescape.place)
    with open_log(url, ids=SystemIds()) as store:
        versioned.start(store)
        await versioned.begin()
        try:
            return await _asked_of(versioned, f"/orders/7?version={EDITIONS[0]}")
        finally:
            await versioned.stop()


async def _asked_of(
    asked: Asgi, target: str, *more: tuple[str, str], some: int = REQUESTS
) -> float:
    """Ask, so many at once; give requests a second."""
    head = (
        *more,
        ("host", "shop.example"),
        ("content-type", "application/json"),
        ("content-length", str(len(BODY))),
    )
    scope = scope_of("POST", target, head)

    async def one() -> None:
        asking, said = dict(scope), [{"type": "http.request", "body": BODY}]

        async def receive() -> dict[str, Any]:
            return said.pop() if said else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            assert message.get("status", 200) == 200

        await asked(asking, receive, send)

    async def each() -> None:
        for _ in range(some // AT_ONCE):
            await one()

    began = time.perf_counter()
    await asyncio.gather(*[each() for _ in range(AT_ONCE)])
    return some // AT_ONCE * AT_ONCE / (time.perf_counter() - began)

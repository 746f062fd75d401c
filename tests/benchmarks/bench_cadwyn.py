"""Resolving a version against Cadwyn's routing of a request that names one.

Cadwyn picks the version in a middleware and then looks for the route among those of that
version; ours is asked which of 1,000 versions an edition means, without its cache. Of Cadwyn
all stands but the handler: what its route would run is taken out, so that FastAPI's own work
counts for nobody. It has 100 versions, as it takes seconds to build more; that favours it.
"""

import asyncio
import datetime as dt
import importlib
from collections.abc import Callable
from typing import Any

from tests.benchmarks.bench_versions import uncached
from tests.benchmarks.measure import Missing, Rate, Row, compare, rate
from tests.faces.asgi import scope_of

WHAT = "resolve an edition among 1,000 versions, uncached"
VERSIONS = 100
CALLS = 500
FIRST = dt.date(2020, 1, 1)
_ANSWERED = (
    {"type": "http.response.start", "status": 200, "headers": []},
    {"type": "http.response.body", "body": b""},
)


def rows() -> list[Row | Missing]:
    try:
        app = _cadwyn()
    except ImportError:
        return [Missing(WHAT, "cadwyn is not installed")]
    note = f"Cadwyn has {VERSIONS} versions, and what its handler would do is taken out."
    return [
        compare(
            WHAT, uncached(), _routed(app), peer="Cadwyn's routing of a versioned request",
            unit="k/s", bar=50, note=note,
        )
    ]  # fmt: skip


def _cadwyn() -> Any:
    """An app whose one route answers before its handler is reached.

    Raises:
        ImportError: there is no Cadwyn.
    """
    cadwyn: Any = importlib.import_module("cadwyn")
    router = cadwyn.VersionedAPIRouter()

    async def place(order_id: int) -> int:
        return order_id

    router.post("/orders/{order_id}")(place)
    days = [FIRST + dt.timedelta(days=number) for number in range(VERSIONS)]
    versions = [cadwyn.Version(day) for day in reversed(days)]
    app = cadwyn.Cadwyn(versions=cadwyn.VersionBundle(cadwyn.HeadVersion(), *versions))
    app.generate_and_include_versioned_routers(router)
    for versioned in app.router.versioned_routers.values():
        for route in versioned.routes:
            route.handle = _answers_at_once
    return app


async def _answers_at_once(_scope: Any, _receive: Any, send: Any) -> None:
    for message in _ANSWERED:
        await send(dict(message))


def _routed(app: Callable[..., Any]) -> Rate:
    days = [str(FIRST + dt.timedelta(days=number)) for number in range(VERSIONS)]
    answers: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    async def ask_all() -> None:
        for number in range(CALLS):
            head = (("host", "shop.example"), ("x-api-version", days[number % VERSIONS]))
            await app(scope_of("POST", "/orders/7", head), receive, send)

    def work() -> None:
        answers.clear()
        asyncio.run(ask_all())
        assert answers == [200] * CALLS

    return lambda: rate(CALLS, work) / 1_000

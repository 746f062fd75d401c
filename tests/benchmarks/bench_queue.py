"""Messages a second: through an inbox alone, and from a publication to its durable acknowledgement.

The inbox is measured beside the standard library's `asyncio.Queue`, which keeps no order but
one and remembers nothing; the whole way beside requests that do as little and publish nothing,
because each delivery is a request.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from runtime import App, Request
from runtime.app.log import open_log
from runtime.effects import SystemIds
from runtime.queue import Inbox, Message
from tests.benchmarks.measure import RUNS, Rate, Row, compare, rate, row
from tests.faces.asgi import ask

MESSAGES = 50_000
DURABLE = 2_048
AT_A_TIME = 64
ASKED = 100.0
"""Thousand messages a second."""
ASKED_DURABLE = 20.0
"""Of those that are in the log, at fsync, before they count."""


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder)}"
        return [
            compare(
                "messages through an inbox, five priorities",
                _inbox,
                _asyncio_queue,
                peer="asyncio.Queue",
                unit="k/s",
            ),
            _asked("messages through an inbox, against what is asked", _inbox, ASKED),
            compare(
                "messages published, delivered and acknowledged at fsync",
                _durable(store),
                _requests(store),
                peer="requests of an empty handler, at fsync",
                unit="k/s",
                note="Messages at fsync: a delivery is a request, and two commits go before it.",
            ),
            compare(
                "messages so, published and taken 100 at a time",
                _in_lists(store),
                _requests(store),
                peer="requests of an empty handler, at fsync",
                unit="k/s",
                note="In lists: a delivery and its acknowledgement are of 100 messages.",
            ),
            _asked(
                "messages so, against what is asked of durable ones",
                _in_lists(store),
                ASKED_DURABLE,
            ),
        ]


def _asked(what: str, measured: Rate, asked: float) -> Row:
    """Hold what is *measured* to what is *asked*, whoever else is faster."""
    return row(
        what,
        [(measured(), asked) for _ in range(RUNS)],
        peer=f"{asked:.0f} k/s",
        unit="k/s",
        bar=1,
    )


def _inbox() -> float:
    made = [Message(f"m{n}", "t", b"{}", n, n, 0, priority=n % 5) for n in range(MESSAGES)]

    def work() -> None:
        inbox = Inbox()
        for at in range(0, MESSAGES, AT_A_TIME):
            for message in made[at : at + AT_A_TIME]:
                inbox.accept(message)
            for message in inbox.take(0, AT_A_TIME).chosen:
                inbox.settle(message.id, "acknowledged")

    return rate(MESSAGES, work) / 1_000


def _asyncio_queue() -> float:
    async def work() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        for at in range(0, MESSAGES, AT_A_TIME):
            for n in range(at, at + AT_A_TIME):
                queue.put_nowait(n)
            for _ in range(AT_A_TIME):
                await queue.get()

    return rate(MESSAGES, lambda: asyncio.run(work())) / 1_000


def _durable(folder: str) -> Rate:
    def once() -> float:
        app = App("bench")
        app.topic("t", int)

        @app.subscriber("t", name="taker", concurrency=AT_A_TIME)
        async def take(req: Request[int]) -> None: ...

        async def work() -> None:
            done = _all_done(app)
            for at in range(0, DURABLE, AT_A_TIME):
                await asyncio.gather(*(app.publish("t", n) for n in range(at, at + AT_A_TIME)))
            await done

        return _timed(app, f"{folder}/queue.db", work)

    return once


def _in_lists(folder: str) -> Rate:
    def once() -> float:
        app = App("bench")
        app.topic("t", int)

        @app.subscriber("t", name="taker", batch=100)
        async def take(req: Request[list[int]]) -> None: ...

        async def work() -> None:
            done = _all_done(app)
            await app.publish_all("t", range(DURABLE))
            await done

        return _timed(app, f"{folder}/lists.db", work)

    return once


def _requests(folder: str) -> Rate:
    def once() -> float:
        app = App("bench")

        @app.handler("POST /t")
        async def take(req: Request[int]) -> None: ...

        async def work() -> None:
            for at in range(0, DURABLE, AT_A_TIME):
                await asyncio.gather(
                    *(ask(app, "POST", "/t", n) for n in range(at, at + AT_A_TIME))
                )

        return _timed(app, f"{folder}/requests.db", work)

    return once


def _all_done(app: App) -> Awaitable[None]:
    """Return what waits until all messages of a round are acknowledged; before the first is."""
    inbox = app.queues.inboxes["taker"]
    # Of a store that was used by the rounds before: what it counts goes on.
    until = inbox.counts.acknowledged + DURABLE

    async def wait() -> None:
        while inbox.counts.acknowledged < until:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)

    return wait()


def _timed(app: App, url: str, work: Callable[[], Awaitable[None]]) -> float:
    with open_log(url, ids=SystemIds()) as store:
        app.start(store)
        return asyncio.run(_working(app, work))


async def _working(app: App, work: Callable[[], Awaitable[None]]) -> float:
    """Measure *work* apart from the start and the end of the app, which no message costs."""
    await app.begin()
    began_s = time.perf_counter()
    await work()
    took_s = time.perf_counter() - began_s
    await app.stop()
    return DURABLE / took_s / 1_000

"""Running recorded requests again against serving them: one job, one thread.

They are served in process, through ASGI, to a log on disk: without a server in front, so that
what a replay leaves out is not what makes it look fast.
"""

import os
import tempfile
import time
from pathlib import Path

import uvloop

from eventstore import Store, StreamId
from runtime import App
from runtime.app.log import open_log
from runtime.effects import SystemIds
from runtime.replay import Library, Options, run_again
from tests.benchmarks.app_timescape import app
from tests.benchmarks.measure import Row, compare
from tests.faces.asgi import ask

REQUESTS = 1_000
BODY = {"customer": "ann", "items": [{"sku": "mug", "quantity": 2}], "note": "soon"}


def rows() -> list[Row]:
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("TIMESCAPE_BENCH_DIR")) as folder,
        open_log(f"sqlite:///{Path(folder) / 'replay.db'}", ids=SystemIds()) as store,
    ):
        return [_row(store)]


def _row(store: Store) -> Row:
    return compare(
        f"replay of {REQUESTS:,} requests",
        lambda: _replayed(app, store),
        lambda: _served(app, store),
        peer="serving them",
        unit="requests/s",
        bar=0.5,
    )


def _served(app: App, store: Store) -> float:
    async def serve() -> float:
        app.start(store)
        began = time.perf_counter()
        for number in range(REQUESTS):
            await ask(app, "POST", f"/orders/{number}", BODY)
        took = time.perf_counter() - began
        await app.stop()
        return took

    return REQUESTS / uvloop.run(serve())


def _replayed(app: App, store: Store) -> float:
    streams = _streams(app, store)
    library = Library(app, store)
    began = time.perf_counter()
    for stream in streams:
        told = run_again(library, tuple(store.read(stream)), Options(), fork=stream)
        assert told.divergence is None
    return len(streams) / (time.perf_counter() - began)


def _streams(app: App, store: Store) -> list[StreamId]:
    """Return the last requests; the first time they are served to be there."""
    if not store.count_streams("request"):
        _served(app, store)
    found: list[StreamId] = []
    before = None
    while len(found) < REQUESTS:
        rows = store.read_log(
            before=before, kinds=("request",), newest_first=True, first_rows_only=True
        )
        before = rows[-1].position
        found += [row.stream for row in rows]
    return found[:REQUESTS]

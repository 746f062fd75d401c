"""The debugger on a store of a million events: how soon it shows rows, how fast it follows keys.

The real app on a terminal of 120x36 that takes every byte (see `terminal.py`). Limits are of
times as a person feels them, with the frames that Textual paints 60 times a second; ratios
are of the processor's time a key takes up to its first paint, so that frames do not even out
what is compared.
"""

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from debugger.session import RequestSummary, Session
from debugger.tui import DebuggerApp, make_app
from eventstore import StreamId
from eventstore.sql import open_store
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests.benchmarks import big_store
from tests.benchmarks.measure import RUNS, Row, row, tell, within
from tests.benchmarks.stock import StockApp
from tests.benchmarks.terminal import Typist, shown

ROOT = Path(__file__).parents[2]
EVENTS = 1_000_000
ROWS = 10_000
KEYS = 20
JUMPS = 8
LIMIT_MS = 50.0


def rows() -> list[Row]:
    with big() as path:
        return [*_starts(path), *_keys(path), *_against_data_table(path)]


@contextmanager
def big() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TIMESCAPE_BENCH_DIR")) as folder:
        path = Path(folder) / "big.db"
        tell(f"building a store of {EVENTS:,} events")
        big_store.build(path, EVENTS)
        yield path


# --- from nothing to the first rows ---


class Start(msgspec.Struct, frozen=True):
    """One start of a program."""

    took_s: float
    peak_mib: float


def _start(*words: str) -> Start:
    # As where it is installed: with the bytecode that the round which does not count leaves.
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began_s = time.perf_counter()  # the same clock in all processes of a machine
    said = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.first_rows", str(began_s), *words],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=compiled,
    )
    return Start(**json.loads(said.stdout))


def _starts(path: Path) -> list[Row]:
    pairs = []
    for number in range(RUNS + 1):
        tell(f"starts: round {number} of {RUNS}")
        pairs.append((_start(f"sqlite:///{path}"), _start()))
    counted = pairs[1:]
    return [
        within(
            "debugger, from the command to its first rows",
            [ours.took_s for ours, _ in counted],
            unit="s",
            limit=1.5,
        ),
        row(
            "debugger, starts",
            [(1 / ours.took_s, 1 / bare.took_s) for ours, bare in counted],
            peer="a bare Textual app",
            unit="a second",
            bar=0.5,
            note="Python, imports and opening the store count; the peer opens nothing",
        ),
        row(
            "debugger, processes in a GiB at their peak",
            [(1024 / ours.peak_mib, 1024 / bare.peak_mib) for ours, bare in counted],
            peer="a bare Textual app",
            unit="processes",
            bar=0.4,
        ),
    ]


# --- keys, as a person feels them ---


@contextmanager
def opened(path: Path) -> Iterator[Session]:
    with (
        open_store(
            f"sqlite:///{path}",
            mode="read",
            registry=registry(),
            clock=system_clock,
            ids=SystemIds(),
        ) as store,
        Session(store) as session,
    ):
        yield session


async def _in_the_list(session: Session) -> list[float]:
    """Time page downs in the list, to the paint that shows the rows.

    The preview below follows once the cursor has rested for 60 ms; it is not waited for.
    """
    app = make_app(session, read_only=True)
    async with shown(app) as typist:
        await typist.settled(lambda: app.pending)
        times = [await typist.press_once("pagedown", lambda: app.pending) for _ in range(KEYS)]
        assert app.requests.list.cursor > KEYS * 10, "the list did not move"
        return times


async def _in_a_request(session: Session, stream: StreamId, keys: Sequence[str]) -> list[float]:
    """Time *keys* in a request from its start, each to the last paint of all its panes."""
    app = make_app(session, read_only=True, request=stream)
    async with shown(app) as typist:

        def pending() -> bool:
            return app.pending

        await typist.settled(lambda: not _is_shown(app) or app.pending)
        await typist.press("home", pending)
        times = [await typist.press(key, pending) for key in keys]
        location, timeline = app.request.location, app.request.timeline
        assert location is not None
        assert timeline is not None
        ends = {"s": min(len(keys), timeline.last), "home": 0}
        assert location.revision == ends[keys[-1]], "the request did not move"
        return times


def _is_shown(app: DebuggerApp) -> bool:
    """Say whether the request stands there: it is asked for after the first paint."""
    request = app.request
    return request.location is not None and app.focused is request.panes.timeline


async def _round(session: Session) -> dict[str, list[float]]:
    """Press keys in the list, in small requests and in the one of 50 000 facts."""
    page = session.requests("facts:<100", limit=3).requests
    long = session.requests("route:*bulk*", limit=1).requests[0].stream
    small = [await _in_a_request(session, each.stream, ["s"] * 10) for each in page]
    return {
        "page down in the list": await _in_the_list(session),
        "next event": [time_s for times in small for time_s in times],
        "next event in 50,000 facts": await _in_a_request(session, long, ["s"] * KEYS),
        "end, home in 50,000 facts": await _in_a_request(session, long, ["end", "home"] * JUMPS),
    }


def _keys(path: Path) -> list[Row]:
    rounds: list[dict[str, list[float]]] = []
    with opened(path) as session:
        for number in range(RUNS + 1):
            tell(f"keys of the debugger: round {number} of {RUNS}")
            rounds.append(asyncio.run(_round(session)))
    return [
        within(
            f"debugger, {what}: key to paint, p95",
            [_p95_ms(each[what]) for each in rounds[1:]],
            unit="ms",
            limit=LIMIT_MS,
        )
        for what in rounds[0]
    ]


def _p95_ms(times_s: Sequence[float]) -> float:
    return statistics.quantiles(times_s, n=20, method="inclusive")[-1] * 1000


# --- keys, against Textual's own table ---


def _against_data_table(path: Path) -> list[Row]:
    """Compare keys; a round has one app of each, as its table of 10 000 rows takes long to fill."""
    rounds = []
    with opened(path) as session:
        requests = newest(session, ROWS)
        for number in range(RUNS + 1):
            tell(f"keys against a DataTable: round {number} of {RUNS}")
            gc.collect()
            ours = asyncio.run(_our_rates(session))
            gc.collect()
            rounds.append((ours, asyncio.run(_their_rates(requests))))
    return [
        row(
            f"debugger, {what} at {EVENTS:,} events",
            [(ours[key], theirs[key]) for ours, theirs in rounds[1:]],
            peer=f"DataTable, {ROWS:,} rows",
            unit="keys/s",
            bar=bar,
        )
        for what, key, bar in (("row down", "down", 2.0), ("page down", "pagedown", 3.0))
    ]


def newest(session: Session, count: int) -> list[RequestSummary]:
    found: list[RequestSummary] = []
    before: int | None = None
    while len(found) < count:
        page = session.requests(before=before)
        found += page.requests
        before = page.older
    return found[:count]


async def _our_rates(session: Session) -> dict[str, float]:
    app = make_app(session, read_only=True, tail_s=None)
    async with shown(app) as typist:
        await typist.settled(lambda: app.pending)
        return await _rates(typist, lambda: app.pending)


async def _their_rates(requests: Sequence[RequestSummary]) -> dict[str, float]:
    async with shown(StockApp(requests)) as typist:
        await typist.settled()
        return await _rates(typist, lambda: False)


async def _rates(typist: Typist, pending: Callable[[], bool]) -> dict[str, float]:
    """Press each key often; give how many of them a second of the processor's time would take."""
    found = {}
    for key in ("down", "pagedown"):
        for _ in range(3):
            await typist.work_of(key, pending)
        times = [await typist.work_of(key, pending) for _ in range(KEYS)]
        found[key] = 1 / statistics.median(times)
    return found

"""Seeks in a long stream against seeks in a short one, and what a growing thread weighs.

Both streams are of one kind of event and in one file, so what differs is their length. The
thread is a list of messages that each step adds one to: LangGraph's saver keeps the whole
state of each step, we keep what each step changed.
"""

import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.sqlite import SqliteSaver

from eventstore import ANY, Kind, NewEvent, Store, StreamId, named_stream
from eventstore.codec import Registry
from eventstore.sql import open_store
from runtime.context import REQUEST_REDUCER
from runtime.effects import SystemIds, system_clock
from runtime.facts import REQUEST_FACTS, Change, ContextEdited, ContextSet
from tests.benchmarks.measure import RUNS, Row, row, tell

KIND = "thread"
LONG = 1_000_000
SHORT = 1_000
COMMIT = 250
KEYS = 50
SEEKS = 200
ALLOWED_S = 0.005
STEPS = 2_000
PART = STEPS // 5


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TIMESCAPE_BENCH_DIR")) as folder:
        return [*_seeks(Path(folder)), *_thread(Path(folder))]


@contextmanager
def ours(path: Path) -> Iterator[Store]:
    """Open a store whose threads may be of any length; the disk's own pace is not the subject."""
    registry = Registry(kinds=(Kind(id=2, name=KIND),))
    for fact in REQUEST_FACTS:
        registry.register(fact.type, fact)
    with open_store(
        f"sqlite:///{path}",
        durability="process",
        registry=registry,
        clock=system_clock,
        ids=SystemIds(),
        keyframes={KIND: REQUEST_REDUCER},
    ) as store:
        yield store


def fill(store: Store, stream: StreamId, events: int) -> None:
    """Set the same keys again and again: a state that stays as large as it is."""
    tickets = []
    for first in range(0, events, COMMIT):
        batch = [
            NewEvent("context.set", ContextSet({"net": n, "gross": n * 2}), f"line {n % KEYS}", n)
            for n in range(first, first + COMMIT)
        ]
        tickets.append(store.append(stream, batch, kind=KIND, expected=first))
        if len(tickets) > 64:
            tickets.pop(0).result()
    for ticket in tickets:
        ticket.result()


def wait_for_keyframes(path: Path, stream: StreamId, revision: int) -> None:
    """Wait until the writer, which now has nothing else to do, has kept what is due."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        kept = 0
        while kept < revision:
            time.sleep(0.05)
            found = connection.execute(
                "SELECT max(revision) FROM keyframes WHERE stream = ?", (stream.hex,)
            ).fetchone()
            kept = found[0] or 0
            tell(f"keyframes up to {kept:,} of {revision:,}")
    connection.close()


def _seeks(folder: Path) -> list[Row]:
    """p99 of seeks to random moments, in turn in both streams; and what the keyframes weigh."""
    path = folder / "seek.db"
    long, short = named_stream("bench", "long"), named_stream("bench", "short")
    with ours(path) as store:
        fill(store, short, SHORT)
        fill(store, long, LONG)
        # Not each row earns a keyframe, but each second one does.
        wait_for_keyframes(path, short, SHORT - 2 * COMMIT)
        wait_for_keyframes(path, long, LONG - 2 * COMMIT)
        pairs = []
        for number in range(RUNS + 1):
            tell(f"seeks: round {number} of {RUNS}")
            moments = random.Random(number)  # noqa: S311 - the same moments in both
            pairs.append((p99_s(store, long, LONG, moments), p99_s(store, short, SHORT, moments)))
        pairs = pairs[1:]
    extra = share_of_keyframes(path)
    return [
        row(
            "seek to a moment of 1,000,000 events, p99",
            [(1 / a, 1 / b) for a, b in pairs],
            peer="the same in 1,000 events",
            unit="/s",
            bar=1 / 1.5,
            note="one over the 99th percentile of 200 seeks a round",
        ),
        row(
            "the same against what is allowed, 5 ms",
            [(1 / a, 1 / ALLOWED_S) for a, _ in pairs],
            peer="5 ms",
            unit="/s",
            bar=1,
        ),
        row(
            "file without keyframes against the keyframes in it",
            [(1 - extra, extra)],
            peer="keyframes",
            unit="of the file",
            bar=4,
            note="pages of the file that are free once all keyframes are deleted",
        ),
    ]


def p99_s(store: Store, stream: StreamId, length: int, moments: random.Random) -> float:
    times = []
    for _ in range(SEEKS):
        at = moments.randint(0, length)
        began = time.perf_counter()
        store.fold(REQUEST_REDUCER, stream, at)
        times.append(time.perf_counter() - began)
    return sorted(times)[SEEKS * 99 // 100]


def share_of_keyframes(path: Path) -> float:
    """Return which part of the file is taken by keyframes, by deleting them."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        free_before = connection.execute("PRAGMA freelist_count").fetchone()[0]
        connection.execute("DELETE FROM keyframes")
        free = connection.execute("PRAGMA freelist_count").fetchone()[0] - free_before
        pages = connection.execute("PRAGMA page_count").fetchone()[0] - free_before
    connection.close()
    return float(free / pages)


def _thread(folder: Path) -> list[Row]:
    """2 000 steps, each committed before the next, of a list that each step makes longer."""
    path, their_path = folder / "thread.db", folder / "their-thread.db"
    tell("a growing thread, ours")
    parts = our_thread(path)
    tell("a growing thread, theirs")
    their_parts = their_thread(their_path)
    mb, their_mb = path.stat().st_size / 1e6, their_path.stat().st_size / 1e6
    return [
        row(
            "storage of a growing thread of 2,000 steps",
            [(STEPS / mb, STEPS / their_mb)],
            peer="LangGraph SqliteSaver",
            unit="steps/MB",
            bar=100,
            note=f"{mb:.2f} MB against {their_mb:.0f} MB; ours with its keyframes",
        ),
        row(
            "the last 400 steps of it, ours",
            [(PART / parts[-1], PART / parts[0])],
            peer="the first 400 steps",
            unit="steps/s",
            bar=0.8,
        ),
        row(
            "the last 400 steps of it",
            [(PART / parts[-1], PART / their_parts[-1])],
            peer="LangGraph SqliteSaver",
            unit="steps/s",
        ),
    ]


def message(number: int) -> dict[str, Any]:
    return {
        "role": "user" if number % 2 else "assistant",
        "content": f"{number:05} " + "word " * 18,
    }


def our_thread(path: Path) -> list[float]:
    """Make the thread; return the seconds that each fifth of it took."""
    stream = named_stream("bench", "thread")
    times = []
    with ours(path) as store:
        store.append(stream, [_edit(0)], kind=KIND, expected=ANY).result()
        for first in range(0, STEPS, PART):
            began = time.perf_counter()
            for number in range(max(first, 1), first + PART):
                store.append(stream, [_edit(number)], kind=KIND, expected=ANY).result()
            times.append(time.perf_counter() - began)
        # 64, 236, 852: each about four times as far, because the state grows with the log.
        wait_for_keyframes(path, stream, 700)
        folded = store.fold(REQUEST_REDUCER, stream)
    assert folded.state.values["messages"] == [message(number) for number in range(STEPS)]
    return times


def _edit(number: int) -> NewEvent:
    if number == 0:
        return NewEvent("context.set", ContextSet([message(0)]), "messages", 0)
    added = Change("splice", (number,), [message(number)])
    return NewEvent("context.edited", ContextEdited((added,)), "messages", number)


def their_thread(path: Path) -> list[float]:
    """Save a checkpoint a step, as a graph with one channel does; synced as seldom as ours."""
    times = []
    messages: list[dict[str, Any]] = []
    config: Any = {"configurable": {"thread_id": "bench", "checkpoint_ns": ""}}
    with SqliteSaver.from_conn_string(str(path)) as saver:
        saver.setup()
        saver.conn.execute("PRAGMA synchronous = NORMAL")
        for first in range(0, STEPS, PART):
            began = time.perf_counter()
            for number in range(first, first + PART):
                messages.append(message(number))
                version = f"{number + 1:032}.0"
                checkpoint = empty_checkpoint()
                checkpoint["id"] = str(uuid6(clock_seq=number))
                checkpoint["channel_values"] = {"messages": messages}
                checkpoint["channel_versions"] = {"messages": version}
                step: Any = {"source": "loop", "step": number}
                config = saver.put(config, checkpoint, step, {"messages": version})
            times.append(time.perf_counter() - began)
        saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        saved = saver.get_tuple(config)
    assert saved is not None
    assert saved.checkpoint["channel_values"]["messages"] == messages
    return times

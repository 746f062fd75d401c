"""Keys in long histories against short ones (PF-5): what W, C and X look for, and showing it."""

import statistics
import time
from collections.abc import Callable

import msgspec

from debugger.session import Session
from debugger.session.watches import breakpoint_of, next_hit
from debugger.timeline import Timeline
from debugger.tui.location import Wanted, locate
from eventstore import Event, Position, Revision, StreamId
from runtime import facts
from runtime.effects import SystemIds, system_clock
from tests.benchmarks.big_store import LONG
from tests.benchmarks.measure import Row, compare
from tests.debugger.stores import Story, memory_store

SHORT = 1_000
KEYS = 20


class History(msgspec.Struct, frozen=True):
    """A request that was read, and what keys need."""

    session: Session
    timeline: Timeline


def rows() -> list[Row]:
    """Time what W, C and X do, and showing where they lead; the screen is the same for all."""
    return [
        compare(
            f"debugger, {name} in {LONG:,} facts",
            lambda find=find: _rate_of(_history(LONG), find),  # type: ignore[misc]
            lambda find=find: _rate_of(_history(SHORT), find),  # type: ignore[misc]
            peer=f"in {SHORT:,} facts",
            unit="keys/s",
            bar=1 / 1.5,
            runs=3,
            note="every 100th fact is one that is looked for",
        )
        for name, find in (("W", _last_write), ("C", _last_hit), ("X", _last_failure))
    ]


def _history(count: int) -> History:
    store = memory_store()
    story = Story().received("POST /bulk", "/bulk").handler("shop.bulk")
    failure = facts.ListenerFailed("event", facts.Failure("KeyError"))
    for n in range(count - len(story.events)):
        if n % 100 == 50:
            story.add(failure, "shop.listen")
        elif n % 100 == 0:
            story.set("rare", n)
        else:
            story.set(f"line-{n % 40}", {"net": n % 97, "gross": n}, f"bulk.py:{20 + n % 9}")
    stream = StreamId(SystemIds().uuid7(system_clock()))
    events = tuple(
        Event(Position(n), stream, Revision(n), e.type, e.data, e.key, e.at_us or 0, e.site)
        for n, e in enumerate(story.events, 1)
    )
    return History(Session(store), Timeline(stream, events))


Find = Callable[[History, int], int | None]


def _last_write(history: History, at: int) -> int | None:
    write = history.timeline.last_change("/rare", at - 1)
    return write.revision if write else None


def _last_hit(history: History, at: int) -> int | None:
    points = [breakpoint_of("changed(state.rare)")]
    return next_hit(history.session, history.timeline, points, at, forward=False).revision


def _last_failure(history: History, at: int) -> int | None:
    return history.timeline.previous(at, "failure")


def _rate_of(history: History, find: Find) -> float:
    """Press a key again and again from the end on, to nine hits, round and round."""
    timeline = history.timeline
    _show(history, timeline.last)
    took: list[float] = []
    at = timeline.last
    for n in range(KEYS):
        if n % 8 == 0:
            at = timeline.last
        began_s = time.process_time()
        found = find(history, at)
        assert found is not None, "there was one more"
        _show(history, found)
        took.append(time.process_time() - began_s)
        at = found
    return 1 / statistics.median(took)


def _show(history: History, at: int) -> None:
    locate(history.session, history.timeline, Wanted(at), (), None)

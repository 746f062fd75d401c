"""Fill an SQLite store with a million events: `python -m tests.benchmarks.big_store PATH`.

What the debugger's benchmarks look at: 72 000 requests of 13 or 14 facts, some failing, and among
the last of them one of 50 000 facts and one with a state of 1 200 leaves.
"""

import argparse
import time
from pathlib import Path

from eventstore import NEW, NewEvent, Store, StreamId, Ticket
from eventstore.sql import open_store
from runtime import facts
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests.debugger.stores import Story

FACTS = 13
LONG = 50_000
LEAVES = 1_200
_STEP_US = 5_000
_IN_FLIGHT = 128
_COMMIT = 5_000


def small(number: int, at_us: int) -> list[NewEvent]:
    """Tell one request: validation, a hook, a handler that sets three values; one in 50 fails."""
    clock = iter(range(at_us, at_us + 60_000, 800))
    story = Story(lambda: next(clock))
    principal = ("ann", "bob", "eve", "joe")[number % 4]
    if number % 3:
        story.received("POST /orders/{order_id:int}", f"/orders/{number}", {"n": number}, principal)
    else:
        story.received("GET /items", "/items", None, principal)
    story.hook("shop.note_channel").handler().set("items", [{"sku": "mug", "quantity": number % 7}])
    story.set("total", {"$decimal": f"{number % 400}.50"}, "shop.py:31")
    if number % 50 == 49:
        return story.set("note", number).failed().events
    story.set("note", number, "shop.py:32").add(facts.HandlerEnded(), "shop.place_order")
    return story.sent(201, body={"order": number}).events


def long(at_us: int, count: int = LONG) -> list[NewEvent]:
    """Tell a request of *count* facts that goes over its lines again and again."""
    clock = iter(range(at_us, at_us + (count + 9) * 40, 40))
    story = Story(lambda: next(clock)).received("POST /bulk", "/bulk").handler("shop.bulk")
    number = 0
    while len(story.events) < count - 1:
        key = f"line-{number % 40}"
        story.set(key, {"net": number % 97, "gross": number}, f"bulk.py:{20 + number % 9}")
        number += 1
    return story.sent(200).events


def wide(at_us: int, leaves: int = LEAVES) -> list[NewEvent]:
    """Tell a request whose state has many leaves, each of them written twice."""
    clock = iter(range(at_us, at_us + leaves * 400, 40))
    story = Story(lambda: next(clock)).received("POST /wide", "/wide").handler("shop.wide")
    for round_number in range(2):
        for number in range(leaves):
            story.set(f"field-{number:04}", round_number * number, "wide.py:12")
    return story.sent(200).events


def fill(store: Store, events: int, *, end_us: int) -> int:
    """Append about *events* events that end at *end_us*; return how many requests there are."""
    ids = SystemIds()
    extra = [long, wide] if events > 4 * LONG else []
    count = max((events - (LONG + 2 * LEAVES if extra else 0)) // FACTS, 1)
    waiting: list[Ticket] = []
    for number in range(count):
        at_us = end_us - (count - number) * _STEP_US
        waiting.append(append(store, ids, small(number, at_us), at_us))
        if len(waiting) >= _IN_FLIGHT:
            waiting.pop(0).result()
        if extra and number >= count - 20:
            waiting.append(append(store, ids, extra.pop()(at_us), at_us))
    for ticket in waiting:
        ticket.result()
    return count


def append(store: Store, ids: SystemIds, events: list[NewEvent], at_us: int) -> Ticket:
    """Append one whole request, in commits of a size that stores take."""
    stream = StreamId(ids.uuid7(at_us))
    for start in range(0, len(events), _COMMIT):
        part = events[start : start + _COMMIT]
        last = start + _COMMIT >= len(events)
        ticket = store.append(stream, part, kind="request", expected=start or NEW, close=last)
    return ticket


def build(path: Path, events: int = 1_000_000) -> tuple[int, int]:
    """Make the store *path*; return its requests and events."""
    with open_store(
        f"sqlite:///{path}", durability="volatile", registry=registry(), clock=system_clock,
        ids=SystemIds(),
    ) as store:  # fmt: skip
        return fill(store, events, end_us=system_clock()), store.end()


def main() -> None:
    """Fill the store that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    arguments = parser.parse_args()
    began = time.monotonic()
    requests, events = build(arguments.path, arguments.events)
    print(f"{requests} requests, {events} events, {time.monotonic() - began:.1f} s")  # noqa: T201


if __name__ == "__main__":
    main()

"""Stores of made-up requests: facts appended as the runtime would, and no app needed.

`shop(store)` fills any store with one request of each sort and says which is which.
"""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from eventstore import NEW, NewEvent, Revision, Store, StreamId, uuid7
from eventstore.memory import MemoryStore
from runtime import facts
from runtime.context import registry

START_US = 1_790_856_181_000_000
"""2026-10-01 12:03:01 UTC, the clock's first answer."""


class Ticks:
    """A clock that moves by *step_us* each time it is asked."""

    def __init__(self, start_us: int = START_US, step_us: int = 1_000) -> None:
        self.now_us = start_us
        self.step_us = step_us

    def __call__(self) -> int:
        self.now_us += self.step_us
        return self.now_us


class CountedIds:
    """Ids in a fixed order."""

    def __init__(self, start: int = 0xA000) -> None:
        self._numbers = itertools.count(start)

    def uuid7(self, at_us: int) -> UUID:
        # Digits 17 apart, so that no short id fits two streams.
        return uuid7(at_us // 1000, (next(self._numbers) * 17).to_bytes(10, "big"))

    def token(self, size: int) -> bytes:
        return next(self._numbers).to_bytes(size, "big")


class Story:
    """A request told fact by fact; times step by 1 ms."""

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self.events: list[NewEvent] = []
        self._clock = clock or Ticks()

    def add(self, fact: facts.Fact, key: str | None = None, site: str | None = None) -> "Story":
        self.events.append(
            NewEvent(type=fact.type, data=fact, key=key, at_us=self._clock(), site=site)
        )
        return self

    def received(self, route: str, path: str, body: Any = None, principal: str = "ann") -> "Story":
        method, _, template = route.partition(" ")
        handler = f"{method.lower()}-{template.strip('/').split('/')[0]}"
        self.add(facts.RequestReceived(method, route, handler, path, "0" * 32, body=body), route)
        self.add(facts.PrincipalEstablished("user", ("customer",)), principal)
        version = f"tsv:1790000000-{handler}-001"
        self.add(facts.VersionResolved("2026-10-01"), version)
        return self.add(facts.PhaseChanged(), "authorized").add(facts.PhaseChanged(), "validated")

    def hook(self, hook: str, kind: str = "before", level: str = "global") -> "Story":
        self.add(facts.HookStarted(kind, level), hook)
        return self.add(facts.HookEnded(kind), hook)

    def handler(self, name: str = "shop.place_order") -> "Story":
        return self.add(facts.HandlerStarted(), name)

    def set(self, key: str, value: Any, site: str = "shop.py:30") -> "Story":
        return self.add(facts.ContextSet(value), key, site)

    def edit(self, key: str, *changes: facts.Change, site: str = "shop.py:34") -> "Story":
        return self.add(facts.ContextEdited(changes), key, site)

    def effect(self, n: int, name: str, args: Any, value: Any) -> "Story":
        self.add(facts.EffectRequested(n, "module", args), name, "shop.py:31")
        return self.add(facts.EffectReturned(n, value), name)

    def sent(self, status: int = 200, code: str | None = None, body: Any = None) -> "Story":
        return self.add(facts.ResponseSent(status, code, body=body), str(status))

    def failed(self, error: str = "KeyError", status: int = 500, code: str = "handler-error",
               site: str = "tax.py:38") -> "Story":  # fmt: skip
        failure = facts.Failure(error, code if status < 500 else None, frames=(site,))
        self.add(facts.HandlerFailed(failure), "shop.place_order", site)
        return self.add(facts.PhaseChanged(), "failing").sent(status, code)


def order(clock: Callable[[], int], number: int = 7) -> Story:
    """Tell an order that goes well: 24 facts, two snapshots' worth of state."""
    money = "$decimal"
    story = Story(clock).received(
        "POST /orders/{order_id:int}", f"/orders/{number}", {"items": [{"sku": "mug"}]}
    )
    story.hook("shop.note_channel").hook("shop.audit", level="route").handler()
    story.set("items", [{"sku": "mug", "quantity": 2}])
    story.effect(1, "pricing.quote", ["mug"], {"net": {money: "10.00"}})
    story.set("total", {money: "118.00"})
    story.add(facts.ContextSnapshotted(), "priced", "shop.py:33")
    change = facts.Change("splice", (1,), [{"sku": "tea", "quantity": 1}], 0)
    story.edit("items", change)
    story.set("total", {money: "121.50"}, site="shop.py:36")
    story.set("note", "fragile", site="shop.py:37")
    story.add(facts.ContextDeleted(), "note", "shop.py:38")
    story.add(facts.HandlerEnded(), "shop.place_order")
    story.hook("shop.keep_audit", "after", "route")
    return story.sent(201, body={"order": number})


def record(store: Store, story: Story, *, stream: StreamId, close: bool = True) -> StreamId:
    """Append a story as one commit."""
    store.append(stream, story.events, kind="request", expected=NEW, close=close).result()
    return stream


class Shop(msgspec.Struct, frozen=True):
    """Which request is which in a filled store, in the order they came."""

    order: StreamId
    failing: StreamId
    invalid: StreamId
    unrouted: StreamId
    slow: StreamId
    aborted: StreamId
    running: StreamId
    hostile: StreamId
    fork: StreamId

    @property
    def all(self) -> Sequence[StreamId]:
        return msgspec.structs.astuple(self)


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\u2066\u200b[red]markup[/red]\r\nnext\t\x9b31m\x00"
"""What a hostile caller puts where text goes. No lone surrogates: `$str` holds those."""


def shop(store: Store, clock: Ticks | None = None, ids: CountedIds | None = None) -> Shop:
    """Fill *store* with one request of each sort."""
    clock, ids = clock or Ticks(), ids or CountedIds()

    def keep(story: Story, *, close: bool = True) -> StreamId:
        clock.now_us += 60_000_000
        return record(store, story, stream=StreamId(ids.uuid7(clock.now_us)), close=close)

    route = "POST /orders/{order_id:int}"
    ordered = keep(order(clock))
    failing = Story(clock).received(route, "/orders/8", principal="eve").handler()
    failing.set("total", {"$decimal": "118.00"}).failed()
    invalid = Story(clock).received(route, "/orders/9", {"items": []})
    issue = facts.Issue("/items/0/sku", "type", "string", "integer", "expected a string")
    invalid.add(facts.ValidationFailed((issue,)), "request").add(facts.PhaseChanged(), "failing")
    invalid.sent(400, "validation-failed")
    slow = Story(clock).received("GET /items", "/items").handler("shop.browse")
    slow.add(facts.RequestTimedOut(2.0)).failed("RequestTimedOutError", 504, "timeout")
    aborted = Story(clock).received("PUT /cart/{id}", "/cart/5").handler("shop.fill_cart")
    aborted.add(facts.RequestAborted(), "crash")
    running = Story(clock).received("PUT /cart/{id}", "/cart/6").handler("shop.fill_cart")
    running.set("cart", {"lines": []})
    unrouted = Story(clock).add(facts.RequestReceived("GET", "", "", "/nowhere", "0" * 32))
    unrouted.sent(404, "not-found")
    return _with_fork(
        store,
        order=ordered,
        failing=keep(failing),
        invalid=keep(invalid),
        unrouted=keep(unrouted),
        slow=keep(slow),
        aborted=keep(aborted),
        running=keep(running, close=False),
        hostile=keep(_hostile(clock)),
        fork=StreamId(ids.uuid7(clock.now_us + 61_000_000)),
    )


def _hostile(clock: Ticks) -> Story:
    story = Story(clock).received("GET /items", "/items?q=" + HOSTILE, principal=HOSTILE[:40])
    story.hook("shop.[bold]hook[/bold]").handler("shop.browse")
    story.set("x" + HOSTILE.replace("\0", ""), HOSTILE.replace("\0", ""), site="[i].py:1")
    story.add(facts.EventPublished({"message": HOSTILE.replace("\0", "")}), "log")
    story.set("deep", _deep(60)).set("lone", {"$str": "7aCA"})
    return story.sent(200, body=HOSTILE.replace("\0", ""))


def _deep(levels: int) -> Any:
    tree: Any = 1
    for _ in range(levels):
        tree = [tree]
    return tree


def _with_fork(store: Store, **streams: StreamId) -> Shop:
    made = Shop(**streams)
    fact = facts.ContextRestored(18, (), "fork", "ann", "to look at it")
    event = NewEvent(fact.type, fact, "priced", START_US + 700_000_000)
    parent = (made.order, Revision(18))
    store.append(
        made.fork, [event], kind="request", expected=NEW, parent=parent, close=True
    ).result()
    return made


def memory_store(clock: Ticks | None = None) -> MemoryStore:
    """Open an empty store in memory."""
    return MemoryStore(registry(), clock or Ticks(), CountedIds(0xF000))


def sqlite_store(path: Path, clock: Ticks | None = None) -> Store:
    """Open a new or existing SQLite store for writing."""
    from eventstore.sql import open_store  # noqa: PLC0415 - not every test needs SQL

    return open_store(
        f"sqlite:///{path}",
        mode="hold",
        durability="volatile",
        registry=registry(),
        clock=clock or Ticks(),
        ids=CountedIds(0xF000),
    )

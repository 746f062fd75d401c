"""A store whose keyframes can be waited for, altered and counted, and reducers to keep."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from eventstore import (
    ANY,
    NEW,
    Event,
    Keepable,
    NewEvent,
    OfUnknown,
    Reducer,
    Revision,
    StreamId,
    fold,
)
from eventstore.sql import Mode, open_store
from eventstore.sql.store import SqlStore
from eventstore.testing import CountingReducer, FakeClock, FakeIds, Placed, registry

KIND = "order"


class _Placing:
    """What reducers of `order.placed` share."""

    types = frozenset({"order.placed"})
    unknown: OfUnknown = "skip"
    version = 1


class Growing(_Placing):
    """Remembers the quantity of every event: its state grows as the log does."""

    name = "growing"

    def initial(self) -> tuple[int, ...]:
        return ()

    def apply(self, state: tuple[int, ...], event: Event) -> tuple[int, ...]:
        return self.apply_all(state, (event,))

    def apply_all(self, state: tuple[int, ...], events: Iterable[Event]) -> tuple[int, ...]:
        return (*state, *(e.data.quantity for e in events if isinstance(e.data, Placed)))

    def dump(self, state: tuple[int, ...]) -> bytes:
        return msgspec.json.encode(state)

    def load(self, data: bytes) -> tuple[int, ...]:
        return msgspec.json.decode(data, type=tuple[int, ...])


class Latest(_Placing):
    """Remembers the latest quantity of each item: as many items, as large a state."""

    name = "latest"

    def initial(self) -> dict[str, int]:
        return {}

    def apply(self, state: dict[str, int], event: Event) -> dict[str, int]:
        return self.apply_all(state, (event,))

    def apply_all(self, state: dict[str, int], events: Iterable[Event]) -> dict[str, int]:
        new = {e.data.item: e.data.quantity for e in events if isinstance(e.data, Placed)}
        return {**state, **new}

    def dump(self, state: dict[str, int]) -> bytes:
        return msgspec.json.encode(state)

    def load(self, data: bytes) -> dict[str, int]:
        return msgspec.json.decode(data, type=dict[str, int])


class Doubling(CountingReducer):
    """What `CountingReducer` would be if somebody changed its meaning and not its version."""

    def apply_all(self, state: Any, events: Iterable[Event]) -> Any:
        counted = super().apply_all(state, events)
        return msgspec.structs.replace(counted, quantity=counted.quantity + 1_000)


def several(count: int, first: int = 1, *, items: int = 40) -> list[NewEvent]:
    return [
        NewEvent("order.placed", Placed(f"item-{n % items:04}", n), f"k{n}")
        for n in range(first, first + count)
    ]


class Kept:
    """A store in *folder* with what is needed to look at its keyframes."""

    def __init__(self, folder: Path, store: SqlStore) -> None:
        self.folder = folder
        self.store = store

    def append(self, stream: StreamId, *sizes: int, first: int = 1, items: int = 40) -> None:
        """Append commits of so many events."""
        for size in sizes:
            batch = several(size, first, items=items)
            self.store.append(stream, batch, kind=KIND, expected=ANY).result()
            first += size

    def fork(self, stream: StreamId, parent: StreamId, at: int, size: int) -> None:
        events = several(size, 500_000 + at)
        parent_at = (parent, Revision(at))
        self.store.append(stream, events, kind=KIND, expected=NEW, parent=parent_at).result()

    def settle(self) -> None:
        """Wait until the writer has made all keyframes that are due."""
        settled(self.store)

    def sql(self, text: str, *parameters: object) -> list[Any]:
        with sqlite3.connect(f"{self.folder}/store.db", isolation_level=None, timeout=30) as c:
            rows = c.execute(text, parameters).fetchall()
        c.close()
        return rows

    def keyframes(self, stream: StreamId) -> list[Any]:
        return self.sql(
            "SELECT DISTINCT revision, digest, data FROM keyframes WHERE stream = ?"
            " ORDER BY revision, data", stream.hex
        )  # fmt: skip

    def plain(self, reducer: Reducer[Any], stream: StreamId, at: int) -> Any:
        return fold(reducer, self.store.read(stream, 1, at))

    def decoded(self, reducer: Reducer[Any], stream: StreamId, at: int | None = None) -> int:
        """Fold; return how many events were read for it."""
        before = self.store.fold_counts.decoded
        self.store.fold(reducer, stream, at)
        return self.store.fold_counts.decoded - before


def settled(store: SqlStore) -> None:
    """Wait until the writer of *store* has made all keyframes that are due."""
    writer = store._writer
    assert writer is not None
    keeper = writer._keeper
    assert keeper is not None
    working = [True]
    while working[-1]:
        asked = threading.Event()

        def ask(asked: threading.Event = asked) -> None:
            # In the writer's thread, so between two turns: what they wrote is there.
            working.append(keeper.has_work())
            asked.set()

        writer.ask(ask)
        assert asked.wait(60)


@contextmanager
def opened(
    folder: Path,
    reducer: Keepable[Any] | None,
    *,
    mode: Mode = "hold",
    check: int = 1 << 40,
) -> Iterator[Kept]:
    keyframes: Mapping[str, Keepable[Any]] = {KIND: reducer} if reducer is not None else {}
    store = open_store(
        f"sqlite:///{folder}/store.db",
        mode=mode,
        durability="volatile",
        registry=registry(),
        clock=FakeClock(),
        ids=FakeIds(),
        keyframes=keyframes,
        check_keyframes=check,
    )
    assert isinstance(store, SqlStore)
    with store:
        yield Kept(folder, store)

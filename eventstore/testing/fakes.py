"""A clock, ids, a vocabulary and a reducer for tests of stores: all the same each time."""

import threading
from collections.abc import Iterable
from uuid import UUID

import msgspec

from eventstore.codec import Registry, from_plain, to_plain
from eventstore.events import Event, Kind, NewEvent
from eventstore.fold import OfUnknown
from eventstore.identifiers import StreamId, uuid7
from eventstore.keyring import Keyring

START_US = 1_790_000_000_000_000
MOST_EVENTS, MOST_BYTES = 2_000, 200_000
"""Of a stream of kind `short`."""


MASTER = b"master of tests".ljust(32, b".")


class FakeClock:
    """A clock that goes on by as much a reading, and stands where it is put."""

    def __init__(self, now_us: int = START_US, *, step_us: int = 1_000) -> None:
        self.now_us = now_us
        self._step_us = step_us

    def __call__(self) -> int:
        """Return the time in µs, then go on."""
        self.now_us += self._step_us
        return self.now_us


class FakeIds:
    """Ids that count up. Thread-safe."""

    def __init__(self, start: int = 0) -> None:
        self._lock = threading.Lock()
        self._count = start

    def _next(self) -> int:
        with self._lock:
            self._count += 1
            return self._count

    def uuid7(self, at_us: int) -> UUID:
        """Return the next id; rising whatever the time is."""
        return uuid7(START_US // 1_000, self._next().to_bytes(10, "big"))

    def token(self, size: int) -> bytes:
        """Return *size* bytes that were not there before."""
        return self._next().to_bytes(size, "big")


class Placed(msgspec.Struct, frozen=True):
    """An order was placed."""

    item: str
    quantity: int = 1


class Counted(msgspec.Struct, frozen=True):
    """What `CountingReducer` folds to."""

    events: int = 0
    quantity: int = 0
    last: str = ""


class CountingReducer:
    """Counts, and adds up: enough to see whether a fold saw the right events in order."""

    name = "counted"
    types = frozenset({"order.placed"})

    def __init__(self, *, version: int = 1, unknown: OfUnknown = "skip") -> None:
        self.version = version
        self.unknown = unknown

    def initial(self) -> Counted:
        """Return the state before the first event."""
        return Counted()

    def apply(self, state: Counted, event: Event) -> Counted:
        """Return the state after *event*."""
        quantity = event.data.quantity if isinstance(event.data, Placed) else 0
        last = f"{state.last}{event.key}"[-100:]
        return Counted(state.events + 1, state.quantity + quantity, last)

    def apply_all(self, state: Counted, events: Iterable[Event]) -> Counted:
        """Return the state after *events*."""
        for event in events:
            state = self.apply(state, event)
        return state

    def dump(self, state: Counted) -> bytes:
        """Return *state* as JSON."""
        return msgspec.json.encode(to_plain(state))

    def load(self, data: bytes) -> Counted:
        """Return the state that `dump` was given."""
        return from_plain(msgspec.json.decode(data), Counted)


def keyring() -> Keyring:
    """Return a keyring with one master, `MASTER`."""
    return Keyring([MASTER])


def registry() -> Registry:
    """Return kinds `order`, `ledger` and `short`, and one type, `order.placed`."""
    kinds = (
        Kind(id=2, name="order"),
        Kind(id=3, name="ledger", durable=True),
        Kind(id=4, name="short", max_events=MOST_EVENTS, max_bytes=MOST_BYTES),
    )
    new = Registry(kinds=kinds)
    new.register("order.placed", Placed)
    return new


def stream(number: int) -> StreamId:
    """Return the id of a stream: other numbers, other ids, rising."""
    return StreamId(uuid7(START_US // 1_000, (1 << 40 | number).to_bytes(10, "big")))


def placed(number: int = 1, *, item: str = "tea", site: str | None = None) -> NewEvent:
    """Return an event that is told from others by *number*."""
    return NewEvent("order.placed", Placed(item, number), f"k{number}", START_US + number, site)


def several(count: int, first: int = 1) -> list[NewEvent]:
    """Return *count* events."""
    return [placed(number) for number in range(first, first + count)]

"""When folds are kept and by what they are known: decided in values."""

import hashlib
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import StreamId
from eventstore.codec import Registry
from eventstore.keyframe_policy import MOST_DECODED, digest, fingerprint, is_due
from eventstore.testing import Counted, CountingReducer, Placed
from runtime.context import REQUEST_REDUCER
from runtime.context import registry as runtime_registry

rows = st.lists(
    st.tuples(st.integers(1, 256), st.integers(1, 65_536)), min_size=1, max_size=60
)  # fmt: skip


def kept(rows: list[tuple[int, int]], sizes: list[int]) -> list[tuple[int, int]]:
    """Walk *rows* (events, bytes); give (events since the last, size) of each keyframe."""
    found: list[tuple[int, int]] = []
    events = size = last = 0
    for (count, weight), state in zip(rows, sizes, strict=True):
        events, size = events + count, size + weight
        if is_due(events=events, size=size, keyframe_size=last):
            found.append((events, state))
            events, size, last = 0, 0, state
    return found


@pytest.mark.proves("FD-3")
@pytest.mark.parametrize(
    ("events", "size", "keyframe_size", "due"),
    [
        (63, 1_000_000, 0, False),
        (64, 0, 0, True),
        (64, 3_999, 1_000, False),
        (64, 4_000, 1_000, True),
        (4_095, 0, 1_000, False),
        (4_096, 0, 1_000, True),
    ],
)
def test_bytes_decide_within_bounds(
    events: int, size: int, keyframe_size: int, *, due: bool
) -> None:
    assert is_due(events=events, size=size, keyframe_size=keyframe_size) is due


@pytest.mark.proves("FD-2", "FD-3")
@given(rows=rows, size=st.integers(0, 10_000_000))
def test_no_two_keyframes_are_further_apart_than_a_fold_may_read(
    rows: list[tuple[int, int]], size: int
) -> None:
    assert all(events <= MOST_DECODED for events, _ in kept(rows, [size] * len(rows)))


@pytest.mark.proves("FD-3")
@given(rows=rows, size=st.integers(1, 4_000))
def test_keyframes_of_one_size_weigh_a_quarter_of_the_log(
    rows: list[tuple[int, int]], size: int
) -> None:
    """But for the first, which comes early, and with rows that outweigh the state."""
    rows = [(min(count, 60), weight) for count, weight in rows]
    later = kept(rows, [size] * len(rows))[1:]

    assert 4 * size * len(later) <= sum(weight for _, weight in rows)


@pytest.mark.proves("FD-3")
@given(rows=rows)
def test_keyframes_of_a_state_that_grows_weigh_five_quarters_of_the_log(
    rows: list[tuple[int, int]],
) -> None:
    rows = [(min(count, 60), weight) for count, weight in rows]
    weights = [weight for _, weight in rows]
    sizes = [sum(weights[: n + 1]) for n in range(len(weights))]

    assert sum(size for _, size in kept(rows, sizes)) <= 1.25 * sum(weights)


# --- fingerprints ---


class Other(msgspec.Struct, frozen=True):
    """An order, told otherwise."""

    item: str
    quantity: int = 1


class Wider(msgspec.Struct, frozen=True):
    """An order with a note."""

    item: str
    quantity: int = 1
    note: str = ""


class Reworded(CountingReducer):
    """Another class that folds to another state."""

    def initial(self) -> Counted:
        return CountedAnew()


class CountedAnew(Counted, frozen=True):
    """What was counted, and a field more."""

    more: int = 0


class Known(CountingReducer):
    """Knows another type as well."""

    types = frozenset({"order.placed", "order.sent"})


def knowing(cls: type[msgspec.Struct], schema: int = 1) -> Registry:
    registry = Registry()
    registry.register("order.placed", cls, schema)
    registry.register("order.cancelled", Other)
    return registry


def renamed(*aliases: str) -> Registry:
    registry = Registry()
    registry.register("order.placed", Placed, aliases=aliases)
    registry.register("order.cancelled", Other)
    return registry


PLACED = fingerprint(CountingReducer(), knowing(Placed))


@pytest.mark.proves("FD-5")
def test_a_fingerprint_is_that_of_what_is_folded() -> None:
    assert fingerprint(CountingReducer(), knowing(Placed)) == PLACED
    assert len(PLACED) == hashlib.sha256().digest_size
    changed = [
        fingerprint(CountingReducer(version=2), knowing(Placed)),
        fingerprint(CountingReducer(), knowing(Placed, 2)),
        fingerprint(CountingReducer(), knowing(Wider)),
        fingerprint(CountingReducer(), Registry()),
        fingerprint(Known(), knowing(Placed)),
        fingerprint(Reworded(), knowing(Placed)),
        fingerprint(CountingReducer(), renamed("order.sold")),
        fingerprint(CountingReducer(), renamed("order.sold", "order.made")),
    ]
    assert len({PLACED, *changed}) == 1 + len(changed)


@pytest.mark.proves("FD-5")
def test_a_fingerprint_says_nothing_of_words_and_of_other_types() -> None:
    """A docstring may be put better, and other vocabularies may grow."""
    same = knowing(Placed)
    same.register("order.noted", Wider)

    assert fingerprint(CountingReducer(), same) == PLACED


@pytest.mark.proves("FD-5")
def test_the_reducer_of_requests_has_one_fingerprint() -> None:
    first = fingerprint(REQUEST_REDUCER, runtime_registry())

    assert fingerprint(REQUEST_REDUCER, runtime_registry()) == first


@pytest.mark.proves("FD-4")
@given(data=st.data())
def test_a_digest_is_of_all_that_makes_a_keyframe(data: st.DataObject) -> None:
    streams = st.integers(0, 2).map(lambda n: StreamId(UUID(int=n)))
    hashes = st.integers(0, 2).map(lambda n: bytes([n]) * 32)
    parts = st.tuples(hashes, streams, st.integers(0, 9), hashes, st.binary(max_size=2))
    one, other = data.draw(parts), data.draw(parts)

    assert (digest(*one) == digest(*other)) is (one == other)

"""Folds go on when values in them are forgotten, some or all (EN-3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.session.forgetting import FORGOTTEN, with_forgotten
from debugger.timeline import Timeline, shown
from eventstore import ANY, EventStoreError, NewEvent, StreamId
from eventstore.memory import MemoryStore
from eventstore.sql import open_store
from eventstore.sql.store import SqlStore
from eventstore.testing import FakeIds, keyring
from eventstore.values import ToSeal
from runtime import facts
from runtime.context import REQUEST_REDUCER, registry
from runtime.testing import FakeClock
from tests.eventstore.keeping import Kept

PEOPLE = ("ann", "bob")
KEYS = ("a", "b")

people = st.sampled_from([*PEOPLE, None])


def _kept(whose: str | None, tree: Any) -> Any:
    return tree if whose is None else ToSeal(whose, tree)


trees = st.sampled_from([None, 1, "x", [1, 2], {"x": [3]}, {"$tuple": [1]}, {"$dict": [[1, 2]]}])


def _value(whole: str | None, part: str | None, tree: Any) -> Any:
    """Return a value of which all, a part or nothing is somebody's."""
    return _kept(whole, tree) if whole else {"x": _kept(part, tree), "y": [1]}


hidden = st.builds(_value, people, people, trees)
steps = st.sampled_from([(), ("x",), ("y",), ("y", 0), ("x", "y"), ("a",), ("a", "x")])
changes = st.builds(
    facts.Change, st.sampled_from(["add", "remove", "replace", "splice"]), steps,
    hidden | hidden.map(lambda tree: [tree]), st.integers(0, 1),
)  # fmt: skip
patches = st.lists(changes, max_size=2).map(tuple)
written = st.one_of(
    st.builds(facts.ContextSet, hidden),
    st.builds(facts.ContextEdited, patches, st.booleans(), hidden),
    st.builds(lambda patch: facts.ContextRestored(1, patch), patches),
    st.builds(facts.CompensationRegistered, st.just("undo"), hidden),
    st.builds(lambda body: facts.ResponseSent(200, body=body), hidden),
)
histories = st.lists(st.tuples(st.sampled_from(KEYS), written), min_size=1, max_size=7)


@pytest.fixture(scope="module")
def store() -> Iterator[MemoryStore]:
    with MemoryStore(registry(), FakeClock(), FakeIds(), keyring()) as made:
        yield made


def append(store: MemoryStore | SqlStore, history: list[tuple[str, facts.Fact]]) -> StreamId:
    stream = StreamId(IDS.uuid7(0))
    events = [NewEvent(fact.type, fact, key, 1) for key, fact in history]
    store.append(stream, events, kind="request", expected=ANY).result()
    return stream


IDS = FakeIds(1 << 50)


@pytest.mark.proves("EN-3", "FD-1")
@given(history=histories, at=st.integers(0, 7), erased=st.sets(st.sampled_from(PEOPLE)))
def test_a_fold_is_the_same_whoever_is_forgotten(
    store: MemoryStore, history: list[tuple[str, facts.Fact]], at: int, erased: set[str]
) -> None:
    stream = append(store, history)
    at = min(at, len(history))
    before = store.fold(REQUEST_REDUCER, stream)
    for person in erased:
        try:
            store.erase(person, by="", reason="")
        except EventStoreError as error:
            assert error.code == "no-such-subject"  # noqa: PT017

    after = store.fold(REQUEST_REDUCER, stream)
    assert after == before
    start = store.fold(REQUEST_REDUCER, stream, at).state
    # A keyframe at any place: what was dumped there is loaded, and folded on.
    kept = REQUEST_REDUCER.load(REQUEST_REDUCER.dump(start))
    rest = list(store.read(stream, at + 1))
    assert REQUEST_REDUCER.apply_all(kept, rest) == after.state
    told = Timeline(stream, with_forgotten(store.read(stream), store))
    for revision in range(len(history) + 1):
        for value in told.state_at(revision).values.values():
            assert shown(value)
    if erased == set(PEOPLE):
        text = msgspec.json.encode([event.data for event in told.events]).decode()
        assert "$sealed" not in text


@pytest.mark.proves("EN-2", "EN-3", "FD-4")
def test_keyframes_hold_no_value_and_outlive_the_keys(tmp_path: Path) -> None:
    made = open_store(
        f"sqlite:///{tmp_path}/store.db", durability="volatile", registry=registry(),
        clock=FakeClock(), ids=FakeIds(), keyring=keyring(),
        keyframes={"request": REQUEST_REDUCER}, check_keyframes=1,
    )  # fmt: skip
    assert isinstance(made, SqlStore)
    with made as store:
        kept = Kept(tmp_path, store)
        stream = StreamId(IDS.uuid7(0))
        for n in range(40):
            fact = facts.ContextSet({"n": n, "who": ToSeal("ann", f"canary{n}")})
            events = [NewEvent(fact.type, fact, f"k{n % 9}") for _ in range(16)]
            store.append(stream, events, kind="request", expected=ANY).result()
        kept.settle()
        rows = kept.sql("SELECT data FROM keyframes")
        before = [store.fold(REQUEST_REDUCER, stream, at) for at in (70, 400, 640)]
        store.erase("ann", by="", reason="")
        after = [store.fold(REQUEST_REDUCER, stream, at) for at in (70, 400, 640)]

        assert after == before
        assert kept.sql("SELECT count(*) FROM keyframes") == [(len(rows),)]
        assert rows
        assert all("$sealed" in data and "canary" not in data for (data,) in rows)
    assert FORGOTTEN not in str(before)

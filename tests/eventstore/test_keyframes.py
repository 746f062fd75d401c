"""Kept folds: where they are, what they save, and that no answer depends on them."""

import logging
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event, StreamId
from eventstore.keyframe_policy import LEAST_EVENTS, MOST_DECODED, ROW_EVENTS
from eventstore.testing import Counted, CountingReducer, stream
from tests.eventstore.keeping import Doubling, Growing, Kept, Latest, opened, several

_S = stream(1)


# --- what they save ---


@pytest.mark.proves("FD-2")
def test_any_moment_of_a_long_stream_is_a_short_fold(tmp_path: Path) -> None:
    """60 000 events and a state that grows: so the 4 096 events decide, not the bytes."""
    with opened(tmp_path, Growing()) as kept:
        kept.append(_S, *[1_001] * 60)
        kept.settle()
        ends = [revision for revision, *_ in kept.keyframes(_S)]
        moments = {*range(0, 60_061, 3_333), *ends, *(end - 1 for end in ends)}
        decoded = {at: kept.decoded(Growing(), _S, at) for at in sorted(moments)}
        last = kept.store.fold(Growing(), _S)

    assert max(decoded.values()) <= MOST_DECODED == 4_351
    assert max(decoded.values()) > 4_000, "the bound is not that of the 4 096 events"
    assert decoded[ends[-1]] == 0
    assert last.state == tuple(range(1, 60_061))


@pytest.mark.proves("FD-2")
def test_without_keyframes_the_same_fold_reads_it_all(tmp_path: Path) -> None:
    with opened(tmp_path, None) as kept:
        kept.append(_S, *[1_000] * 10)

        assert kept.decoded(Growing(), _S) == 10_000


@pytest.mark.proves("FK-1", "FD-2")
def test_a_fork_begins_at_its_ancestors_keyframe(tmp_path: Path) -> None:
    root, fork, leaf = stream(1), stream(2), stream(3)
    with opened(tmp_path, Growing()) as kept:
        kept.append(root, *[1_000] * 20)
        kept.fork(fork, root, 19_777, 500)
        kept.fork(leaf, fork, 20_011, 3)
        kept.settle()
        for at in (1, 13_000, 19_776, 19_777, 19_778, 20_011, 20_014):
            assert kept.store.fold(Growing(), leaf, at).state == kept.plain(Growing(), leaf, at)
            assert kept.decoded(Growing(), leaf, at) <= MOST_DECODED + 2 * ROW_EVENTS


@pytest.mark.proves("FD-3")
def test_a_keyframe_stands_where_a_row_ends(tmp_path: Path) -> None:
    with opened(tmp_path, CountingReducer()) as kept:
        kept.append(_S, 30, 30, 30, 300, 700, 10)
        kept.settle()
        kept_at = [revision for revision, *_ in kept.keyframes(_S)]
        ends = kept.sql("SELECT revision + n - 1 FROM commits WHERE stream = ?", _S.hex)

    assert set(kept_at) < {end for (end,) in ends}
    assert kept_at[0] == 90
    assert len(kept_at) >= 4


@pytest.mark.proves("FD-3")
def test_a_short_stream_has_none(tmp_path: Path) -> None:
    with opened(tmp_path, CountingReducer()) as kept:
        kept.append(_S, *[1] * (LEAST_EVENTS - 1))
        kept.append(stream(2), LEAST_EVENTS)
        kept.settle()

        assert kept.keyframes(_S) == []
        assert len(kept.keyframes(stream(2))) == 1


@pytest.mark.proves("FD-3")
@pytest.mark.parametrize("items", [40, 160, 640])
def test_keyframes_take_little_of_the_file(tmp_path: Path, items: int) -> None:
    """Pages, not texts: states of a part of a page, of one and of several."""
    with opened(tmp_path, Latest()) as kept:
        kept.append(_S, *[120] * 250, items=items)
        kept.settle()
        count = len(kept.keyframes(_S))
        kept.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        ((pages,),) = kept.sql("PRAGMA page_count")
        ((before,),) = kept.sql("PRAGMA freelist_count")
        kept.sql("DELETE FROM keyframes")
        ((free,),) = kept.sql("PRAGMA freelist_count")

    assert count > 10
    assert free - before <= 0.25 * (pages - free)


@pytest.mark.proves("FD-3")
@pytest.mark.parametrize(("reducer", "most"), [(Latest(), 0.25), (Growing(), 1.25)])
def test_keyframes_weigh_little_beside_their_log(tmp_path: Path, reducer: Any, most: float) -> None:
    with opened(tmp_path, reducer) as kept:
        # Not long enough for the 4 096 events to matter: this is the bound by bytes.
        kept.append(_S, *[80] * 50)
        kept.settle()
        ((log,),) = kept.sql("SELECT sum(length(data)) FROM commits WHERE stream = ?", _S.hex)
        sizes = [len(data) for *_, data in kept.keyframes(_S)]

    assert len(sizes) > 2
    assert sum(sizes) <= most * log


# --- that no answer depends on them ---

sizes = st.lists(st.sampled_from([1, 7, 40, 64, 100, 256, 300]), min_size=1, max_size=6)
fractions = st.floats(0, 1)
alterations = st.sampled_from(
    [
        "DELETE FROM keyframes WHERE rowid = ?",
        "UPDATE keyframes SET revision = revision + 1 WHERE rowid = ?",
        "UPDATE keyframes SET revision = revision - 30 WHERE rowid = ?",
        "UPDATE keyframes SET digest = zeroblob(32) WHERE rowid = ?",
        "UPDATE keyframes SET digest = x'' WHERE rowid = ?",
        "UPDATE keyframes SET data = replace(data, '1', '2') WHERE rowid = ?",
        "UPDATE keyframes SET data = '' WHERE rowid = ?",
        "UPDATE keyframes SET reducer = 77 WHERE rowid = ?",
        "UPDATE keyframes SET stream = substr(stream, 1, 31) || 'f' WHERE rowid = ?",
    ]
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    with opened(folder, CountingReducer(), check=3) as kept:
        yield kept


class Numbers:
    """Streams that no example has used."""

    given = 1_000

    @classmethod
    def next(cls) -> StreamId:
        cls.given += 1
        return stream(cls.given)


def grown(kept: Kept, data: st.DataObject) -> list[StreamId]:
    """Draw a stream and forks of it and of each other."""
    streams = [Numbers.next()]
    kept.append(streams[0], *data.draw(sizes, "commits"))
    for _ in range(data.draw(st.integers(0, 3), "forks")):
        parent = streams[data.draw(st.integers(0, len(streams) - 1), "parent")]
        head = kept.store.head(parent).revision
        streams.append(Numbers.next())
        kept.fork(
            streams[-1], parent, round(data.draw(fractions) * head), data.draw(st.integers(1, 300))
        )
    return streams


def moments_of(kept: Kept, stream: StreamId, data: st.DataObject) -> list[int]:
    head = kept.store.head(stream).revision
    return [head, *(round(data.draw(fractions, "moment") * head) for _ in range(4))]


@pytest.mark.proves("FD-1", "FD-2", "FK-1")
@given(data=st.data())
def test_a_fold_with_keyframes_is_the_plain_fold(shared: Kept, data: st.DataObject) -> None:
    """At any moment of a stream, of forks and of their forks."""
    streams = grown(shared, data)
    if data.draw(st.booleans(), "settle"):
        shared.settle()
    for one in streams:
        for at in moments_of(shared, one, data):
            folded = shared.store.fold(CountingReducer(), one, at)

            assert (folded.revision, folded.state) == (at, shared.plain(CountingReducer(), one, at))
    assert shared.store.fold_counts.mismatched == 0


@pytest.mark.proves("FD-4", "FK-1")
@given(data=st.data())
def test_no_altered_keyframe_changes_an_answer(shared: Kept, data: st.DataObject) -> None:
    """Dropped, moved, or with other contents: it is passed over."""
    streams = grown(shared, data)
    shared.settle()
    marks = ",".join("?" * len(streams))
    ids = [one.hex for one in streams]
    found = shared.sql(f"SELECT rowid FROM keyframes WHERE stream IN ({marks})", *ids)  # noqa: S608
    # How many there are is the writer's business: what is drawn must not hang on it.
    drawn = data.draw(st.lists(st.none() | alterations, min_size=9, max_size=9), "alterations")
    for (rowid,), alteration in zip(found, cycle(drawn), strict=False):
        if alteration is not None:
            shared.sql(alteration.replace("UPDATE", "UPDATE OR REPLACE"), rowid)
    for one in streams:
        for at in moments_of(shared, one, data):
            folded = shared.store.fold(CountingReducer(), one, at)

            assert folded.state == shared.plain(CountingReducer(), one, at)
    # Else they would not be looked at any more, and nothing would be tested.
    assert shared.store.fold_counts.mismatched == 0


@pytest.mark.proves("FD-2", "FK-1")
def test_every_moment_of_a_forks_fork_is_its_plain_fold(tmp_path: Path) -> None:
    root, fork, leaf = stream(1), stream(2), stream(3)
    with opened(tmp_path, CountingReducer(), check=1) as kept:
        kept.append(root, 100, 90, 300)
        kept.fork(fork, root, 333, 200)
        kept.fork(leaf, fork, 350, 80)
        kept.settle()
        events = list(kept.store.read(leaf))
        states = [Counted()]
        for event in events:
            states.append(CountingReducer().apply(states[-1], event))
        folded = [kept.store.fold(CountingReducer(), leaf, at).state for at in range(len(states))]

        assert folded == states
        assert kept.store.fold_counts.loaded > 300
        assert kept.store.fold_counts.mismatched == 0


# --- those that do not fit ---


@pytest.mark.proves("FD-4")
@pytest.mark.parametrize(
    "alteration",
    [
        "UPDATE keyframes SET digest = zeroblob(32)",
        "UPDATE keyframes SET data = replace(data, '\"quantity\":', '\"quantity\":1')",
        "UPDATE keyframes SET data = CAST(x'ff' AS TEXT)",
        "UPDATE keyframes SET revision = revision - 1",
        "UPDATE keyframes SET stream = (SELECT max(stream) FROM commits)",
        "UPDATE reducers SET fingerprint = zeroblob(32)",
        "DELETE FROM reducers",
        "DELETE FROM keyframes",
    ],
)
def test_a_keyframe_that_does_not_fit_is_made_again(tmp_path: Path, alteration: str) -> None:
    with opened(tmp_path, CountingReducer()) as kept:
        kept.append(_S, *[250] * 24)
        kept.append(stream(2), *[250] * 24, first=7)
        kept.settle()
        before = kept.keyframes(_S)
        if "stream" in alteration:
            kept.sql("DELETE FROM keyframes WHERE stream = ?", stream(2).hex)
        kept.sql(alteration)
        fresh = kept.plain(CountingReducer(), _S, 6_000)

        assert before
        assert kept.store.fold(CountingReducer(), _S).state == fresh

        kept.settle()

        assert kept.keyframes(_S) == before
        assert kept.decoded(CountingReducer(), _S) <= ROW_EVENTS


@pytest.mark.proves("FD-4")
def test_keyframes_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    with opened(tmp_path, CountingReducer()) as kept:
        kept.append(_S, *[250] * 8)
        kept.settle()
        found = len(kept.keyframes(_S))
        kept.sql("UPDATE keyframes SET digest = zeroblob(32)")
    with opened(tmp_path, None, mode="read") as kept:
        kept.store.fold(CountingReducer(), _S)

        assert kept.store.fold_counts.ignored == found > 0
        assert kept.store.fold_counts.decoded == 2_000


@pytest.mark.proves("FD-4")
def test_a_keyframe_holds_for_its_own_history_only(tmp_path: Path) -> None:
    """Another chain value at its row is another history."""
    with opened(tmp_path, CountingReducer()) as kept:
        kept.append(_S, *[250] * 8)
        kept.settle()
        assert kept.decoded(CountingReducer(), _S) == 0
        kept.sql("UPDATE log SET maintenance = 1")
        kept.sql("UPDATE commits SET chain = zeroblob(32) WHERE stream = ?", _S.hex)
        kept.sql("UPDATE log SET maintenance = 0")

        assert kept.decoded(CountingReducer(), _S) == 2_000
        assert kept.store.fold_counts.ignored > 0


@pytest.mark.proves("FD-4")
def test_a_store_that_had_none_gets_them_when_it_is_folded(tmp_path: Path) -> None:
    with opened(tmp_path, None) as kept:
        kept.append(_S, *[1_000] * 10)
    with opened(tmp_path, Growing()) as kept:
        assert kept.decoded(Growing(), _S) == 10_000
        kept.settle()

        assert kept.decoded(Growing(), _S) <= MOST_DECODED


# --- who makes them, and when they go ---


@pytest.mark.proves("FD-6", "LG-5")
@pytest.mark.parametrize("mode", ["guest", "read"])
def test_only_a_holder_makes_keyframes(tmp_path: Path, mode: Any) -> None:
    with opened(tmp_path, None) as kept:
        kept.append(_S, *[1_000] * 5)
    with opened(tmp_path, CountingReducer(), mode=mode) as kept:
        if mode == "guest":
            kept.append(_S, 500, 500)
        kept.store.fold(CountingReducer(), _S)

        assert kept.keyframes(_S) == []


@pytest.mark.proves("FD-2", "LG-5")
def test_a_reader_uses_what_the_holder_kept(tmp_path: Path) -> None:
    with opened(tmp_path, Growing()) as kept:
        kept.append(_S, *[1_000] * 10)
        kept.settle()
    with opened(tmp_path, None, mode="read") as kept:
        assert kept.decoded(Growing(), _S, 9_000) <= MOST_DECODED


@pytest.mark.proves("FD-5")
def test_a_program_and_its_successor_keep_side_by_side(tmp_path: Path) -> None:
    def run(version: int) -> set[int]:
        with opened(tmp_path, CountingReducer(version=version)) as kept:
            kept.append(_S, 500)
            kept.store.fold(CountingReducer(version=version), _S)
            kept.settle()
            rows = kept.sql(
                "SELECT DISTINCT version FROM reducers JOIN keyframes ON id = reducer"
                " WHERE stream = ?", _S.hex
            )  # fmt: skip
            return {version for (version,) in rows}

    assert run(1) == {1}
    assert run(2) == {1, 2}
    assert run(1) == {1, 2}
    assert run(3) == {2, 3}


@pytest.mark.proves("FD-6")
def test_a_reducer_that_folds_otherwise_loses_its_keyframes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changed = Doubling()
    with opened(tmp_path, CountingReducer()) as kept:
        kept.append(_S, 64, 64, 64)
        kept.settle()
    # The same name, version and types: nothing tells it from what it was but the check.
    Doubling.__name__ = CountingReducer.__name__
    with opened(tmp_path, changed, check=1) as kept, caplog.at_level(logging.ERROR):
        folded = kept.store.fold(changed, _S, 192)
        kept.settle()

        assert folded.state == kept.plain(changed, _S, 192)
        assert kept.store.fold_counts.mismatched == 1
        assert kept.keyframes(_S) == []
        assert kept.store.fold(changed, _S, 192) == folded
        assert kept.store.fold_counts.mismatched == 1
    assert "keyframe_mismatch" in caplog.text
    assert "Raise the reducer's version" in caplog.text


@pytest.mark.proves("FD-6")
def test_one_load_in_so_many_is_folded_again(tmp_path: Path) -> None:
    with opened(tmp_path, CountingReducer(), check=3) as kept:
        kept.append(_S, *[100] * 10)
        kept.settle()
        decoded = [kept.decoded(CountingReducer(), _S) for _ in range(7)]

    # The two after each are for nothing: the keyframe is at the very end.
    assert [bool(count) for count in decoded] == [False, False, True, False, False, True, False]


class Failing(CountingReducer):
    """A reducer with a fault, as users write them."""

    def apply(self, state: Counted, event: Event) -> Counted:
        if event.revision == 90:
            raise ZeroDivisionError
        return super().apply(state, event)


@pytest.mark.proves("FD-6")
def test_a_reducers_fault_stops_no_commit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path, Failing()) as kept:
        kept.append(_S, 100, 100, 100)
        kept.append(stream(2), 70)
        kept.settle()

        assert kept.store.head(_S).revision == 300
        assert kept.keyframes(_S) == []
        assert len(kept.keyframes(stream(2))) == 1
    assert caplog.text.count("keyframes_failed") == 1


@pytest.mark.proves("FD-6")
def test_appends_go_on_while_keyframes_are_made(tmp_path: Path) -> None:
    with opened(tmp_path, CountingReducer()) as kept:
        tickets = [
            kept.store.append(_S, several(500, n * 500), kind="order", expected=n * 500)
            for n in range(40)
        ]
        last = [ticket.result().last for ticket in tickets][-1]
        kept.settle()

        assert last == 20_000
        assert kept.decoded(CountingReducer(), _S) <= ROW_EVENTS
        assert kept.store.verify().fault is None

"""What a store must be after its process was killed (KM-4)."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from eventstore import Event, EventStoreError, Forgotten, Keyring, Store, StreamId, sql
from eventstore.erasure import ERASED
from eventstore.sql import open_store
from eventstore.sql.tables import REVISION, REVISIONS
from eventstore.testing import (
    CountingReducer,
    FakeClock,
    FakeIds,
    Placed,
    keyring,
    registry,
    several,
    stream,
)
from tests.kills.jobs import OTHER_MASTER, PEOPLE, REDACTED, SEALED, SECRET
from tests.kills.plan import Commit, closed_streams, commits_of, folded
from tests.migrations.old_stores import STREAMS, events_in


class Left(msgspec.Struct, frozen=True):
    """What of a plan was in the log before anything was sent again."""

    acked: int
    unacked_whole: int
    unacked_absent: int


def raw_check(path: Path) -> int:
    """Hold the file to SQLite's own check, and the log to have no gap; give its epoch."""
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        next_pos, epoch = raw.execute("SELECT next_pos, epoch FROM log").fetchone()
        expected = 1
        for pos, after in raw.execute(
            "SELECT pos, pos + n FROM commits"
            " UNION ALL SELECT first_pos, last_pos + 1 FROM tombstones ORDER BY 1"
        ):
            assert pos == expected, f"a gap, or a row twice: {expected} to {pos}"
            expected = after
        assert next_pos == expected
        return int(epoch)


def opened(path: Path, life: int, keyring: Keyring | None = None) -> Store:
    return open_store(
        f"sqlite:///{path}",
        durability="fsync",
        registry=registry(),
        clock=FakeClock(),
        ids=FakeIds(1 << 61 | life << 24),
        keyring=keyring,
    )


def check(path: Path, seed: int, sent: set[int], acked: set[int]) -> Left:
    """Hold the store *path*, whose writer of plan *seed* was killed, to all that is promised."""
    epoch = raw_check(path)
    planned = [commit for commit in commits_of(seed) if commit.number in sent]
    with opened(path, seed) as store:
        assert store.verify().fault is None
        there = whole(store, planned)
        assert acked <= there, f"acknowledged, and lost: {sorted(acked - there)}"
        # Sent again, as a client would that was never answered: each is there once.
        tickets = [(commit.number, commit.sent_to(store)) for commit in planned]
        for number, ticket in tickets:
            assert ticket.result().duplicate is (number in there)
        assert whole(store, planned) == {commit.number for commit in planned}
        for stream_id, commits in by_stream(planned).items():
            assert store.fold(CountingReducer(), stream_id).state == folded(commits)
        store.append(stream(seed + 500), several(3), kind="order", expected=0).result()
        assert store.verify().fault is None
    assert raw_check(path) > epoch
    unacked = len(there) - len(acked)
    return Left(len(acked), unacked, len(planned) - len(there))


def check_upgraded(path: Path) -> None:
    """Hold a store, killed in its upgrade, to be old or new, and whole; upgrade it again."""
    url = f"sqlite:///{path}"
    assert sql.current(url) in REVISIONS
    before = events_in(path)
    assert len(before) > STREAMS
    for kept in path.parent.glob(f"{path.name}.before-{REVISION}"):
        assert sql.current(f"sqlite:///{kept}") == REVISIONS[0]
        assert events_in(kept) == before
    sql.upgrade(url, clock=FakeClock(), ids=FakeIds(1 << 58))
    assert sql.check(url, clock=FakeClock()).state == "current"
    assert events_in(path) == before


def check_redacted(path: Path, seed: int) -> None:
    """Hold a store, killed while it redacted, to have done it or not; then do it again."""
    with opened(path, seed + 1_000_000) as store:
        if store.head(REDACTED).revision:
            event = store.read_log(newest_first=True, limit=1, kinds=["order"])[0].events[0]
            assert (event.stream, is_secret(event)) in ((REDACTED, True), (REDACTED, False))
            if is_secret(event):
                store.redact(REDACTED, 1, ["/item"], by="ann", reason="asked")
            assert store.verify().fault is None
    for file in path.parent.glob(f"{path.name}*"):
        assert SECRET.encode() not in file.read_bytes(), f"it is still in {file.name}"


def is_secret(event: Event) -> bool:
    return isinstance(event.data, Placed) and event.data.item == SECRET


def check_erased(path: Path, seed: int) -> None:
    """Hold a store, killed while it erased, to have done it or not; then do it again."""
    with opened(path, seed + 8_000_000, keyring()) as store:
        if store.head(SEALED).revision:
            assert store.open_sealed(SEALED, 1, "/1") == "bob"
            if not isinstance(store.open_sealed(SEALED, 1, "/0"), Forgotten):
                store.erase("ann", by="dpo", reason="asked")
            else:
                with pytest.raises(EventStoreError, match="no-such-subject"):
                    store.erase("ann", by="dpo", reason="asked")
            facts = [e for row in store.read_log(kinds=["log"]) for e in row.events]
            (erased,) = [fact.data.data for fact in facts if fact.type == ERASED]
            subject = bytes.fromhex(erased["subject"])
            assert isinstance(store.open_sealed(SEALED, 1, "/0"), Forgotten)
            assert store.verify().fault is None
            for file in path.parent.glob(f"{path.name}*"):
                assert subject not in file.read_bytes(), f"the key is still in {file.name}"


def check_rewrapped(path: Path, seed: int) -> None:
    """Hold a store, killed while its master changed, to open all it sealed; then go on."""
    both = keyring().plus(OTHER_MASTER)
    with opened(path, seed + 9_000_000, both) as store:
        if store.head(SEALED).revision:
            some = range(0, len(PEOPLE), 17)
            assert [store.open_sealed(SEALED, 1, f"/{n}") for n in some] == PEOPLE[::17]
        left = store.rewrap(OTHER_MASTER)
        assert left <= len(PEOPLE) + 1
        assert store.rewrap(OTHER_MASTER) == 0
    with opened(path, seed + 9_500_000, Keyring([OTHER_MASTER])) as store:
        if store.head(SEALED).revision:
            assert store.open_sealed(SEALED, 1, "/119") == PEOPLE[119]


def check_moved(path: Path, seed: int, *, dropped: bool) -> None:
    """Hold closed streams to be there whole, once; or gone whole, if they were to be *dropped*."""
    with opened(path, seed + 6_000_000) as store:
        there = 0
        for name, events in closed_streams(seed):
            found = [event.data for event in store.read(name)]
            gone = dropped or not there  # of those that it had not come to
            assert found == [event.data for event in events] or (gone and not found)
            there += bool(found)
        rows = [row.position for row in store.read_log(kinds=["order"], limit=100_000)]
        assert sorted(set(rows)) == rows
        assert store.verify().fault is None
        store.archive(older_than=timedelta(days=-1))
        assert [row.position for row in store.read_log(kinds=["order"], limit=100_000)] == rows
        assert store.verify().fault is None
    folder = path.with_name(f"{path.name}.segments")
    with closing(sqlite3.connect(path)) as raw:
        files = raw.execute("SELECT file FROM segments ORDER BY file").fetchall()
        assert raw.execute("SELECT count(*) FROM segments WHERE NOT unloaded").fetchone() == (0,)
    assert sorted((each.name,) for each in folder.glob("*")) == files


def check_imported(path: Path, file: Path) -> None:
    """Hold a store whose import was killed to be empty or the one that was exported."""
    url = f"sqlite:///{path}"
    for go in range(2):
        done = sql.import_(
            file, url, registry=registry(), clock=FakeClock(), ids=FakeIds(1 << 56 | go << 20)
        )
        assert done.streams in (0, STREAMS + 1)
    assert done.streams == 0
    with opened(path, 7_000_000) as store:
        assert store.verify().fault is None
        assert all(len(list(store.read(stream(number)))) == 3 for number in range(STREAMS))


def whole(store: Store, planned: Iterable[Commit]) -> set[int]:
    """Return the numbers of those that are there, byte for byte.

    Of the others nothing is there, and of their streams nothing else.
    """
    there = set()
    for stream_id, commits in by_stream(planned).items():
        found = [
            (event.type, event.data, event.key, event.at_us) for event in store.read(stream_id)
        ]
        assert store.head(stream_id).revision == len(found)
        for commit in commits:
            part = found[commit.first - 1 : commit.last]
            assert not part or part == [(e.type, e.data, e.key, e.at_us) for e in commit.events]
            if part:
                there.add(commit.number)
        assert len(found) <= commits[-1].last, "more is there than was planned"
    return there


def by_stream(planned: Iterable[Commit]) -> dict[StreamId, list[Commit]]:
    """Sort commits by their streams; each stream's are in order."""
    sorted_out: dict[StreamId, list[Commit]] = defaultdict(list)
    for commit in planned:
        sorted_out[commit.stream_id].append(commit)
    return sorted_out

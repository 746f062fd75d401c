"""Archived streams are read as if they had stayed; dropped ones are gone, and the chain holds."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eventstore import ANY, NEW, Kind, NewEvent, Revision, Row, Store
from eventstore.codec import Registry
from eventstore.events import Retention
from eventstore.memory import MemoryStore
from eventstore.sql import Mode, archiving, open_store
from eventstore.sql.locked import Locked
from eventstore.sql.maintaining import MaintainedLog
from eventstore.sql.store import SqlStore
from eventstore.testing import (
    CountingReducer,
    FakeClock,
    FakeIds,
    Placed,
    placed,
    refused,
    registry,
    several,
    stream,
)
from tests.eventstore.altered import opened, past_the_guards, verdict

NOW = timedelta(days=-1)  # each opening has a clock that begins anew
OPEN, FORK = 4, 50
NUMBERS = (*range(10), FORK)


def fill(store: Store) -> None:
    """Append ten streams, all but one closed, and a long fork of one of them."""
    for n in range(10):
        events = several(n % 3 + 1)
        store.append(stream(n), events, kind="order", expected=NEW, close=n != OPEN).result()
    store.append(
        stream(FORK), several(600), kind="order", expected=NEW, close=True,
        parent=(stream(1), Revision(2)),
    ).result()  # fmt: skip


def answers(store: Store) -> list[Any]:
    """Ask all that can be asked, but for the log's own stream."""
    streams = [stream(n) for n in (*NUMBERS, 99)]
    subscription = store.subscribe("reader", kinds=["order"])
    pages: list[Row] = []
    while page := subscription.poll():
        pages += page.rows
    last = store.head(stream(FORK)).last_position
    return [
        [list(store.read(each)) for each in streams],
        [list(store.read(each, 2, 300)) for each in streams],
        [store.head(each) for each in streams],
        [store.forks_of(each) for each in streams],
        [store.fold(CountingReducer(), each) for each in streams],
        store.read_log(limit=10_000, kinds=["order"]),
        store.read_log(limit=3, kinds=["order"], newest_first=True),
        store.read_log(limit=4, kinds=["order"], after=7, before=last),
        store.read_log(limit=100, kinds=["order"], first_rows_only=True),
        store.count_streams("order"),
        store.find_streams("", "order", 7),
        store.find_streams(stream(3).hex, "order"),
        pages,
        store.cursor_at(9),
        store.cursor_at(last - 1),
        [store.verify_stream(stream(n)).fault for n in (OPEN, FORK)],
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with opened(path, durability="volatile") as store:
        fill(store)
        yield store


def rows_in(path: Path, table: str = "commits") -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def gaps(path: Path) -> int:
    """Hold each position to be in exactly one row or tombstone; give how many are in none."""
    with closing(sqlite3.connect(path)) as raw:
        spans = raw.execute(
            "SELECT pos, pos + n FROM commits UNION ALL"
            " SELECT first_pos, last_pos + 1 FROM tombstones ORDER BY 1"
        ).fetchall()
        (end,) = raw.execute("SELECT next_pos FROM log").fetchone()
    at = 1
    for first, after in spans:
        assert first == at
        at = after
    return int(end) - at


def facts_of(store: Store, type_: str) -> list[Any]:
    return [
        event.data.data
        for row in store.read_log(kinds=["log"], limit=1_000)
        for event in row.events
        if event.type == type_
    ]


@pytest.mark.proves("AR-1", "AR-2", "AR-3", "LG-1")
def test_what_is_archived_answers_as_before(store: Store, path: Path) -> None:
    before = answers(store)

    done = store.archive(older_than=NOW)

    assert (done.streams, len(done.files)) == (10, 1)
    assert Path(done.files[0]).stat().st_size == done.size
    assert answers(store) == before
    assert (store.verify().fault, gaps(path)) == (None, 0)
    with opened(path, "read") as reader:
        assert answers(reader) == before


@pytest.mark.proves("AR-1")
def test_a_second_time_there_is_nothing_to_do(store: Store) -> None:
    store.archive(older_than=NOW)
    end = store.end()

    assert store.archive(older_than=NOW).streams == 0
    assert store.end() == end


@pytest.mark.proves("AR-2", "TB-7")
def test_a_fact_tells_of_each_segment(store: Store, path: Path) -> None:
    done = store.archive(older_than=NOW)
    (fact,) = facts_of(store, "maintenance.archived")
    with closing(sqlite3.connect(path)) as raw:
        (row,) = raw.execute("SELECT file, bytes, hex(sha256), event_pos FROM segments").fetchall()
        stones = raw.execute("SELECT DISTINCT segment, event_pos FROM tombstones").fetchall()

    assert (fact["streams"], fact["rows"]) == (done.streams, done.rows)
    assert (fact["file"], fact["size"], fact["sha256"]) == (row[0], row[1], row[2].lower())
    assert stones == [(1, row[3])]


@pytest.mark.proves("AR-2")
def test_a_segment_is_a_file_of_the_same_tables(store: Store) -> None:
    """`sqlite3` reads it without this program."""
    (file,) = store.archive(older_than=NOW).files
    with closing(sqlite3.connect(file)) as raw:
        types = raw.execute("SELECT type, kind, count(*) FROM events GROUP BY 1, 2").fetchall()

    assert types == [("order.placed", "order", 619 - 2)]


class Interrupted(Exception):
    """Stands for a process that ends."""


class Watched(Locked):
    """Looks at the store after each transaction, and ends at the second that takes rows out."""

    seen: list[object]

    def watch(self, look: Callable[[], object]) -> None:
        self.look, self.seen = look, []

    def maintain(self, work: Any, fact: str | None = None, tell: Any = lambda _: None) -> Any:
        done = super().maintain(work, fact, tell)
        if fact is None:
            self.seen.append(self.look())
            if len(self.seen) == 2:
                raise Interrupted
        return done


def archiver(store: Store, log: Locked | None = None, **sizes: int) -> archiving.Archiver:
    assert isinstance(store, SqlStore)
    clock = store._drafting.clock
    return archiving.Archiver(store._reader, log or locked(store), clock, **sizes)


def locked(store: Store, cls: type[Locked] = Locked) -> Locked:
    assert isinstance(store, SqlStore)
    assert store._writer is not None
    assert isinstance(store._log, MaintainedLog)
    return cls(store._writer, store._log, seals=True)


@pytest.mark.proves("AR-2", "AR-3")
def test_many_segments_answer_as_one_store(store: Store, path: Path) -> None:
    before = answers(store)
    small = archiver(store, segment_bytes=500)

    done = small.archive(small.wanted("archive", NOW, (), ()))

    assert len(done.files) > 5
    assert answers(store) == before
    assert (store.verify().fault, gaps(path)) == (None, 0)


@pytest.mark.proves("AR-1", "AR-2")
def test_half_taken_out_is_as_whole_as_all(store: Store, path: Path) -> None:
    """Between two batches a stream is in the segment, and partly still in the table."""
    before = answers(store)
    log = locked(store, Watched)
    assert isinstance(log, Watched)
    log.watch(lambda: (answers(store) == before, store.verify().fault, gaps(path)))
    slow = archiver(store, log, batch_rows=5)
    with pytest.raises(Interrupted):
        slow.archive(slow.wanted("archive", NOW, (), ()))
    assert 0 < rows_in(path, f"commits WHERE stream = '{stream(FORK).hex}'") < 3
    store.redact(stream(FORK), 300, ["/item"], by="ann", reason="")
    store.archive(older_than=NOW)

    assert log.seen == [(True, None, 0)] * 2
    assert rows_in(path, "segments WHERE unloaded") == 1
    assert (store.verify().fault, gaps(path)) == (None, 0)
    assert next(store.read(stream(FORK), 300)).data.item == "<redacted>"


@pytest.mark.proves("AR-1")
def test_a_stream_goes_only_with_what_goes_on_from_it(store: Store) -> None:
    with refused("has-forks") as refusal:
        store.archive(streams=[stream(1)])
    assert refusal.error.fields == {"stream": stream(1), "fork": stream(FORK)}
    with refused("has-forks"):
        store.prune(streams=[stream(1)], by="ann", reason="")

    assert store.archive(streams=[stream(1), stream(FORK)]).streams == 2


@pytest.mark.proves("AR-1")
def test_an_open_fork_keeps_its_parents(store: Store) -> None:
    parent = (stream(2), Revision(1))
    store.append(stream(60), several(1), kind="order", expected=NEW, parent=parent).result()
    store.archive(older_than=NOW)

    assert store.count_streams("order") == 12
    with refused("has-forks"):
        store.archive(streams=[stream(2)])
    store.append(stream(60), several(1), kind="order", expected=ANY, close=True).result()
    assert store.archive(older_than=NOW).streams == 2


@pytest.mark.proves("AR-1")
def test_what_must_stay_is_refused_and_stays(store: Store) -> None:
    end = store.end()
    log = store.read_log(kinds=["log"])[0].stream
    for streams, words in (
        ([stream(OPEN)], "not closed"),
        ([stream(99)], "there is no stream"),
        ([log], "of kind log, which stays"),
    ):
        with refused("cannot-archive") as refusal:
            store.archive(streams=streams)
        assert words in refusal.error.problem
    with refused("cannot-archive"):
        store.archive(kinds=["log"], older_than=NOW)
    with refused("unknown-kind"):
        store.archive(kinds=["none"], older_than=NOW)

    assert store.end() == end


@pytest.mark.proves("AR-2")
def test_a_guest_moves_only_what_is_sealed(store: Store, path: Path) -> None:
    with opened(path, "guest") as guest:
        with refused("cannot-archive") as refusal:
            guest.archive(streams=[stream(0)])
        assert "not sealed" in refusal.error.problem
        store.seal()
        assert guest.archive(older_than=NOW).streams == 10


def kept_by(tmp_path: Path, retention: Retention) -> Store:
    new = Registry(kinds=[Kind(2, "order", retention=retention), Kind(3, "ledger")])
    new.register("order.placed", Placed)
    return open_store(
        f"sqlite:///{tmp_path}/kept.db", registry=new, clock=FakeClock(step_us=1_000_000),
        ids=FakeIds(), durability="volatile",
    )  # fmt: skip


@pytest.mark.proves("AR-1", "ES-2")
@pytest.mark.parametrize("action", ["archive", "drop", "keep"])
def test_a_kind_says_what_becomes_of_its_streams(tmp_path: Path, action: Any) -> None:
    """Of six, a second apart, those that are three seconds old and of that kind."""
    with kept_by(tmp_path, Retention(action, after_s=5)) as store:
        for n in range(6):
            for kind in ("order", "ledger"):
                name = stream(n if kind == "order" else 20 + n)
                store.append(name, several(1), kind=kind, expected=NEW, close=True).result()
        archived = store.archive().streams
        pruned = store.prune(by="ann", reason="retention").streams
        left = store.count_streams("order"), store.count_streams("ledger")

    assert (archived > 0, pruned > 0) == (action == "archive", action == "drop")
    assert archived < 6
    assert left == (6 - pruned, 6)
    assert pruned < 6


@pytest.mark.proves("AR-3", "ES-8", "ES-4")
@pytest.mark.parametrize("mode", ["hold", "guest"])
def test_an_archived_stream_takes_no_more(store: Store, path: Path, mode: Any) -> None:
    """Neither is it begun anew, nor is a retry of its commit a second one."""
    first = store.append(
        stream(70), several(2), kind="order", expected=NEW, commit_id=b"0" * 16, close=True
    ).result()
    store.archive(older_than=NOW)
    writer = opened(path, "guest") if mode == "guest" else store
    for expected in (NEW, ANY, 2):
        with refused("stream-closed"):
            writer.append(stream(70), [placed(9)], kind="order", expected=expected).result()
    again = writer.append(
        stream(70), several(2), kind="order", expected=NEW, commit_id=b"0" * 16, close=True
    ).result()
    fork = writer.append(
        stream(71), [placed(9)], kind="order", expected=NEW, parent=(stream(70), Revision(1))
    ).result()
    if mode == "guest":
        writer.close()

    assert again == msgspec.structs.replace(first, duplicate=True)
    assert (fork.first, len(list(store.read(stream(71))))) == (2, 2)


@pytest.mark.proves("AR-3")
def test_without_its_segment_the_rest_goes_on(store: Store, path: Path) -> None:
    store.archive(older_than=NOW)
    store.close()
    away = path.with_name("away")
    folder = path.with_name("store.db.segments")
    shutil.move(folder, away)
    with opened(path) as again:
        for ask in (
            lambda: list(again.read(stream(0))),
            lambda: again.head(stream(0)),
            lambda: again.read_log(kinds=["order"]),
            again.verify,
            lambda: again.redact(stream(0), 1, ["/item"], by="ann", reason=""),
        ):
            with refused("segment-missing") as refusal:
                ask()
            assert str(folder) in refusal.error.problem
        again.append(stream(OPEN), [placed(9)], kind="order", expected=ANY).result()
        assert again.head(stream(OPEN)).revision == 3
        assert again.verify_since_seal().fault is None
        shutil.move(away, folder)
        assert len(list(again.read(stream(0)))) == 1
        assert again.verify().fault is None


ALTER = "UPDATE commits SET data = replace(data, 'tea', 'gin') WHERE pos = ?"


def everywhere(folder: Path, canary: str) -> list[str]:
    files = [each for each in folder.rglob("*") if each.is_file()]
    return [each.name for each in files if canary.encode() in each.read_bytes()]


CANARY = "canary-4111-1111-1111-1111"


def with_canary(path: Path) -> Store:
    store = opened(path)
    fill(store)
    events = [placed(), NewEvent("order.noted", {"card": CANARY, "name": "Ann"}, at_us=1)]
    store.append(stream(80), events, kind="order", expected=NEW, close=True).result()
    return store


@pytest.mark.proves("CH-6", "AR-2")
@pytest.mark.parametrize("mode", ["hold", "guest"])
def test_redaction_reaches_into_a_segment(path: Path, mode: Any) -> None:
    """The segment is written anew; the file before is gone."""
    with with_canary(path) as store:
        (file,) = store.archive(older_than=NOW).files
        assert Path(file).name in everywhere(path.parent, CANARY)
        if mode == "guest":
            with opened(path, "guest") as guest:
                done = guest.redact(stream(80), 2, ["/card"], by="ann", reason="asked for")
        else:
            done = store.redact(stream(80), 2, ["/card"], by="ann", reason="asked for")
        left = everywhere(path.parent, CANARY)
        (note,) = [event for event in store.read(stream(80)) if event.revision == 2]
        store.append(stream(90), [placed()], kind="order", expected=NEW).result()

        assert (done.gone, left) == (True, [])
        assert note.data.data == {"card": {"$redacted": True}, "name": "Ann"}
        assert store.verify().fault is None
    assert verdict(path).fault is None


@pytest.mark.proves("CH-5", "AR-2")
@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE tombstones SET chain = zeroblob(32)", "chain"),
        ("UPDATE tombstones SET epoch = epoch + 1", "missing"),
        ("UPDATE tombstones SET last_pos = last_pos - 1", "missing"),
        ("DELETE FROM tombstones", "missing"),
        ("UPDATE tombstones SET segment = NULL, gone = x''", "missing"),
        ("DELETE FROM seals", "seal"),
    ],
)
def test_an_altered_tombstone_is_found(
    store: Store, path: Path, statement: str, fault: str
) -> None:
    store.archive(older_than=NOW)
    store.close()
    with past_the_guards(path) as connection:
        connection.execute(statement)

    assert verdict(path).fault in (fault, "missing")


@pytest.mark.proves("CH-5", "AR-2")
def test_an_altered_segment_is_found(store: Store, path: Path) -> None:
    (file,) = store.archive(older_than=NOW).files
    store.close()
    with past_the_guards(Path(file)) as connection:
        (pos,) = connection.execute(
            "SELECT pos FROM commits ORDER BY pos LIMIT 1 OFFSET 3"
        ).fetchone()
        connection.execute(ALTER, (pos,))

    assert (verdict(path).fault, verdict(path).position) == ("payload", pos)


@pytest.mark.proves("AR-2", "CH-5")
def test_a_row_that_was_altered_is_not_archived(store: Store, path: Path) -> None:
    store_row = store.head(stream(0)).last_position
    store.seal()
    store.close()
    with past_the_guards(path) as connection:
        connection.execute(ALTER, (store_row,))
    with opened(path) as again, refused("chain-broken"):
        again.archive(older_than=NOW)

    assert rows_in(path, "tombstones") == 0
    assert list(path.with_name("store.db.segments").iterdir()) == []


@pytest.mark.proves("AR-2")
@pytest.mark.parametrize("mode", ["hold", "guest"])
@pytest.mark.parametrize("drop", [False, True], ids=["archive", "drop"])
def test_the_files_give_their_space_back_at_once(path: Path, mode: Mode, *, drop: bool) -> None:
    """Also to a guest beside a holder that runs on: nobody has to be stopped for it."""
    note = NewEvent("order.noted", "x" * 10_000, at_us=1)
    wal = path.with_name("store.db-wal")
    with opened(path) as store:
        for n in range(100):
            ticket = store.append(stream(n), [note], kind="order", expected=NEW, close=True)
        ticket.result()
        store.seal()
        before = path.stat().st_size + wal.stat().st_size
        other = opened(path, "guest") if mode == "guest" else store
        if drop:
            other.prune(older_than=NOW, by="ann", reason="")
        else:
            other.archive(older_than=NOW)
        after = (path.stat().st_size, wal.stat().st_size)
        other.close()

    assert before > 100 * 10_000
    assert (after[0] < before / 5, after[1]) == (True, 0)


@pytest.mark.proves("AR-2", "KM-2")
def test_what_a_killed_process_left_goes_when_the_store_is_opened(store: Store, path: Path) -> None:
    (file,) = store.archive(older_than=NOW).files
    store.close()
    folder = Path(file).parent
    for name in ("000002.tmp", "000001-0123456789ab.db", "notes.txt"):
        (folder / name).write_bytes(CANARY.encode())
    opened(path).close()

    assert sorted(each.name for each in folder.iterdir()) == [Path(file).name, "notes.txt"]


@pytest.mark.proves("AR-2")
def test_only_one_process_moves_rows_at_a_time(store: Store, path: Path) -> None:
    from eventstore.sql import files  # noqa: PLC0415

    store.archive(streams=[stream(0)])
    with files.archiving(path):
        for act in (
            lambda: store.archive(older_than=NOW),
            lambda: store.prune(older_than=NOW, by="ann", reason=""),
            lambda: store.redact(stream(0), 1, ["/item"], by="ann", reason=""),
        ):
            with refused("store-busy"):
                act()
        store.redact(stream(3), 1, ["/item"], by="ann", reason="")
    assert rows_in(path, "segments") == 1


@pytest.mark.proves("AR-3", "FD-2", "FD-4")
def test_kept_folds_of_archived_streams_are_used(path: Path) -> None:
    from tests.eventstore.keeping import opened as keeping  # noqa: PLC0415

    with keeping(path.parent, CountingReducer()) as kept:
        kept.append(stream(1), *[300] * 30)
        kept.store.append(stream(1), [placed(9)], kind="order", expected=ANY, close=True).result()
        kept.settle()
        expected = kept.store.fold(CountingReducer(), stream(1))
        decoded = kept.decoded(CountingReducer(), stream(1))
        kept.store.archive(older_than=NOW)

        assert kept.decoded(CountingReducer(), stream(1)) == decoded < 9_001
        assert kept.store.fold(CountingReducer(), stream(1)) == expected


# --- for good ---


@pytest.mark.proves("AR-1", "AR-2", "CH-5", "LG-1")
def test_what_is_dropped_is_gone_and_the_rest_verifies(path: Path) -> None:
    with with_canary(path) as store:
        store.seal()
        before = {n: list(store.read(stream(n))) for n in (OPEN, 1, FORK)}
        count = store.count_streams("order")
        done = store.prune(
            streams=[stream(80), stream(2), stream(3)], by="ann", reason="request 12"
        )
        assert (done.streams, done.rows, len(done.positions)) == (3, 3, 1)
        assert everywhere(path.parent, CANARY) == []
        assert [store.head(stream(n)).revision for n in (80, 2, 3)] == [0, 0, 0]
        assert {n: list(store.read(stream(n))) for n in (OPEN, 1, FORK)} == before
        assert store.count_streams("order") == count - 3
        (fact,) = facts_of(store, "maintenance.pruned")
        assert [fact[name] for name in ("kinds", "streams", "by", "reason")] == [
            ["order"], 3, "ann", "request 12",
        ]  # fmt: skip
        assert fact["stream"] == ""
        end = store.end()
        store.append(stream(99), [placed()], kind="order", expected=NEW).result()
        assert store.head(stream(99)).last_position > end
        assert (store.verify().fault, gaps(path)) == (None, 0)
        assert all(store.verify_stream(stream(n)).fault is None for n in (OPEN, 1, FORK))
    assert (verdict(path).fault, verdict(path).seals) == (None, 2)


@pytest.mark.proves("AR-2")
def test_long_streams_are_dropped_whole_and_many_in_batches(path: Path) -> None:
    with opened(path, durability="volatile") as store:
        tickets = [
            store.append(stream(n), [placed()], kind="order", expected=NEW, close=True)
            for n in range(150)
        ]
        for ticket in tickets:
            ticket.result()
        heard: list[tuple[int, int]] = []
        store.append(stream(200), several(900), kind="order", expected=NEW, close=True).result()
        small = archiver(store, batch_rows=100)
        done = small.prune(
            small.wanted("drop", NOW, (), ()), by="ann", reason="",
            progress=lambda at, of: heard.append((at, of)),
        )  # fmt: skip

        assert (done.streams, done.rows, len(done.positions)) == (151, 154, 2)
        assert heard == [(100, 151), (151, 151)]
        assert (store.verify().fault, gaps(path)) == (None, 0)
        assert store.count_streams("order") == 0


@pytest.mark.proves("AR-1", "SB-3")
def test_a_cursor_behind_a_dropped_row_is_still_of_this_history(store: Store) -> None:
    rows = store.read_log(kinds=["order"], limit=100)
    cursors = [store.cursor_at(row.position + len(row.events) - 1) for row in rows]
    store.prune(streams=[stream(n) for n in (2, 3, 5, 6)], by="ann", reason="")
    gone = {stream(n) for n in (2, 3, 5, 6)}
    for index, cursor in enumerate(cursors):
        page = store.subscribe("reader", after=cursor, kinds=["order"]).poll()
        left = [row.stream for row in rows[index + 1 :] if row.stream not in gone]
        assert ([row.stream for row in page.rows] if page else []) == left


@pytest.mark.proves("AR-1")
def test_what_is_archived_is_not_dropped(store: Store) -> None:
    store.archive(streams=[stream(0), stream(FORK)])
    with refused("cannot-archive") as refusal:
        store.prune(streams=[stream(0)], by="ann", reason="")
    assert "archived" in refusal.error.problem
    with refused("has-forks"):
        store.prune(streams=[stream(1)], by="ann", reason="")
    store.prune(older_than=NOW, by="ann", reason="")

    assert store.head(stream(0)).revision == 1
    assert len(list(store.read(stream(FORK)))) == 602
    assert store.head(stream(2)).revision == 0
    assert store.verify().fault is None


@pytest.mark.proves("CH-5", "AR-2")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tombstones SET gone = zeroblob(length(gone))",
        "UPDATE tombstones SET gone = substr(gone, 1, 42)",
        "UPDATE tombstones SET event_pos = 1",
        "DELETE FROM tombstones",
    ],
)
def test_rows_that_are_gone_without_a_fact_are_missed(
    store: Store, path: Path, statement: str
) -> None:
    store.seal()
    store.prune(streams=[stream(2), stream(3)], by="ann", reason="")
    store.close()
    assert verdict(path).fault is None
    with past_the_guards(path) as connection:
        connection.execute(statement)

    assert verdict(path).fault is not None


@pytest.mark.proves("AR-1")
def test_a_store_in_memory_or_open_for_reading_moves_nothing(store: Store, path: Path) -> None:
    calls: Sequence[Any] = (
        lambda s: s.archive(older_than=NOW),
        lambda s: s.prune(older_than=NOW, by="ann", reason=""),
    )
    with (
        MemoryStore(registry(), FakeClock(), FakeIds()) as memory,
        opened(path, "read") as reader,
    ):
        for call in (*calls, lambda s: s.export("x")):
            with refused("not-in-memory"):
                call(memory)
        for call in calls:
            with refused("read-only"):
                call(reader)
    assert rows_in(path, "tombstones") == 0

"""What leaves a database, or comes to it: files of SQLite, whichever it came from."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from eventstore import ANY, NEW, Imported, Revision, Store, StreamId
from eventstore.identifiers import uuid7
from eventstore.sql import import_, open_store, verify_export
from eventstore.sql.archiving import Archiver
from eventstore.sql.postgres import addresses, bulk, connections, partitions
from eventstore.sql.postgres.log import PostgresLog
from eventstore.sql.store import SqlStore
from eventstore.testing import FakeClock, FakeIds, placed, refused, registry, several, stream
from tests import warm
from tests.contracts.source import ROOT
from tests.eventstore.altered import opened as in_file
from tests.eventstore.test_archive import (
    FORK,
    NOW,
    NUMBERS,
    OPEN,
    Interrupted,
    Watched,
    answers,
    facts_of,
    fill,
)
from tests.eventstore.test_exports import told
from tests.postgres import Server

Opening = Literal["hold", "join", "guest", "read"]
KEY = bytes(32)


def opened(url: str, mode: Opening = "hold", folder: Path | None = None, *, seed: int = 0) -> Store:
    return open_store(
        url, mode=mode, durability="process", registry=registry(), clock=FakeClock(),
        ids=FakeIds(seed), seal_key=KEY, segments=folder,
    )  # fmt: skip


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.cleared()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "segments"


@pytest.fixture
def store(url: str, folder: Path) -> Iterator[Store]:
    with opened(url, "hold", folder) as store:
        fill(store)
        yield store


def gaps(postgres: Server, url: str) -> int:
    """Hold each position to be in exactly one row or tombstone; give how many are in none."""
    spans = postgres.sql(
        "SELECT pos, pos + n FROM timescape.commits UNION ALL"
        " SELECT first_pos, last_pos + 1 FROM timescape.tombstones ORDER BY 1",
        url,
    )
    at = 1
    for first, after in spans:
        assert first == at
        at = int(str(after))
    ((end,),) = postgres.sql("SELECT next_pos FROM timescape.log", url)
    return int(str(end)) - at


# --- archived ---


@pytest.mark.proves("AR-1", "AR-2", "AR-3", "LG-1")
def test_another_process_reads_what_is_archived(
    store: Store, postgres: Server, url: str, folder: Path
) -> None:
    """By a guest, beside the holder; whoever has not the folder is told so, and goes on."""
    before = answers(store)
    store.seal()
    with opened(url, "guest", folder, seed=1 << 20) as guest:
        assert guest.archive(older_than=NOW).streams == 10
    with opened(url, "read", folder) as reader:
        assert answers(reader) == before
    assert (store.verify().fault, gaps(postgres, url)) == (None, 0)
    with opened(url, "guest", seed=1 << 21) as without:
        with refused("segment-missing"):
            list(without.read(stream(0)))
        without.append(stream(OPEN), [placed(9)], kind="order", expected=ANY).result()
        with refused("no-segments-folder") as refusal:
            without.archive(older_than=NOW)
        assert "TIMESCAPE_SEGMENTS" in refusal.error.remedy


@pytest.mark.proves("AR-1", "AR-2")
def test_half_taken_out_is_as_whole_as_all(store: Store, postgres: Server, url: str) -> None:
    """Between two batches a stream is in the segment, and partly still in the table."""
    assert isinstance(store, SqlStore)
    fork = list(store.read(stream(FORK)))
    log = Watched(*store._writing(), seals=True)
    log.watch(lambda: list(store.read(stream(FORK))) == fork and store.verify().fault is None)
    slow = Archiver(store._reader, log, FakeClock(), segment_bytes=1 << 20, batch_rows=5)
    with pytest.raises(Interrupted):
        slow.archive(slow.wanted("archive", NOW, (), ()))
    left = "SELECT count(*) FROM timescape.commits WHERE stream = '{}'"
    ((count,),) = postgres.sql(left.format(stream(FORK)), url)
    assert 0 < int(str(count)) < 3
    store.redact(stream(FORK), 300, ["/item"], by="ann", reason="")
    store.archive(older_than=NOW)

    assert log.seen == [True] * 2
    assert postgres.sql("SELECT unloaded FROM timescape.segments", url) == [(1,)]
    assert (store.verify().fault, gaps(postgres, url)) == (None, 0)
    assert next(store.read(stream(FORK), 300)).data.item == "<redacted>"


@pytest.mark.proves("AR-2")
def test_only_one_process_moves_rows_at_a_time(store: Store) -> None:
    assert isinstance(store, SqlStore)
    store.archive(streams=[stream(0)])
    with store._reader.shelf.alone():
        for act in (
            lambda: store.archive(older_than=NOW),
            lambda: store.prune(older_than=NOW, by="ann", reason=""),
            lambda: store.redact(stream(0), 1, ["/item"], by="ann", reason=""),
        ):
            with refused("store-busy"):
                act()
        store.redact(stream(3), 1, ["/item"], by="ann", reason="")


@pytest.mark.proves("AR-2", "KM-2")
@pytest.mark.parametrize("mode", ["hold", "join"])
def test_what_a_killed_process_left_goes_when_the_log_is_held(
    store: Store, url: str, folder: Path, mode: Opening
) -> None:
    """A redaction may have left the segment with the values."""
    (file,) = store.archive(older_than=NOW).files
    store.close()
    for name in ("000002.tmp", "000001-0123456789ab.db", "notes.txt"):
        (folder / name).write_bytes(b"values")
    opened(url, mode, folder).close()

    assert sorted(each.name for each in folder.iterdir()) == [Path(file).name, "notes.txt", "owner"]


@pytest.mark.proves("AR-2")
def test_two_databases_never_share_a_folder(store: Store, postgres: Server, folder: Path) -> None:
    """Else one would sweep out what the other one archived."""
    (file,) = store.archive(older_than=NOW).files
    with opened(postgres.upgraded(), "hold", folder) as other:
        with refused("segments-folder-taken") as refusal:
            other.archive(older_than=NOW)
        assert str(folder / "owner") in refusal.error.remedy
    assert Path(file).exists()


@pytest.mark.proves("AR-1", "SO-1")
def test_a_node_knows_what_another_one_moved(postgres: Server, url: str, folder: Path) -> None:
    """Each remembers the heads of streams that it wrote."""
    with (
        opened(url, "join", folder) as holder,
        opened(url, "join", folder, seed=1 << 30) as node,
    ):
        for n in range(3):
            node.append(stream(n), several(2), kind="order", expected=NEW, close=True).result()
        holder.seal()
        assert holder.prune(streams=[stream(0)], by="ann", reason="").streams == 1
        assert holder.archive(streams=[stream(1)]).streams == 1
        again = node.append(stream(0), [placed()], kind="order", expected=NEW).result()
        with refused("stream-closed"):
            node.append(stream(1), [placed()], kind="order", expected=ANY).result()

        assert again.first == 1
        assert (node.verify().fault, gaps(postgres, url)) == (None, 0)


@pytest.mark.proves("CH-6")
def test_what_is_redacted_by_two_at_once_is_redacted_by_both(store: Store, url: str) -> None:
    """Whoever looked before the other one wrote looks again."""
    assert isinstance(store, SqlStore)
    _, log = store._writing()
    assert isinstance(log, PostgresLog)
    take, others = log._take_log, [1]

    with opened(url, "guest", seed=1 << 20) as guest:

        def overtaken(connection: sa.Connection) -> None:
            if others.pop():
                others.append(0)
                connection.exec_driver_sql("ROLLBACK")
                guest.redact(stream(OPEN), 1, ["/item"], by="bob", reason="")
                connection.exec_driver_sql("BEGIN")
            else:
                others.append(0)
            take(connection)

        store.redact(stream(3), 1, ["/item"], by="ann", reason="")  # its type has a name now
        log._take_log = overtaken  # type: ignore[method-assign]
        store.redact(stream(OPEN), 2, ["/item"], by="ann", reason="")
    items = [event.data.item for event in store.read(stream(OPEN))]

    assert items == ["<redacted>"] * 2
    assert store.verify().fault is None


# --- processes that die ---

_DYING = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from eventstore.sql.archiving import Archiver
from eventstore.sql.locked import Locked
from eventstore.sql.points import EVENT
from eventstore.testing import FakeClock
from tests.eventstore.test_postgres_archive import opened

url, folder, point = sys.argv[1:]

def die(event, arguments):
    if event == EVENT and arguments == (point,):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
store = opened(url, "guest", Path(folder), seed=1 << 20)
log = Locked(*store._writing(), seals=False)
archiver = Archiver(store._reader, log, FakeClock(), batch_rows=5)
archiver.archive(archiver.wanted("archive", timedelta(days=-1), (), ()))
"""


@pytest.mark.proves("AR-2", "KM-4", "KM-7")
@pytest.mark.parametrize("point", ["segment.after", "unload.after"])
def test_a_process_killed_while_it_archives_loses_nothing(
    store: Store, postgres: Server, url: str, folder: Path, point: str
) -> None:
    streams = [stream(n) for n in NUMBERS]
    before = [list(store.read(each)) for each in streams]
    store.seal()
    program = [warm.python(), "-c", _DYING, url, str(folder), point]
    died = subprocess.run(program, check=False, timeout=60, cwd=ROOT)
    assert died.returncode == -signal.SIGKILL
    half = postgres.sql("SELECT unloaded FROM timescape.segments", url)
    assert [list(store.read(each)) for each in streams] == before
    (folder / "000002.tmp").touch()
    store.append(stream(OPEN), [placed(9)], kind="order", expected=ANY).result()
    done = store.archive(older_than=NOW)

    assert half == [(0,)]
    assert done.streams == 0
    assert postgres.sql("SELECT unloaded FROM timescape.segments", url) == [(1,)]
    assert sorted(each.suffix for each in folder.iterdir()) == ["", ".db"]
    assert (store.verify().fault, gaps(postgres, url)) == (None, 0)


# --- months that are over ---


def of_month(month: int, number: int) -> StreamId:
    at = int(datetime(2026, month, 5, tzinfo=UTC).timestamp() * 1_000)
    return StreamId(uuid7(at, number.to_bytes(10, "big")))


@pytest.mark.proves("AR-3", "TB-5")
def test_a_month_that_all_streams_left_is_dropped(postgres: Server, folder: Path) -> None:
    """Not one that a fork elsewhere goes on from, nor one with rows, nor this month."""
    url = postgres.upgraded()
    engine = connections.writer_engine(addresses.parse(url))
    with engine.connect() as connection:
        times = {int.from_bytes(of_month(month, 0).bytes[:6], "big") for month in (3, 4, 5)}
        partitions.make_for(connection, times)
        made = set(partitions.attached(connection))
    with opened(url, "hold", folder) as store:
        for month in (3, 4, 5):
            store.append(
                of_month(month, 1), several(2), kind="order", expected=NEW, close=month != 5
            ).result()
        store.archive(streams=[of_month(4, 1)])
        parent = (of_month(4, 1), Revision(1))
        store.append(stream(1), [placed()], kind="order", expected=NEW, parent=parent).result()
        with engine.connect() as connection:
            first = made - set(partitions.attached(connection))
            partitions.make_for(connection, times)
        store.archive(older_than=NOW)
        with engine.connect() as connection:
            dropped = made - set(partitions.attached(connection))
        assert [event.revision for event in store.read(of_month(3, 1))] == [1, 2]
        assert store.verify().fault is None

    assert {"commits_2026_03", "commits_2026_04", "commits_2026_05"} <= made
    assert (first, dropped) == ({"commits_2026_04"}, {"commits_2026_03"})


# --- exports ---


def brought(file: Path, url: str, seed: int = 1 << 40) -> Imported:
    return import_(file, url, registry=registry(), clock=FakeClock(), ids=FakeIds(seed))


@pytest.fixture
def whole(store: Store, tmp_path: Path) -> Path:
    """Of a log with a redacted value and streams that are archived and dropped."""
    store.seal()
    store.redact(stream(3), 1, ["/item"], by="ann", reason="")
    store.prune(streams=[stream(8)], by="ann", reason="")
    store.archive(streams=[stream(1), stream(FORK)])
    store.export(str(tmp_path / "whole.tsx"))
    return tmp_path / "whole.tsx"


@pytest.mark.proves("AR-4", "LG-4", "TB-4")
def test_an_export_is_the_same_log_in_either_database(
    store: Store, whole: Path, postgres: Server, tmp_path: Path
) -> None:
    """From a database into a file, and from there into another database."""
    end = store.end()
    file, other = f"sqlite:///{tmp_path}/store.db", postgres.upgraded()
    assert verify_export(whole).fault is None
    done = brought(whole, file)
    with in_file(tmp_path / "store.db", "read") as after:
        assert (told(after), after.verify().fault) == (told(store), None)
        assert after.cursor_at(end) == store.cursor_at()
    back = brought(whole, other)
    with opened(other, "hold") as after:
        assert (told(after), after.verify().fault) == (told(store), None)
        assert after.cursor_at(end) == store.cursor_at()
        assert facts_of(after, "maintenance.restored")[-1]["position"] == end
        after.append(stream(OPEN), [placed(9)], kind="order", expected=2).result()
    assert (done.restored, back) == (True, done)
    assert gaps(postgres, other) == 0
    uids = [postgres.sql("SELECT uid, epoch > 1 FROM timescape.log", each) for each in (other,)]
    assert uids == [[(store.cursor_at().marks.popitem()[0], True)]]  # type: ignore[attr-defined]


@pytest.mark.proves("AR-4")
@pytest.mark.parametrize("beside", [False, True])
def test_twice_adds_nothing(whole: Path, postgres: Server, beside: bool) -> None:  # noqa: FBT001
    """Into an empty database, or what a server writes: names and positions are its own there."""
    other = postgres.upgraded()
    holder = opened(other) if beside else None
    if holder is not None:
        site = placed(1, site="cart.py:1")
        holder.append(stream(70), [site], kind="order", expected=NEW).result()
    first = brought(whole, other)
    again = brought(whole, other, 1 << 41)
    if holder is not None:
        holder.append(stream(70), several(2), kind="order", expected=1).result()
        assert holder.verify().fault is None
        assert holder.head(stream(FORK)).revision == 602
        holder.close()

    assert (first.restored, first.streams > 9) == (not beside, True)
    assert (again.streams, again.rows, again.position, again.restored) == (0, 0, 0, False)
    assert gaps(postgres, other) == 0


@pytest.mark.proves("AR-4")
def test_other_bytes_are_a_conflict_and_nothing_is_done(whole: Path, postgres: Server) -> None:
    other = postgres.upgraded()
    with opened(other) as holder:
        holder.append(stream(1), several(2, 7), kind="order", expected=NEW).result()
        end = holder.end()
        with refused("import-conflict"):
            brought(whole, other)
        assert facts_of(holder, "maintenance.imported") == []
        assert holder.read_log(after=end, kinds=["order"]) == []


@pytest.mark.proves("PG-1", "AR-4", "TB-5")
def test_very_many_rows_come_in_by_chunks(postgres: Server, tmp_path: Path) -> None:
    """More than one COPY's, into the partitions of their months."""
    with in_file(tmp_path / "store.db", durability="volatile", seal_key=KEY) as source:
        tickets = [
            source.append(of_month(3, n), [placed(n)], kind="order", expected=NEW)
            for n in range(bulk.CHUNK_ROWS + 200)
        ]
        tickets[-1].result()
        source.export(str(tmp_path / "whole.tsx"))
    url, beside = postgres.upgraded(), postgres.upgraded()
    with opened(beside) as holder:
        holder.append(stream(70), [placed()], kind="order", expected=NEW).result()
    for each in (url, beside):
        brought(tmp_path / "whole.tsx", each)
        with opened(each, "read") as store:
            assert (store.count_streams("order"), store.verify().fault) == (
                len(tickets) + (each == beside), None,
            )  # fmt: skip
    ((rows,),) = postgres.sql("SELECT count(*) FROM timescape.commits_2026_03", url)
    assert rows == len(tickets)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ROWS = st.tuples(
    st.integers(0, 2**40), st.integers(0, 2**20), TEXT, st.integers(0, 9),
    st.none() | st.binary(max_size=40),
)  # fmt: skip


@pytest.fixture(scope="module")
def names(postgres: Server) -> Iterator[sa.Connection]:
    engine = connections.writer_engine(addresses.parse(postgres.upgraded()))
    with closing(engine.connect()) as connection:
        yield connection


@pytest.mark.proves("PG-1")
@given(rows=st.lists(ROWS, max_size=8, unique_by=lambda row: row[0]))
def test_what_is_copied_is_what_is_read(names: sa.Connection, rows: list[Any]) -> None:
    found = {(row[1], row[2], row[3]): row for row in rows}
    names.exec_driver_sql("BEGIN")
    bulk.copy(names, "names", found.values())
    read = names.exec_driver_sql("SELECT id, kind, name, version, fingerprint FROM names").all()
    names.exec_driver_sql("ROLLBACK")

    assert sorted(map(tuple, read)) == sorted(found.values())

"""An export verifies by itself, and gives the store back that it came from."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import ANY, NEW, EventStoreError, Imported, Kind, NewEvent, Revision, Store
from eventstore.audit_paths import Tree, root_by
from eventstore.codec import Registry
from eventstore.seals import root_of
from eventstore.sql import exports, import_, open_store, verify_export
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
from tests.eventstore.altered import opened, past_the_guards
from tests.eventstore.test_archive import FORK, NUMBERS, OPEN, everywhere, fill, gaps

COLUMNS = (
    "pos, epoch, stream, revision, n, kind, flags, at_us, commit_id, data, salt, digest, chain"
)


def brought(file: Path, path: Path, ids: int = 1 << 40, kinds: Registry | None = None) -> Imported:
    return import_(
        file, f"sqlite:///{path}", registry=kinds or registry(), clock=FakeClock(),
        ids=FakeIds(ids),
    )  # fmt: skip


def raw_rows(path: Path, last: int = 1 << 60) -> list[Any]:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(
            f"SELECT {COLUMNS} FROM commits WHERE pos <= ? ORDER BY pos",  # noqa: S608
            (last,),
        ).fetchall()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of several seals, with a redacted value and streams that are archived and dropped."""
    path = tmp_path_factory.mktemp("source") / "store.db"
    with opened(path) as store:
        fill(store)
        store.seal()
        store.redact(stream(3), 1, ["/item"], by="ann", reason="")
        store.prune(streams=[stream(8)], by="ann", reason="")
        store.archive(streams=[stream(1), stream(FORK)])
        store.append(
            stream(60), [placed(9, site="shop.py:9")], kind="order", expected=NEW,
            parent=(stream(FORK), Revision(400)), commit_id=b"c" * 16,
        ).result()  # fmt: skip
        note = NewEvent("order.noted", {"a": 1})
        store.append(stream(61), [note], kind="order", expected=NEW).result()
        store.export(str(path.with_name("whole.tsx")))
        store.export(str(path.with_name("part.tsx")), streams=[stream(60), stream(3)])
    return path


@pytest.fixture
def whole(source: Path) -> Path:
    return source.with_name("whole.tsx")


@pytest.fixture
def part(source: Path) -> Path:
    return source.with_name("part.tsx")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new.db"


def told(store: Store) -> list[Any]:
    streams = [stream(n) for n in (*NUMBERS, 60, 61)]
    return [
        [list(store.read(each)) for each in streams],
        [store.head(each) for each in streams],
        [store.forks_of(each) for each in streams],
        [store.fold(CountingReducer(), each) for each in streams],
        store.read_log(limit=1_000, kinds=["order"]),
    ]


@pytest.mark.proves("AR-4", "LG-4")
def test_an_empty_store_becomes_the_one_that_was_exported(
    source: Path, whole: Path, new: Path
) -> None:
    """The same id, rows, chain, positions and answers; only the epoch goes on."""
    done = brought(whole, new)
    with opened(source, "read") as before, opened(new, "read") as after:
        end = before.end()
        assert told(after) == told(before)
        assert after.cursor_at(end) == before.cursor_at()
        log = after.read_log(after=end, kinds=["log"])
        assert log[-1].events[-1].type == "maintenance.restored"
        assert (after.verify().fault, after.verify().seals) == (None, before.verify().seals)
        archived = {row[0]: row for row in raw_rows(new, end)}
    assert {row[0]: row for row in raw_rows(source)}.items() <= archived.items()
    assert (done.restored, done.position, gaps(new)) == (True, end + 2, 0)
    with closing(sqlite3.connect(new)) as raw, closing(sqlite3.connect(source)) as old:
        asked = "SELECT uid, epoch FROM log"
        (uid, epoch), (old_uid, old_epoch) = [c.execute(asked).fetchone() for c in (raw, old)]
    assert (uid, epoch) == (old_uid, old_epoch + 1)


@pytest.mark.proves("AR-4")
def test_a_store_that_came_from_an_export_goes_on(whole: Path, new: Path) -> None:
    brought(whole, new)
    with opened(new, durability="volatile") as store:
        store.append(stream(OPEN), several(2, 50), kind="order", expected=2).result()
        store.append(
            stream(60), [placed(9, site="shop.py:9")], kind="order", expected=NEW,
            parent=(stream(FORK), Revision(400)), commit_id=b"c" * 16,
        ).result()  # fmt: skip
        assert store.verify().fault is None
        assert [event.data.quantity for event in store.read(stream(OPEN))] == [1, 2, 50, 51]
        assert store.head(stream(60)).revision == 401


@pytest.mark.proves("AR-4")
@pytest.mark.parametrize("kind", ["whole", "part"])
def test_twice_adds_nothing(source: Path, new: Path, kind: str) -> None:
    file = source.with_name(f"{kind}.tsx")
    brought(file, new)
    with opened(new, "read") as store:
        before = store.read_log(kinds=["order"], limit=1_000)
    again = brought(file, new, 1 << 41)
    with opened(new, "read") as store:
        assert store.read_log(kinds=["order"], limit=1_000) == before
    assert (again.streams, again.rows, again.position, again.restored) == (0, 0, 0, False)
    assert again.known > 0


@pytest.mark.proves("AR-4", "FK-1")
def test_streams_are_appended_to_a_store_that_has_others(
    source: Path, part: Path, new: Path
) -> None:
    """With what they go on from, under numbers and positions of their own."""
    with opened(new) as store:
        site = placed(1, site="cart.py:1")
        store.append(stream(70), [site], kind="order", expected=NEW).result()
    done = brought(part, new)
    with opened(source, "read") as before, opened(new, "read") as after:
        for n in (3, 60, 1, FORK):
            assert _plain(after, n) == _plain(before, n)
        assert (after.head(stream(0)).revision, after.head(stream(70)).revision) == (0, 1)
        assert after.forks_of(stream(FORK)) == [stream(60)]
        fact = after.read_log(kinds=["log"], limit=100)[-1].events[-1]
        assert (fact.type, fact.position) == ("maintenance.imported", done.position)
        assert fact.data.data["streams"] == done.streams == 4
        assert after.verify().fault is None
        assert all(after.verify_stream(stream(n)).fault is None for n in (3, 60, 70))


def _plain(store: Store, n: int) -> list[object]:
    return [(e.revision, e.type, e.data, e.key, e.at_us, e.site) for e in store.read(stream(n))]


@pytest.mark.proves("AR-4")
@pytest.mark.parametrize("held", [False, True])
def test_a_stream_goes_on_where_the_file_has_more(source: Path, new: Path, held: bool) -> None:  # noqa: FBT001
    """Beside a server that holds the store, too."""
    with opened(new) as store:
        store.append(stream(OPEN), several(2), kind="order", expected=NEW, commit_id=b"o" * 16)
    with opened(new.with_name("other.db")) as store:
        store.append(stream(OPEN), several(2), kind="order", expected=NEW, commit_id=b"o" * 16)
        store.append(stream(OPEN), several(600, 3), kind="order", expected=2, close=True).result()
        store.export(str(new.with_name("more.tsx")), streams=[stream(OPEN)])
    holder = opened(new) if held else None
    done = brought(new.with_name("more.tsx"), new)
    if holder is not None:
        holder.append(stream(71), [placed()], kind="order", expected=NEW).result()
        with refused("stream-closed"):
            holder.append(stream(OPEN), [placed()], kind="order", expected=ANY).result()
        holder.close()
    with opened(new, "read") as store:
        head = store.head(stream(OPEN))
        assert (head.revision, head.closed, store.verify().fault) == (602, True, None)
    assert (done.streams, done.events, done.rows) == (1, 600, 3)


@pytest.mark.proves("AR-4")
def test_other_bytes_are_a_conflict_and_nothing_is_done(part: Path, new: Path) -> None:
    with opened(new) as store:
        store.append(stream(1), several(2, 7), kind="order", expected=NEW).result()
    before = raw_rows(new)
    with refused("import-conflict") as refusal:
        brought(part, new)
    assert refusal.error.fields["stream"] == stream(1)
    with opened(new, "read") as store:
        assert store.verify().fault is None
        assert [row.stream for row in store.read_log(kinds=["order"])] == [stream(1)]
    assert raw_rows(new)[: len(before)] == before


@pytest.mark.proves("AR-4")
def test_kinds_must_be_the_same(part: Path, new: Path) -> None:
    other = Registry(kinds=[Kind(2, "orders"), Kind(3, "ledger"), Kind(4, "short")])
    other.register("order.placed", Placed)
    open_store(f"sqlite:///{new}", registry=other, clock=FakeClock(), ids=FakeIds()).close()
    with refused("import-conflict"):
        brought(part, new, kinds=other)
    with refused("unknown-kind"):
        brought(part, new.with_name("b.db"), kinds=Registry())
    assert not any(row[5] == 2 for row in raw_rows(new))


@pytest.mark.proves("AR-4", "CH-5")
@pytest.mark.parametrize("kind", ["whole", "part"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE commits SET data = replace(data, 'tea', 'gin') WHERE stream = :stream",
        "UPDATE commits SET at_us = at_us + 1 WHERE stream = :stream",
        "UPDATE commits SET chain = zeroblob(32) WHERE stream = :stream",
        "UPDATE names SET name = 'order.lost' WHERE name = 'order.placed'",
        "UPDATE seals SET signature = zeroblob(64) WHERE first_pos = 1",
        "UPDATE seals SET marks = zeroblob(length(marks)) WHERE first_pos = 1",
        "DELETE FROM commits WHERE stream = :stream AND revision < 100",
        "UPDATE proofs SET path = zeroblob(length(path)); DELETE FROM tombstones",
        "UPDATE proofs SET previous = zeroblob(32); DELETE FROM tombstones",
    ],
)
def test_an_altered_export_is_found_and_not_imported(
    source: Path, tmp_path: Path, kind: str, statement: str
) -> None:
    file = tmp_path / "altered.tsx"
    file.write_bytes(source.with_name(f"{kind}.tsx").read_bytes())
    with past_the_guards(file) as connection:
        for each in statement.split("; "):
            values = {"stream": stream(FORK).hex} if ":stream" in each else {}
            connection.execute(each, values)

    assert verify_export(file).fault is not None
    with refused("export-broken"):
        brought(file, tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


@pytest.mark.proves("AR-4", "CH-2")
def test_both_kinds_verify_without_the_store(source: Path, whole: Path, part: Path) -> None:
    with opened(source, "read") as store:
        verdict = store.verify()
    for file in (whole, part):
        said = verify_export(file)
        assert (said.fault, said.key) == (None, verdict.key)
        assert said.sealed_to >= said.verified_to
        assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.proves("AR-4")
def test_an_export_is_read_with_sqlite3(part: Path) -> None:
    with closing(sqlite3.connect(part)) as raw:
        found = raw.execute("SELECT DISTINCT kind FROM events ORDER BY 1").fetchall()
        (items,) = raw.execute(
            "SELECT group_concat(data ->> 'item') FROM events WHERE stream = ?", (stream(3).hex,)
        ).fetchone()

    assert found == [("log",), ("order",)]
    assert items == '{"$redacted":true}'


@pytest.mark.proves("AR-4", "AD-17")
def test_what_was_taken_out_or_dropped_is_not_in_it(tmp_path: Path) -> None:
    canary = "canary-4111"
    path = tmp_path / "store.db"
    with opened(path) as store:
        for n in (1, 2):
            event = NewEvent("order.noted", {"card": canary}, at_us=1)
            store.append(stream(n), [event], kind="order", expected=NEW, close=True).result()
        store.redact(stream(1), 1, ["/card"], by="ann", reason="")
        store.prune(streams=[stream(2)], by="ann", reason="")
        done = store.export(str(tmp_path / "out.tsx"))
    assert done.redacted == 1
    brought(tmp_path / "out.tsx", tmp_path / "new.db")

    assert everywhere(tmp_path, canary) == []


@pytest.mark.proves("AR-4")
def test_what_cannot_be_exported_leaves_no_file(source: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_bytes(b"x")
    with opened(source, "read") as store:
        with refused("file-exists"):
            store.export(str(there))
        with refused("no-such-stream"):
            store.export(str(tmp_path / "none.tsx"), streams=[stream(99)])
        with refused("read-only"):
            store.export(str(tmp_path / "no" / "folder"))
    assert (there.read_bytes(), list(tmp_path.iterdir())) == (b"x", [there])


@pytest.mark.proves("AR-4")
def test_a_file_of_something_else_is_no_export(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"SQLite format 3\0" + bytes(100))
    for file in (source, other, tmp_path / "none"):
        with refused("not-an-export"):
            brought(file, tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


@pytest.mark.proves("AR-4", "CH-2")
@pytest.mark.parametrize("column", ["stream", "data", "n", "revision", "chain", "began_us"])
def test_an_export_whose_tables_allow_anything_is_at_fault(
    whole: Path, tmp_path: Path, column: str
) -> None:
    """Who makes a file by hand may leave out what the tables demand."""
    file = tmp_path / "loose.tsx"
    file.write_bytes(whole.read_bytes())
    with past_the_guards(file) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'commits'"
        )
    with past_the_guards(file) as connection:
        connection.execute(f"UPDATE commits SET {column} = NULL WHERE pos = 1")  # noqa: S608

    try:
        verdict = verify_export(file)
    except EventStoreError as error:
        assert error.code == "store-damaged"  # noqa: PT017 - either will do
    else:
        assert verdict.fault is not None


@pytest.mark.proves("AR-4")
def test_an_export_whose_tables_are_no_text_is_damaged(whole: Path, tmp_path: Path) -> None:
    file = tmp_path / "damaged.tsx"
    file.write_bytes(whole.read_bytes().replace(b"only INTEGER PRIM", b"only INTEGER PRI\xf2"))

    with refused("store-damaged"):
        verify_export(file)


@pytest.mark.proves("AD-17")
def test_a_link_in_the_place_of_an_export_is_not_followed(tmp_path: Path) -> None:
    theirs, file = tmp_path / "theirs", tmp_path / "a.tsx"
    theirs.write_bytes(b"theirs")
    file.symlink_to(theirs)

    with pytest.raises(FileExistsError):
        exports.make(file, whole=True)
    assert theirs.read_bytes() == b"theirs"


# --- laws ---


@pytest.fixture(scope="module")
def shared(source: Path) -> Iterator[Store]:
    with opened(source, "read") as store:
        yield store


@pytest.mark.proves("AR-4", "CH-2")
@given(st.integers(1, 70), st.data())
def test_a_path_leads_from_each_row_to_the_root_and_no_other(
    size: int, data: st.DataObject
) -> None:
    chains = [n.to_bytes(32, "big") for n in range(size)]
    tree = Tree(chains)
    index = data.draw(st.integers(0, size - 1))
    path = tree.path(index)

    assert tree.root == root_of(chains)
    assert root_by(chains[index], index, size, path) == tree.root
    other = data.draw(st.integers(0, size + 1).filter(lambda n: n != index))
    assert root_by(chains[index], other, size, path) != tree.root
    assert root_by(b"\1" * 32, index, size, path) != tree.root
    assert root_by(chains[index], index, size, path + bytes(32)) is None
    assert root_by(chains[index], index, size, path[:-1]) is None or not path


@pytest.mark.proves("AR-4", "CH-5")
@given(st.sets(st.sampled_from((0, 2, 3, FORK, 60, 61)), min_size=1, max_size=3))
def test_any_streams_verify_by_themselves_and_arrive_whole(
    source: Path, shared: Store, numbers: set[int]
) -> None:
    """`export` itself verifies what it wrote before it has its name."""
    inherited = {60: {60, FORK, 1}, FORK: {FORK, 1}}
    there = set().union(*(inherited.get(n, {n}) for n in numbers))
    file = source.with_name("-".join(map(str, sorted(numbers))))
    if not file.exists():  # the same streams of the same log are the same file
        done = shared.export(str(file), streams=[stream(n) for n in sorted(numbers)])
        assert done.streams == len(there)
    with closing(sqlite3.connect(file)) as raw:
        found = raw.execute("SELECT DISTINCT stream FROM commits WHERE kind = 2").fetchall()
    assert {text for (text,) in found} == {stream(n).hex for n in there}

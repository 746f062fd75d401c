"""Whatever is altered in a store is found, and the first bad row is named."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import EventStoreError
from eventstore.seals import Seal
from eventstore.sql import Mode, open_store
from eventstore.testing import FakeClock, FakeIds, placed, registry, stream
from tests.eventstore.altered import (
    COLUMNS,
    copied,
    filled,
    opened,
    past_the_guards,
    put,
    rechain,
    rows,
    value_of,
    verdict,
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "store.db"
    filled(path)
    return path


@pytest.fixture
def store(original: Path, tmp_path: Path) -> Path:
    return copied(original, tmp_path / "store.db")


def other(value: Any, data: st.DataObject) -> Any:
    """Draw a value that differs in one byte, or another number."""
    if isinstance(value, int):
        return value + data.draw(st.integers(-300, 300).filter(bool))
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    return bytes(raw)


@pytest.mark.proves("CH-1", "CH-5")
@given(st.data())
def test_one_altered_byte_of_a_row_is_found(
    original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = copied(original, tmp_path_factory.getbasetemp() / "row.db")
    with past_the_guards(path) as connection:
        all_rows = rows(connection)
        row = data.draw(st.sampled_from(all_rows))
        column = data.draw(st.sampled_from(COLUMNS))
        found = value_of(connection, "commits", column, row.pos)
        if found is None:
            return
        drawn = other(found, data)
        if not put(connection, "commits", column, row.pos, drawn):
            return

    said = verdict(path)

    # A row that was moved back is met where it stands now.
    at = drawn if column == "pos" and 1 <= drawn < row.pos else row.pos
    assert said.fault is not None
    assert (said.position, said.verified_to) == (at, at - 1)


@pytest.mark.proves("CH-5")
@given(st.integers(1, 80), st.integers(1, 80))
def test_a_part_is_verified_with_the_seals_inside_it(original: Path, a: int, b: int) -> None:
    with closing(sqlite3.connect(original)) as connection:
        seals = connection.execute("SELECT first_pos, last_pos FROM seals").fetchall()
        stored = rows(connection)
    end = stored[-1].next_pos - 1
    first, last = min(a, b, end), min(max(a, b), end)
    with opened(original, "read") as store:
        said = store.verify(first, last)

    seen = [row for row in stored if row.next_pos > first and row.pos <= last]
    start, to = seen[0].pos, seen[-1].next_pos - 1
    assert (said.fault, said.checked, said.verified_to) == (None, len(seen), to)
    assert said.seals == sum(start <= one and other <= last for one, other in seals)


@pytest.mark.proves("CH-5")
@given(st.data())
def test_one_altered_byte_of_a_seal_is_found(
    original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = copied(original, tmp_path_factory.getbasetemp() / "seal.db")
    with past_the_guards(path) as connection:
        seals = connection.execute("SELECT last_pos, first_pos FROM seals ORDER BY 1").fetchall()
        last, first = data.draw(st.sampled_from(seals))
        column = data.draw(
            st.sampled_from(["last_pos", "first_pos", "note", "marks", "key", "signature"])
        )
        found = value_of(connection, "seals", column, last)
        if not put(connection, "seals", column, last, other(found, data)):
            return

    said = verdict(path)

    assert said.fault == "seal"
    assert said.position is not None
    # A last position that was moved to before others is met earlier.
    assert said.position <= first if column == "last_pos" else said.position == first


@pytest.mark.proves("CH-5")
@given(st.sampled_from(["uid", "epoch", "next_pos", "head"]), st.data())
def test_an_altered_log_row_is_found(
    original: Path,
    tmp_path_factory: pytest.TempPathFactory,
    column: str,
    data: st.DataObject,
) -> None:
    path = copied(original, tmp_path_factory.getbasetemp() / "log.db")
    with past_the_guards(path) as connection:
        last = rows(connection)[-1]
        put(connection, "log", column, 1, other(value_of(connection, "log", column, 1), data))

    said = verdict(path)

    assert said.fault is not None
    assert said.position in ((1,) if column == "uid" else (last.pos, last.next_pos))


@pytest.mark.proves("CH-2", "CH-5")
@given(st.data())
def test_a_rechained_stretch_is_found_at_its_first_row(
    original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Somebody alters a row and makes the whole chain fit again."""
    path = copied(original, tmp_path_factory.getbasetemp() / "chain.db")
    with past_the_guards(path) as connection:
        sealed_to = connection.execute("SELECT max(last_pos) FROM seals").fetchone()[0]
        row = data.draw(st.sampled_from([r for r in rows(connection) if r.pos <= sealed_to]))
        salt = data.draw(st.binary(min_size=16, max_size=16))
        digest = hashlib.sha256(b"\0" + salt + row.data.encode()).digest()
        connection.execute(
            "UPDATE commits SET salt = ?, digest = ? WHERE pos = ?", (salt, digest, row.pos)
        )
        rechain(connection)

    said = verdict(path)

    assert (said.fault, said.position) == ("seal", row.pos)


@pytest.mark.proves("CH-5")
@pytest.mark.parametrize(
    ("statement", "fault", "position"),
    [
        ("UPDATE commits SET data = replace(data, 'tea', 'gin') WHERE pos = 9", "payload", 9),
        ("UPDATE commits SET kind = 70000 WHERE pos = 9", "header", 9),
        ("UPDATE commits SET chain = zeroblob(32) WHERE pos = 9", "chain", 9),
        ("DELETE FROM commits WHERE pos = 9", "missing", 9),
        ("UPDATE commits SET salt = NULL WHERE pos = 9", "redaction", 9),
        ("UPDATE names SET name = 'order.lost' WHERE name = 'order.placed'", "names", 1),
        ("UPDATE log SET next_pos = 500", "truncated", None),
        ("DELETE FROM seals WHERE first_pos = 1", "seal", 1),
        ("UPDATE commits SET data = replace(data, '[', '{') WHERE pos = 9", "payload", 9),
        ("UPDATE seals SET marks = zeroblob(length(marks)) WHERE first_pos = 1", "seal", 1),
    ],
)
def test_each_fault_has_its_name(
    store: Path, statement: str, fault: str, position: int | None
) -> None:
    with past_the_guards(store) as connection:
        assert connection.execute("SELECT count(*) FROM commits WHERE pos = 9").fetchone() == (1,)
        connection.execute(statement)

    said = verdict(store)

    assert said.fault == fault
    assert position is None or said.position == position
    assert said.detail


@pytest.mark.proves("CH-5")
def test_a_row_before_the_beginning_is_found(store: Path) -> None:
    """No walk along the log meets it, but a reader of its stream would."""
    with past_the_guards(store) as connection:
        connection.execute(
            "INSERT INTO commits SELECT -9, epoch, stream, 900, n, kind, flags, began_us, at_us,"
            " commit_id, parent, parent_revision, codec, data, salt, digest, chain"
            " FROM commits WHERE pos = 9"
        )

    assert (verdict(store).fault, verdict(store).position) == ("order", -9)


def cut(path: Path, *, with_seals: bool) -> None:
    """Take the end of the log away, and make the rest fit."""
    with past_the_guards(path) as connection:
        kept = rows(connection)[:10]
        end = kept[-1].next_pos
        connection.execute("DELETE FROM commits WHERE pos >= ?", (end,))
        connection.execute(
            "UPDATE log SET next_pos = ?, head = ?, epoch = ?",
            (end, kept[-1].chain, kept[-1].epoch),
        )
        if with_seals:
            connection.execute("DELETE FROM seals WHERE last_pos >= ?", (end,))


@pytest.mark.proves("CH-5", "LG-4")
def test_a_log_that_lost_sealed_rows_is_found_and_not_written(store: Path) -> None:
    cut(store, with_seals=False)

    assert verdict(store).fault == "truncated"
    with pytest.raises(EventStoreError) as refused:
        opened(store)
    assert refused.value.code == "history-forked"


@pytest.mark.proves("CH-3")
def test_what_is_cut_off_with_its_seals_is_known_by_a_seal_kept_elsewhere(
    tmp_path: Path,
) -> None:
    """Beside the file, seals prove nothing against its owner."""
    path = tmp_path / "store.db"
    kept: list[Seal] = []
    with open_store(
        f"sqlite:///{path}", registry=registry(), clock=FakeClock(), ids=FakeIds(),
        on_seal=kept.append,
    ) as store:  # fmt: skip
        for n in range(20):
            store.append(stream(n), [placed()], kind="order", expected=0).result()
            store.seal()
    cut(path, with_seals=True)

    assert kept[-1].last_pos > verdict(path).sealed_to


@pytest.fixture
def broken_tail(store: Path) -> Path:
    with past_the_guards(store) as connection:
        last = rows(connection)[-1].pos
        connection.execute("UPDATE commits SET at_us = at_us + 1 WHERE pos = ?", (last,))
    return store


@pytest.mark.proves("CH-4")
def test_a_broken_end_opens_for_reading_only(broken_tail: Path) -> None:
    modes: tuple[Mode, ...] = ("hold", "guest")
    for mode in modes:
        with pytest.raises(EventStoreError) as refused:
            opened(broken_tail, mode)
        assert refused.value.code == "chain-broken"
    with opened(broken_tail, "read") as store:
        assert list(store.read(stream(1)))
        assert store.verify_since_seal().fault == "header"


@pytest.mark.proves("CH-4")
def test_opening_looks_at_the_last_seal(store: Path) -> None:
    with past_the_guards(store) as connection:
        connection.execute(
            "UPDATE seals SET signature = zeroblob(64)"
            " WHERE last_pos = (SELECT max(last_pos) FROM seals)"
        )
    with pytest.raises(EventStoreError) as refused:
        opened(store)
    assert refused.value.code == "chain-broken"


@pytest.mark.proves("CH-4")
def test_opening_looks_no_further_back_than_the_last_seal(store: Path) -> None:
    """It must stay quick; `verify` looks at all of it."""
    with past_the_guards(store) as connection:
        connection.execute("UPDATE commits SET at_us = at_us + 1 WHERE pos = 9")
    opened(store).close()

    assert verdict(store).position == 9


@pytest.mark.proves("CH-5")
def test_a_stream_is_verified_by_itself_and_what_ties_it(store: Path) -> None:
    with opened(store, "read") as reader:
        whole = {n: reader.verify_stream(stream(n)) for n in (1, 9)}
    with past_the_guards(store) as connection:
        connection.execute(
            "UPDATE commits SET data = replace(data, 'tea', 'gin') WHERE stream = ?"
            " AND revision = 1",
            (stream(3).hex,),
        )
    with opened(store, "read") as reader:
        said = {n: reader.verify_stream(stream(n)).fault for n in (1, 3, 9)}

    assert {n: (v.fault, v.seals) for n, v in whole.items()} == {1: (None, 3), 9: (None, 2)}
    # The fork's own row, and those of its parent before it.
    assert whole[9].checked == 2
    assert said == {1: None, 3: "payload", 9: None}


@pytest.mark.proves("CH-5")
def test_a_stream_in_a_rechained_stretch_is_not_tied(store: Path) -> None:
    with past_the_guards(store) as connection:
        connection.execute("UPDATE commits SET at_us = at_us - 1 WHERE pos = 1")
        rechain(connection)
    with opened(store, "read") as reader:
        said = reader.verify_stream(stream(3))

    assert (said.fault, said.position) == ("seal", 1)

"""What connections are set to, and that it is read back (WR-5, WR-6)."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from eventstore import EventStoreError
from eventstore.sql import connections, open_store
from eventstore.testing import FakeClock, FakeIds, registry
from tests.eventstore.sql.files import add, asked, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    opened(path).close()
    return path


def pragma(connection: sa.Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.proves("WR-5", "WR-3")
@pytest.mark.parametrize(("level", "number"), [("OFF", 0), ("NORMAL", 1), ("FULL", 2)])
def test_a_writer_has_the_settings_that_durability_needs(
    path: Path, level: connections.Level, number: int
) -> None:
    with connections.open_writer(path, level) as connection:
        assert pragma(connection, "journal_mode") == "wal"
        assert pragma(connection, "synchronous") == number
        for name, value in {
            "busy_timeout": 5000, "foreign_keys": 1, "recursive_triggers": 1, "trusted_schema": 0,
            "cell_size_check": 1, "secure_delete": 1, "mmap_size": 0, "wal_autocheckpoint": 0,
        }.items():  # fmt: skip
            assert (name, pragma(connection, name)) == (name, value)


@pytest.mark.proves("WR-5")
def test_a_setting_that_is_not_taken_is_an_error(path: Path) -> None:
    with (
        connections.open_writer(path, "FULL") as connection,
        pytest.raises(EventStoreError) as refused,
    ):
        connections.put(connection, path, "page_size", 12_345)

    assert refused.value.code == "bad-pragma"
    assert refused.value.fields["wanted"] == 12_345


@pytest.mark.proves("WR-5")
def test_a_new_file_says_whose_it_is_and_can_shrink(path: Path) -> None:
    assert asked(path, "PRAGMA application_id") == [(0x54534350,)]
    assert asked(path, "PRAGMA auto_vacuum") == [(2,)]


@pytest.mark.proves("WR-5")
def test_a_new_store_and_what_lies_beside_it_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    with opened(tmp_path / "new.db") as store:
        add(store)
        modes = {
            file.name: file.stat().st_mode & 0o077
            for file in tmp_path.iterdir()
            if file.name in {"new.db", "new.db-wal", "new.db-shm"}
        }

    assert modes == {"new.db": 0, "new.db-wal": 0, "new.db-shm": 0}


@pytest.mark.proves("WR-6")
def test_a_reader_can_neither_write_nor_checkpoint(path: Path) -> None:
    engine = connections.reader_engine(path)
    try:
        with engine.connect() as connection:
            assert pragma(connection, "query_only") == 1
            with pytest.raises(sa.exc.OperationalError) as refused:
                connection.exec_driver_sql("UPDATE log SET syncs = syncs + 1")
            assert isinstance(refused.value.orig, sqlite3.OperationalError)
    finally:
        engine.dispose()


@pytest.mark.proves("WR-7", "WR-10")
def test_closing_leaves_nothing_in_the_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        add(store, count=200)
        assert Path(f"{path}-wal").stat().st_size > 0
    wal = Path(f"{path}-wal")
    assert not wal.exists() or wal.stat().st_size == 0


@pytest.mark.proves("WR-2")
def test_a_rows_own_text_cannot_be_changed_by_plain_sql(path: Path) -> None:
    with opened(path) as store:
        add(store)
    connection = sqlite3.connect(path)
    try:
        for statement in (
            "UPDATE commits SET data = '[]'",
            "DELETE FROM commits",
            "UPDATE log SET next_pos = next_pos - 1",
            "UPDATE log SET epoch = epoch - 1",
        ):
            with pytest.raises(sqlite3.IntegrityError, match=r"append-only|backwards"):
                connection.execute(statement)
    finally:
        connection.close()


@pytest.mark.proves("WR-3", "LG-5")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"durability": "fsnyc"}, "There is no durability 'fsnyc'. Give one of: fsync, bounded,"
         " process, volatile. Did you mean 'fsync'? [bad-option]"),
        ({"mode": "write"}, "There is no mode 'write'. Give one of: hold, join, guest, read."
         " [bad-option]"),
        ({"mode": None}, "There is no mode 'None'. Give one of: hold, join, guest, read."
         " [bad-option]"),
        ({"check_keyframes": 0}, "check_keyframes is 0, and one fold in so many is checked."
         " Give 1 or more. [bad-option]"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("url", ["sqlite:///{}/new.db", "postgresql://nowhere.invalid/{}"])
def test_what_a_store_cannot_be_is_refused_before_it_is_looked_for(
    tmp_path: Path, url: str, options: dict[str, Any], told: str
) -> None:
    """A misspelt mode is no mode that nobody asked for."""
    with pytest.raises(EventStoreError) as refused:
        open_store(
            url.format(tmp_path), registry=registry(), clock=FakeClock(), ids=FakeIds(), **options
        )
    assert str(refused.value) == told
    assert list(tmp_path.iterdir()) == []

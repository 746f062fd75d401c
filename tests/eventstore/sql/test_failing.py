"""A disk that is full, and writes that fail: nothing acknowledged is lost (WR-9)."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eventstore import EventStoreError, Store
from eventstore.sql.maintaining import MaintainedLog
from eventstore.sql.store import SqlStore
from eventstore.testing import stream
from tests.eventstore.sql.files import add, altered, opened

ALTER_AT = "UPDATE commits SET data = replace(data, 'tea', 'gin') WHERE pos = ?"
ALTER_LAST = ALTER_AT.replace("?", "(SELECT max(pos) FROM commits)")


def refusal_of(store: Store, number: int) -> str | None:
    """Append 200 events; return why that was refused."""
    try:
        add(store, number, 200)
    except EventStoreError as error:
        return error.code
    return None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with opened(path) as store:
        yield store


def limit(store: Store, pages: int) -> None:
    """Let the file grow by *pages* only, as a full disk does: SQLite's own SQLITE_FULL."""
    assert isinstance(store, SqlStore)
    assert isinstance(store._log, MaintainedLog)
    connection = store._log._connection
    now = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {now + pages}").close()


@pytest.mark.proves("WR-9")
def test_a_full_disk_refuses_whole_commits_and_reading_goes_on(path: Path, store: Store) -> None:
    acknowledged = add(store, 1, 10)
    limit(store, 3)
    there, said = 1, None
    while said is None:
        there += 1
        said = refusal_of(store, there)

    assert said == "store-full"
    assert [event.revision for event in store.read(stream(1))] == list(range(1, 11))
    assert store.head(stream(there)).revision == 0
    assert store.verify().fault is None
    assert acknowledged.chain

    store.close()
    with opened(path) as again:
        assert again.head(stream(1)).revision == 10
        assert add(again, there, 200).first == 1
        assert again.verify().fault is None


@pytest.mark.proves("CH-4")
@pytest.mark.parametrize(
    "sql",
    [
        ALTER_LAST,
        "UPDATE commits SET at_us = at_us + 1 WHERE pos = (SELECT max(pos) FROM commits)",
        "DELETE FROM commits WHERE pos = (SELECT max(pos) FROM commits)",
        "UPDATE log SET head = zeroblob(32)",
    ],
    ids=["text", "time", "gone", "head"],
)
def test_a_store_whose_end_was_altered_is_not_written(path: Path, sql: str) -> None:
    with opened(path) as store:
        add(store, 1, 3)
    with altered(path) as connection:
        connection.execute(sql)

    with pytest.raises(EventStoreError) as refused:
        opened(path)
    assert refused.value.code == "chain-broken"
    with opened(path, "read") as store:
        assert store.verify().fault is not None


@pytest.mark.proves("CH-5")
def test_verify_names_the_first_altered_row(path: Path) -> None:
    with opened(path) as store:
        commits = [add(store, number, 3) for number in range(1, 301)]
    with altered(path) as connection:
        for number in (100, 200):
            at = commits[number].position
            connection.execute(ALTER_AT, (at,))

    with opened(path, "read") as store:
        verdict = store.verify()
    assert (verdict.fault, verdict.position) == ("payload", commits[100].position)
    assert verdict.stream == stream(101)
    assert verdict.verified_to == commits[100].position - 1


@pytest.mark.proves("WR-9")
def test_a_file_that_contradicts_itself_makes_nobody_wait_for_ever(
    path: Path, store: Store
) -> None:
    add(store, 1, 1)
    with closing(sqlite3.connect(path)) as other:
        # Whatever is looked up, each further row is refused as one that is there already.
        (kind,) = other.execute("SELECT kind FROM commits ORDER BY pos DESC").fetchone()
        other.execute(f"CREATE UNIQUE INDEX one ON commits (kind) WHERE kind = {kind:d}")
        other.commit()

    assert refusal_of(store, 2) in {"commit-unknown", "log-failed"}

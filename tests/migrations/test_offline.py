"""The SQL of an upgrade, for whoever runs it by hand, and the list of revisions."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from eventstore import EventStoreError, sql
from eventstore.sql.tables import REVISION, REVISIONS
from eventstore.testing import FakeClock
from tests.faces.command_line import run
from tests.migrations.old_stores import (
    OLDEST,
    catalogue,
    events_in,
    filled_store,
    move,
    old_store,
    opened,
    url,
)


def run_by_hand(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(statements)


@pytest.mark.proves("AL-1")
def test_the_sql_run_by_hand_upgrades_a_store(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.db")
    before = events_in(path)

    said = run("db", "sql", "--store", url(path))
    run_by_hand(path, said.out)

    assert said.status == 0
    assert sql.check(url(path), clock=FakeClock()).state == "current"
    assert events_in(path) == before
    with opened(path) as store:
        assert store.verify().fault is None


@pytest.mark.proves("AL-1")
def test_the_sql_for_no_store_yet_makes_all_tables(tmp_path: Path) -> None:
    written, migrated = tmp_path / "written.db", tmp_path / "migrated.db"

    run_by_hand(written, sql.sql(url(tmp_path / "none.db")))
    move(migrated, "head")

    same = [(kind, name, table) for kind, name, table, _ in catalogue(written)]
    assert same == [(kind, name, table) for kind, name, table, _ in catalogue(migrated)]
    assert list(tmp_path.glob("none.db*")) == []


@pytest.mark.proves("AL-1")
def test_a_store_that_is_up_to_date_needs_no_sql(tmp_path: Path) -> None:
    path = filled_store(tmp_path / "store.db")

    assert "CREATE" not in sql.sql(url(path))


@pytest.mark.proves("AL-1")
def test_sql_for_a_newer_store_is_refused(tmp_path: Path) -> None:
    path = filled_store(tmp_path / "store.db")
    run_by_hand(path, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(EventStoreError) as refused:
        sql.sql(url(path))

    assert refused.value.code == "schema-new"
    assert all(step.applied for step in sql.history(url(path)))


@pytest.mark.proves("AL-1")
def test_history_tells_what_the_store_has(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.db")

    said = run("db", "history", "--store", url(path), "--json")
    table = run("db", "history", "--store", url(path)).out.splitlines()

    assert said.status == 0
    assert [record["revision"] for record in said.records] == list(REVISIONS)
    assert [record["applied"] for record in said.records] == [
        revision <= OLDEST for revision in REVISIONS
    ]
    assert table[1].startswith(f"{OLDEST}      yes")
    assert table[-1].startswith(f"{REVISION}      no")

"""The steps of the tables: up, down, up, and what they make is what the program reads."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from eventstore import sql
from eventstore.sql.tables import REVISION, REVISIONS, metadata
from eventstore.testing import FakeClock
from tests.faces.command_line import run
from tests.migrations.old_stores import (
    catalogue,
    filled_store,
    move,
    move_back,
    old_store,
    structure,
    url,
)


@pytest.mark.proves("AL-5")
def test_up_down_up_gives_the_same_tables(tmp_path: Path) -> None:
    path = tmp_path / "steps.db"
    seen = []
    for revision in REVISIONS:
        move(path, revision)
        seen.append(catalogue(path))

    for revision, was in zip(REVISIONS[-2::-1], seen[-2::-1], strict=True):
        move_back(path, revision)
        assert catalogue(path) == was
    move_back(path, "base")
    assert [name for _, name, *_ in catalogue(path)] == [
        "sqlite_autoindex_alembic_version_1",
        "alembic_version",
    ]
    move(path, REVISION)
    assert catalogue(path) == seen[-1]


@pytest.mark.proves("AL-1", "TB-2")
def test_the_tables_of_the_program_are_those_that_the_migrations_make(tmp_path: Path) -> None:
    written = tmp_path / "written.db"
    engine = sa.create_engine(url(written))
    metadata.create_all(engine)
    engine.dispose()
    migrated = tmp_path / "migrated.db"
    move(migrated, "head")

    assert structure(written) == structure(migrated)
    assert set(structure(migrated)) == set(metadata.tables)
    assert all(table["strict"] for table in structure(migrated).values())  # type: ignore[index]


@pytest.mark.proves("AL-1")
def test_the_program_knows_the_revisions_that_are_there(tmp_path: Path) -> None:
    steps = sql.history(url(tmp_path / "none.db"))

    assert tuple(step.revision for step in steps) == REVISIONS
    assert not any(step.applied for step in steps)
    assert all(step.about.endswith(".") for step in steps)


DRIFTS = {
    "a dropped index": ("DROP INDEX commits_by_parent", "-index commits_by_parent"),
    "an added index": ("CREATE INDEX mine ON commits (kind)", "+index mine"),
    "a dropped trigger": ("DROP TRIGGER commits_fence", "-trigger commits_fence"),
    "a changed trigger": (
        "DROP TRIGGER commits_no_delete; CREATE TRIGGER commits_no_delete BEFORE DELETE ON commits"
        "\nWHEN 0\nBEGIN\n  SELECT RAISE(ABORT, 'append-only');\nEND",
        "+  WHEN 0",
    ),
    "a table that is not STRICT": (
        "DROP TABLE cursors; CREATE TABLE cursors (\n  name TEXT NOT NULL,\n  log TEXT NOT NULL,\n"
        "  epoch INTEGER NOT NULL,\n  position INTEGER NOT NULL,\n  chain BLOB NOT NULL,\n"
        "  UNIQUE (name, log)\n)",
        "-  ) STRICT",
    ),
    "an added column": ("ALTER TABLE log ADD COLUMN mine TEXT", "+  , mine TEXT) STRICT"),
    "a changed view": (
        "DROP VIEW events; CREATE VIEW events AS SELECT * FROM commits",
        "+  CREATE VIEW events AS SELECT * FROM commits",
    ),
}


@pytest.mark.proves("AL-3")
@pytest.mark.parametrize("drift", DRIFTS)
def test_drift_is_shown_as_a_diff(tmp_path: Path, drift: str) -> None:
    statements, expected = DRIFTS[drift]
    path = filled_store(tmp_path / "store.db")
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(statements)

    checked = sql.check(url(path), clock=FakeClock())
    said = run("db", "check", "--store", url(path))

    assert checked.state == "drifted"
    assert any(line.startswith(expected) for line in checked.drift)
    assert said.status == 1
    assert all(line in said.err for line in checked.drift)


@pytest.mark.proves("AL-1", "AL-3")
def test_a_store_that_is_as_the_migrations_make_it_has_no_drift(tmp_path: Path) -> None:
    checked = sql.check(url(filled_store(tmp_path / "store.db")), clock=FakeClock())

    assert (checked.state, checked.drift) == ("current", ())


@pytest.mark.proves("AL-1")
def test_an_upgraded_store_has_no_drift_either(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.db")

    assert sql.check(url(path), clock=FakeClock()).state == "behind"
    move(path, "head")
    assert sql.check(url(path), clock=FakeClock()).state == "current"

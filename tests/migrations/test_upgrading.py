"""Old, new and foreign files: refused with a remedy, upgraded, or left alone."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eventstore import EventStoreError, sql
from eventstore.sql.tables import REVISION
from eventstore.testing import FakeClock, FakeIds, several, stream
from tests.faces.command_line import run
from tests.migrations.old_stores import (
    OLDEST,
    catalogue,
    events_in,
    filled_store,
    old_store,
    opened,
    url,
)


def upgrade(path: Path, **options: Any) -> sql.Upgraded:
    return sql.upgrade(url(path), clock=FakeClock(), ids=FakeIds(), **options)


@pytest.mark.proves("AL-4")
@pytest.mark.parametrize("mode", ["hold", "guest", "read"])
def test_an_old_store_is_refused_with_a_remedy(tmp_path: Path, mode: str) -> None:
    path = old_store(tmp_path / "store.db")
    before = events_in(path)

    with pytest.raises(EventStoreError) as refused:
        opened(path, mode)

    assert refused.value.code == "schema-old"
    assert refused.value.remedy == "Run `timescape db upgrade`."
    assert refused.value.fields["revision"] == OLDEST
    assert events_in(path) == before


@pytest.mark.proves("AL-4", "AL-5")
def test_an_old_store_is_upgraded_and_kept_as_it_was(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.db")
    before, tables = events_in(path), catalogue(path)

    said = run("db", "upgrade", "--store", url(path))

    kept = tmp_path / f"store.db.before-{REVISION}"
    assert said.status == 0
    assert f"Upgraded from {OLDEST}." in said.err
    assert str(kept) in said.err
    assert sql.current(url(path)) == REVISION
    assert events_in(path) == before
    assert sql.current(url(kept)) == OLDEST
    assert catalogue(kept) == tables
    assert events_in(kept) == before
    with opened(path) as store:
        assert store.verify().fault is None
        store.append(stream(99), several(2), kind="order", expected=0).result()


@pytest.mark.proves("AL-5")
def test_the_kept_store_can_be_upgraded_itself(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.db")
    kept = Path(upgrade(path).backup or "")
    back = kept.rename(tmp_path / "back.db")

    assert upgrade(back).before == OLDEST
    with opened(back) as store:
        assert store.verify().fault is None


@pytest.mark.proves("AL-5")
def test_no_backup_leaves_none(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.db")

    said = run("db", "upgrade", "--no-backup", "--store", url(path), "--json")

    assert said.records[0]["backup"] is None
    assert list(tmp_path.glob("*.before-*")) == []
    assert sql.current(url(path)) == REVISION


@pytest.mark.proves("AL-5")
def test_a_store_that_is_up_to_date_is_not_copied(tmp_path: Path) -> None:
    path = filled_store(tmp_path / "store.db")

    assert upgrade(path) == sql.Upgraded(REVISION, REVISION)
    assert list(tmp_path.glob("*.before-*")) == []


@pytest.mark.proves("AL-5")
def test_what_a_killed_copy_left_is_replaced(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.db")
    kept = tmp_path / f"store.db.before-{REVISION}"
    kept.write_bytes(b"of an older upgrade")
    kept.with_name(f"{kept.name}.new").write_bytes(b"half a copy")

    upgrade(path)

    assert sql.current(url(kept)) == OLDEST
    assert list(tmp_path.glob("*.new")) == []


@pytest.mark.proves("AL-5")
def test_a_held_store_is_not_upgraded(tmp_path: Path) -> None:
    path = filled_store(tmp_path / "store.db")

    with opened(path), pytest.raises(EventStoreError) as refused:
        upgrade(path)

    assert refused.value.code == "store-held"


@pytest.mark.proves("AL-2")
def test_an_upgrade_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = old_store(tmp_path / "store.db")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE segments (mine)")  # in the way of the last tables but two
    before = catalogue(path)

    with pytest.raises(EventStoreError):
        upgrade(path)

    assert catalogue(path) == before
    assert sql.current(url(path)) == OLDEST


def all_ways(path: Path) -> list[Callable[[], object]]:
    return [
        *(partial(opened, path, mode) for mode in ("hold", "guest", "read")),
        lambda: upgrade(path),
        lambda: sql.check(url(path), clock=FakeClock()),
        lambda: sql.current(url(path)),
        lambda: sql.history(url(path)),
        lambda: sql.sql(url(path)),
    ]


def newer(path: Path) -> None:
    filled_store(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()


@pytest.mark.proves("AL-4")
def test_a_newer_store_is_refused_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    newer(path)
    before = path.read_bytes()

    ways = [*all_ways(path)[:4], all_ways(path)[-1]]
    for way in ways:
        with pytest.raises(EventStoreError) as refused:
            way()
        assert refused.value.code == "schema-new"
        assert refused.value.remedy == "Use a newer version of Timescape."

    assert sql.check(url(path), clock=FakeClock()).state == "newer"
    assert path.read_bytes() == before


NO_REVISION = ["DELETE FROM alembic_version", "INSERT INTO alembic_version VALUES ('0001')"]


@pytest.mark.proves("AL-4")
@pytest.mark.parametrize("statement", NO_REVISION)
def test_a_store_of_no_one_revision_is_left_alone(tmp_path: Path, statement: str) -> None:
    path = filled_store(tmp_path / "store.db")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(statement)
        raw.commit()
    before = path.read_bytes()

    for way in all_ways(path):
        with pytest.raises(EventStoreError) as refused:
            way()
        assert refused.value.code == "not-a-store"
    assert path.read_bytes() == before


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE commits (mine)")
        raw.commit()


def foreign_with_our_number(path: Path) -> None:
    """A file that claims to be ours, and has none of our tables."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA application_id = {0x54534350}")
        raw.execute("CREATE TABLE mine (a)")
        raw.commit()


FOREIGN: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("meeting at nine\n" * 20),
    "empty": lambda path: path.write_bytes(b""),
    "a cut header": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "another program's database": foreign_database,
    "a database with our number": foreign_with_our_number,
}


@pytest.mark.proves("AL-4")
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_refused_and_stays_as_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "other.db"
    FOREIGN[kind](path)
    before = path.read_bytes()

    for way in all_ways(path):
        with pytest.raises(EventStoreError) as refused:
            way()
        assert refused.value.code == "not-a-store"
        assert str(path) in refused.value.problem

    assert path.read_bytes() == before


@pytest.mark.proves("AL-4")
@pytest.mark.parametrize("kind", ["text", "another program's database"])
def test_nothing_is_laid_beside_a_foreign_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "other.db"
    FOREIGN[kind](path)

    for way in all_ways(path):
        with pytest.raises(EventStoreError):
            way()

    assert [each.name for each in tmp_path.iterdir()] == ["other.db"]

"""Stores as they were before the newest migration, and the structure of tables."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from eventstore import Store
from eventstore.sql import connections, migrating, open_store
from eventstore.testing import FakeClock, FakeIds, registry, several, stream

OLDEST = "0001"
STREAMS = 5


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def opened(path: Path, mode: str = "hold") -> Store:
    return open_store(
        url(path),
        mode=mode,  # type: ignore[arg-type]
        durability="volatile",
        registry=registry(),
        clock=FakeClock(),
        ids=FakeIds(1 << 50 if mode == "guest" else 0),
    )


def filled_store(path: Path) -> Path:
    """Make a store of today with some streams in it."""
    with opened(path) as store:
        for number in range(STREAMS):
            store.append(stream(number), several(3), kind="order", expected=0).result()
    return path


@contextmanager
def migrations_of(path: Path) -> Iterator[sa.Connection]:
    """Connect as an upgrade does."""
    with connections.transactional_engine(path).connect() as connection:
        yield connection


def move(path: Path, revision: str) -> None:
    """Bring the tables of *path* up to *revision*."""
    with migrations_of(path) as connection:
        command.upgrade(migrating._config("versions", {"connection": connection}), revision)


def move_back(path: Path, revision: str) -> None:
    """Bring the tables of *path* down to *revision*."""
    with migrations_of(path) as connection:
        command.downgrade(migrating._config("versions", {"connection": connection}), revision)


def old_store(path: Path, revision: str = OLDEST) -> Path:
    """Make a filled store whose tables were only ever migrated up to *revision*."""
    today = filled_store(path.with_name("today.db"))
    move(path, revision)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute(f"PRAGMA application_id = {0x54534350}")
        raw.execute("PRAGMA journal_mode = wal")
        raw.execute("ATTACH ? AS today", (str(today),))
        for table in ("names", "commits", "log"):  # log last: its triggers guard the others
            raw.execute(f"INSERT INTO main.{table} SELECT * FROM today.{table}")  # noqa: S608 - ours
    for each in path.parent.glob("today.db*"):
        each.unlink()
    return path


def catalogue(path: Path) -> list[tuple[str, ...]]:
    """Give every table, index, trigger and view as it was made."""
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(
            "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY 1, 2"
        ).fetchall()


def structure(path: Path) -> dict[str, object]:
    """Give columns, keys and indexes of every table, as SQLite itself sees them."""
    with closing(sqlite3.connect(path)) as raw:
        tables = raw.execute("PRAGMA main.table_list").fetchall()
        return {
            name: {
                "strict": strict,
                "columns": raw.execute(f"PRAGMA table_xinfo({name})").fetchall(),
                "keys": sorted(
                    (unique, origin, partial, raw.execute(f"PRAGMA index_info({index})").fetchall())
                    for _, index, unique, origin, partial in raw.execute(
                        f"PRAGMA index_list({name})"
                    ).fetchall()
                ),
            }
            for _, name, kind, _, _, strict in tables
            if kind == "table" and name not in ("sqlite_schema", "alembic_version")
        }


def events_in(path: Path) -> list[tuple[object, ...]]:
    """Give all events by the view that people read."""
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute("SELECT * FROM events ORDER BY position").fetchall()

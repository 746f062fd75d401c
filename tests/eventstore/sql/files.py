"""Stores in files, opened as programs open them, and looked at past the program."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from eventstore import ANY, Commit, Store
from eventstore.sql import Durability, Mode, open_store, upgrade
from eventstore.testing import FakeClock, FakeIds, placed, registry, stream


def new_store(path: Path, ids: FakeIds) -> Path:
    """Make a new store, as `open_store` with a fake clock and *ids* does, but at once."""
    path.write_bytes(_new_store())
    ids.uuid7(0)  # the log's own
    return path


@cache
def _new_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        upgrade(f"sqlite:///{path}", clock=FakeClock(), ids=FakeIds())
        return path.read_bytes()


def opened(path: Path, mode: Mode = "hold", durability: Durability = "process") -> Store:
    """Open the store *path*; the caller closes it."""
    # Ids of two opened stores must not be the same.
    ids = FakeIds({"hold": 0, "guest": 1 << 32, "read": 1 << 33}[mode])
    return open_store(
        f"sqlite:///{path}",
        mode=mode,
        durability=durability,
        registry=registry(),
        clock=FakeClock(),
        ids=ids,
    )


def add(store: Store, number: int = 1, count: int = 1, **options: Any) -> Commit:
    """Append *count* events to the *number*-th stream."""
    events = [placed(n) for n in range(count)]
    given: dict[str, Any] = {"kind": "order", "expected": ANY} | options
    return store.append(stream(number), events, **given).result()


@contextmanager
def altered(path: Path) -> Iterator[sqlite3.Connection]:
    """Change the file as somebody with an SQLite shell would, past all guards."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        connection.commit()


def asked(path: Path, sql: str) -> list[Any]:
    """Ask the file past the program."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()

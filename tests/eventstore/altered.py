"""A store with everything that verifying looks at, and a hand that gets past the guards."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from eventstore import ANY, NEW, Revision, Store, StreamId, Verdict
from eventstore.chain import StoredRow, chain_of, genesis
from eventstore.sql import Mode, open_store
from eventstore.testing import FakeClock, FakeIds, placed, registry, several, stream

COLUMNS = (
    "pos", "epoch", "stream", "revision", "n", "kind", "flags", "began_us", "at_us", "commit_id",
    "parent", "parent_revision", "codec", "data", "salt", "digest", "chain",
)  # fmt: skip
KEYS = {"commits": "pos", "seals": "last_pos", "log": "only"}


def opened(path: Path, mode: Mode = "hold", **options: Any) -> Store:
    return open_store(
        f"sqlite:///{path}", mode=mode, registry=registry(), clock=FakeClock(), ids=FakeIds(),
        **options,
    )  # fmt: skip


def filled(path: Path) -> None:
    """Make a store: several streams, a fork, two epochs, three seals and rows after them."""
    ids = FakeIds()
    for part in range(3):
        with open_store(
            f"sqlite:///{path}", registry=registry(), clock=FakeClock(), ids=ids
        ) as store:
            for n in range(6):
                store.append(stream(n % 4), several(n + 1), kind="order", expected=ANY).result()
            if part == 1:
                fork, parent = stream(9), (stream(1), Revision(2))
                store.append(fork, [placed()], kind="order", expected=NEW, parent=parent).result()
    with open_store(
        f"sqlite:///{path}", mode="guest", registry=registry(), clock=FakeClock(), ids=ids
    ) as guest:
        for n in range(3):
            guest.append(stream(n), several(2), kind="order", expected=ANY).result()


@contextmanager
def past_the_guards(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that may change anything, as who owns the file can."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        kept = triggers.fetchall()
        for name, _ in kept:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in kept:
            connection.execute(sql)
        connection.execute("COMMIT")


def copied(path: Path, to: Path) -> Path:
    """Copy a closed store, with its key."""
    for suffix in ("", ".seal-key"):
        shutil.copy(f"{path}{suffix}", f"{to}{suffix}")
    for suffix in ("-wal", "-shm"):
        if Path(f"{path}{suffix}").exists():
            shutil.copy(f"{path}{suffix}", f"{to}{suffix}")
        else:
            Path(f"{to}{suffix}").unlink(missing_ok=True)
    return to


def verdict(path: Path) -> Verdict:
    with opened(path, "read") as store:
        return store.verify()


def rows(connection: sqlite3.Connection) -> list[StoredRow]:
    found = []
    for columns in connection.execute("SELECT * FROM commits ORDER BY pos"):
        values = list(columns)
        values[2] = StreamId(UUID(values[2]))
        values[10] = StreamId(UUID(values[10])) if values[10] else None
        found.append(StoredRow(*values))
    return found


def value_of(connection: sqlite3.Connection, table: str, column: str, at: int) -> Any:
    """Return a value of the row of *table* that *at* names."""
    found = connection.execute(
        f"SELECT {column} FROM {table} WHERE {KEYS[table]} = ?",  # noqa: S608 - of these tests
        (at,),
    )
    return found.fetchone()[0]


def put(connection: sqlite3.Connection, table: str, column: str, at: int, value: Any) -> bool:
    """Write *value*, bytes into text columns too; say whether the database took it."""
    text = isinstance(value_of(connection, table, column, at), str)
    cast = "CAST(? AS TEXT)" if text else "?"
    try:
        connection.execute(
            f"UPDATE {table} SET {column} = {cast} WHERE {KEYS[table]} = ?",  # noqa: S608
            (value, at),
        )
    except sqlite3.IntegrityError:
        return False  # a check or a key of the table refuses it
    return True


def rechain(connection: sqlite3.Connection) -> None:
    """Make all chain values fit the rows again, as a careful forger would."""
    uid = UUID(connection.execute("SELECT uid FROM log").fetchone()[0])
    head = genesis(uid)
    for row in rows(connection):
        head = chain_of(msgspec.structs.replace(row, chain=b""), head, uid)
        connection.execute("UPDATE commits SET chain = ? WHERE pos = ?", (head, row.pos))
    connection.execute("UPDATE log SET head = ?", (head,))

"""Table `subject_keys`: the wrapped key of each person whose values are sealed (EN-1)."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from eventstore.cursors import LAST
from eventstore.identifiers import Clock, Ids
from eventstore.keyring import Keyring, WrappedKey, own_key_gone
from eventstore.sql.texts import run, run_each
from eventstore.subjects import OWN, Subjects

T = TypeVar("T")
_SELECT = "SELECT id, subject, master, wrapped, created_us FROM subject_keys"
_OTHERS_ALONE = (
    "SELECT EXISTS (SELECT 1 FROM subject_keys WHERE id <> ?)"
    " AND NOT EXISTS (SELECT 1 FROM subject_keys WHERE id = ?)"
)
_PAGE = 512
"""Numbers that one statement asks about."""


class KeyTable:
    """The table in a store, to be read by any thread. See `eventstore.subjects.KeyTable`.

    Args:
        engine: makes connections that read; disposed of with this.
        translating: turns errors of the driver into ours.
    """

    def __init__(
        self, engine: sa.Engine, translating: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._engine = engine
        self._translating = translating

    def by_id(self, number: int) -> WrappedKey | None:
        """Return the key of that number; None: there is none, or none any more."""
        return self._ask(lambda connection: by_id(connection, number))

    def of(self, subject: bytes) -> WrappedKey | None:
        """Return the first key of the subject whose hash is given."""
        found = self._ask(lambda connection: of(connection, subject))
        return found[0] if found else None

    def close(self) -> None:
        """Let go of its connections."""
        self._engine.dispose()

    def _ask(self, query: Callable[[sa.Connection], T]) -> T:
        with self._translating(), self._engine.connect() as connection:
            return query(connection)


def open_keys(
    opened: Callable[[], KeyTable], keyring: Keyring | None, clock: Clock, ids: Ids
) -> Subjects | None:
    """Open the keys of persons, where there is a keyring.

    Raises:
        EventStoreError: `wrong-master`.
    """
    if keyring is None:
        return None
    table = opened()
    subjects = Subjects(keyring, table, clock, ids)
    try:
        subjects.begin(table.by_id(OWN))
    except BaseException:
        subjects.close()
        raise
    return subjects


def by_id(connection: sa.Connection, number: int) -> WrappedKey | None:
    """Return the key of that number."""
    if not 0 <= number <= LAST:
        return None  # a number that somebody wrote, and none of ours
    row = run(connection, f"{_SELECT} WHERE id = ?", (number,)).first()
    return WrappedKey(*row) if row else None


def of(connection: sa.Connection, subject: bytes) -> list[WrappedKey]:
    """Return all keys of the subject whose hash is given, the one in use first."""
    rows = run(connection, f"{_SELECT} WHERE subject = ? ORDER BY created_us, id", (subject,))
    return [WrappedKey(*row) for row in rows]


def forgotten(connection: sa.Connection, numbers: Iterable[int]) -> frozenset[int]:
    """Return those of *numbers* that no key has."""
    asked = list(set(numbers))
    held = [number for number in asked if 0 <= number <= LAST]
    there: set[int] = set()
    for start in range(0, len(held), _PAGE):
        page = held[start : start + _PAGE]
        marks = ",".join("?" * len(page))
        rows = run(
            connection,
            f"SELECT id FROM subject_keys WHERE id IN ({marks})",  # noqa: S608 - question marks
            tuple(page),
        )
        there.update(row[0] for row in rows)
    return frozenset(asked) - there


def insert(connection: sa.Connection, keys: Sequence[WrappedKey]) -> None:
    """Put new keys in, a statement a page; one that is there already stays as it is."""
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        marks = ",".join(["(?, ?, ?, ?, ?)"] * len(page))
        values = (msgspec.structs.astuple(key) for key in page)
        run(
            connection,
            "INSERT INTO subject_keys (id, subject, master, wrapped, created_us)"  # noqa: S608
            f" VALUES {marks} ON CONFLICT (id) DO NOTHING",
            tuple(chain.from_iterable(values)),
        )


def write_pending(connection: sa.Connection, subjects: Subjects) -> None:
    """Put in the keys that *subjects* has made; the rows that need them come after."""
    keys = subjects.pending()
    insert(connection, keys)
    subjects.settled(keys)


def begin(connection: sa.Connection, subjects: Subjects) -> None:
    """Make the store's own key, unless there is one.

    Raises:
        EventStoreError: `wrong-master`: another process made it, with another keyring;
            `sealed-invalid`: there was one, for there are others.
    """
    if not subjects.has_own:
        if run(
            connection, "SELECT EXISTS (SELECT 1 FROM subject_keys WHERE id <> ?)", (OWN,)
        ).scalar():
            raise own_key_gone()
        insert(connection, [subjects.new_own()])
        subjects.begin(by_id(connection, OWN))


def delete(connection: sa.Connection, keys: Sequence[WrappedKey]) -> None:
    """Take keys out for good; within maintenance only."""
    run_each(connection, "DELETE FROM subject_keys WHERE id = ?", [(key.id,) for key in keys])


def not_wrapped_by(connection: sa.Connection, master: str, limit: int) -> list[WrappedKey]:
    """Return some keys that another master wraps."""
    rows = run(connection, f"{_SELECT} WHERE master != ? ORDER BY id LIMIT ?", (master, limit))
    return [WrappedKey(*row) for row in rows]


def count_others(connection: sa.Connection, master: str) -> int:
    """Count the keys that another master wraps."""
    found = run(connection, "SELECT count(*) FROM subject_keys WHERE master != ?", (master,))
    return int(found.scalar_one())


def update(connection: sa.Connection, keys: Sequence[WrappedKey]) -> None:
    """Write keys as they are wrapped now; within maintenance only."""
    run_each(
        connection,
        "UPDATE subject_keys SET master = ?, wrapped = ? WHERE id = ?",
        [(key.master, key.wrapped, key.id) for key in keys],
    )


def copies(path: Path, subject: bytes) -> tuple[str, ...]:
    """Return the files beside the store *path* that hold keys of the subject with that hash.

    Only files whose names begin with the store's, such as `<file>.before-0003`: others may
    be anything.
    """
    own_files = {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    beside = sorted(each for each in path.parent.glob(f"{path.name}*") if each.is_file())
    return tuple(
        str(each) for each in beside if each.name not in own_files and _holds(each, subject)
    )


def _holds(file: Path, wanted: bytes) -> bool:
    before = b""
    try:
        with file.open("rb") as opened:
            while chunk := opened.read(1 << 20):
                if wanted in before + chunk:
                    return True
                before = chunk[-len(wanted) :]
    except OSError:
        return True  # nobody can say that it does not
    return False

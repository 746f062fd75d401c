"""The log, open for writing: what one thread does to the file.

Each call of the driver beside a busy event loop has to win the interpreter's lock back,
so a flush is one statement: fence and log row are the triggers' work.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from eventstore.codec import Registry
from eventstore.drafts import Draft, Drafting, renumbered
from eventstore.errors import EventStoreError
from eventstore.names import Name, NameBook
from eventstore.seals import REKEYED
from eventstore.sql import connections, failures, inserts, shelf, subject_keys, tail
from eventstore.sql.connections import BUSY_TIMEOUT_MS, Level
from eventstore.sql.failures import CONTRADICTIONS, FencedError, NotUniqueError
from eventstore.sql.history import History
from eventstore.sql.inserts import FLUSH_ROWS
from eventstore.sql.keyframes import Write
from eventstore.sql.plan import Outcome, Parameters, Plan
from eventstore.sql.points import crash_point
from eventstore.sql.seal_keys import file_of, keys
from eventstore.sql.sealing import Sealer
from eventstore.sql.texts import run
from eventstore.sql.verifier import check_tail
from eventstore.sql.wal import Wal

LOG = logging.getLogger("eventstore")
BOUNDED_S = 0.05


class LogFile:
    """Appends drafts to one file. Not thread-safe: it belongs to the writer.

    Args:
        path: of the store.
        registry: gives the names of kinds.
        names: of the log; learns what others register.
        drafting: makes the log's own facts.
        durability: `fsync`, `bounded`, `process` or `volatile`.
        guest: whether others may append between two flushes.
        sealer: seals the log; None for a guest.
    """

    def __init__(
        self,
        path: Path,
        registry: Registry,
        names: NameBook,
        drafting: Drafting,
        *,
        durability: str,
        guest: bool,
        sealer: Sealer | None = None,
    ) -> None:
        self._path = path
        self._shelf = shelf.beside(path)
        self._history = History(self._shelf.folder)
        self._sealer = sealer
        self._subjects = drafting.subjects
        self._registry = registry
        self._names = names
        self._drafting = drafting
        self._durability = durability
        self._guest = guest
        self._synced_s = time.monotonic()
        self._wal = Wal(path)
        self._stale = False
        self._open()

    def _open(self) -> None:
        self._unsynced = False
        self._level = self._base_level = connections.LEVEL_OF[self._durability]
        self._connection = connections.open_writer(self._path, self._level)
        self._driver = connections.driver_of(self._connection)
        try:
            with failures.translating(self._path):
                check_tail(
                    self._path, self._connection, lambda: keys(file_of(self._path)), self._history
                )
                self._end_maintenance()
                self.catch_up()
        except BaseException:
            self._connection.close()
            raise

    def _end_maintenance(self) -> None:
        """Put the guards back that somebody took away by hand and forgot.

        Maintenance of ours ends in its transaction (TB-7). Beside a flag that stays the log's row
        would not move with the rows, and the next one to open the store would find them apart.
        """
        sql = "SELECT maintenance FROM log WHERE only = 1"
        if self._connection.exec_driver_sql(sql).scalar():
            LOG.warning("maintenance_left_on path=%s", self._path)
            self._connection.exec_driver_sql("UPDATE log SET maintenance = 0")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def translated(self, error: sa.exc.DBAPIError) -> EventStoreError:
        """Return our error for one of the driver's."""
        return failures.translated(failures.sqlite_error(error), self._path)

    def finish(self) -> None:
        """Bring all to the disk, for the last time."""
        if self._unsynced and self._durability != "volatile":
            self.sync()
        while self.seal():
            pass
        if not self._guest:
            self.checkpoint("TRUNCATE")

    def reopen(self) -> None:
        """Begin again after a failed write: trust nothing but the file.

        Raises:
            EventStoreError: `chain-broken`, `log-failed` and others: it cannot be used yet.
        """
        self._connection.close()
        self._open()
        if not self._guest:
            self.checkpoint("TRUNCATE")
            self.hold()

    def catch_up(self) -> None:
        """Read where the log ends, and forget what may have changed."""
        self._stale = False
        self._state = tail.read_state(self._connection)
        self._heads = tail.read_heads(self._connection)
        self._recent = tail.read_recent(self._connection, self._history)
        if tail.count_names(self._connection) != len(self._names):
            self._names.load(tail.read_names(self._connection))

    def hold(self) -> None:
        """Take the log under the next epoch: who held it before is refused from now on."""
        crash_point("hold.before")
        self._names.prepare()
        with failures.translating(self._path):
            rekeyed = self._rekeyed()
            self._set_level("FULL")
            self._connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                self._connection.exec_driver_sql("UPDATE log SET epoch = epoch + 1")
                self.catch_up()
                names = self._insert_names()
                self._insert([self._drafting.held(self._state.epoch), *rekeyed])
                self._connection.exec_driver_sql("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        self._names.load(names)
        self._note_sync()
        if self._sealer is not None:
            self._sealer.save_key()
        crash_point("hold.after")

    def flush(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Write *drafts*, each whole or not at all; return an outcome for each one taken.

        Raises:
            EventStoreError: `log-fenced`.
            sqlalchemy.exc.DBAPIError: the write failed; nobody knows whether it is there.
        """
        crash_point("guest.before" if self._guest else "flush.before")
        trusting, behind, contradicted = True, self._guest, 0
        while True:
            try:
                if behind or self._stale:
                    self._catch_up_with_others()
                if self._names.has_pending():
                    self._register_names()
                self._write_keys()
                return self._flush(drafts, trusting=trusting)
            except FencedError:
                behind = True
            except NotUniqueError:
                contradicted += 1
                if contradicted > CONTRADICTIONS:
                    raise
                behind, trusting = True, False

    def keep(self, writes: Sequence[Write]) -> None:
        """Write what is kept beside the log: a cache, so nothing waits for the disk."""
        crash_point("keyframe.before")
        self._set_level("OFF" if self._base_level == "OFF" else "NORMAL")
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            for write in writes:
                run(self._connection, write.sql, write.parameters)
            self._connection.exec_driver_sql("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        crash_point("keyframe.after")
        self._wal.flushed(write.size for write in writes)

    def begin_keys(self) -> None:
        """Make the store's own key, if it has a keyring and none yet."""
        if self._subjects is not None:
            self._set_level("FULL")
            with failures.translating(self._path):
                subject_keys.begin(self._connection, self._subjects)

    def _write_keys(self) -> None:
        if self._subjects is not None and self._subjects.has_pending():
            # No sync: in the write-ahead log a key stands before the rows that need it.
            self._set_level("OFF" if self._base_level == "OFF" else "NORMAL")
            subject_keys.write_pending(self._connection, self._subjects)
            self._note_sync()

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        self._set_level("FULL")
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.exec_driver_sql("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self._note_sync()

    def _catch_up_with_others(self) -> None:
        epoch = self._state.epoch
        self.catch_up()
        if self._state.epoch != epoch and not self._guest:
            raise failures.log_fenced(self._path, epoch, self._state.epoch)

    def _flush(self, drafts: Sequence[Draft], *, trusting: bool) -> list[Outcome]:
        plan = self._plan(trusting=trusting)
        plan.take(renumbered(drafts, self._names))
        if plan.rows:
            crash_point("flush.assigned")
            self._set_level(self._level_for(durable=plan.durable))
            self._write(plan.rows)
            crash_point("guest.after" if self._guest else "flush.after")
            self._note_sync()
            self._wal.flushed([draft.size for draft in drafts])
        elif tail.read_state(self._connection) != self._state:
            # Nothing to write, so no fence: what refuses it may be what others changed.
            raise FencedError
        self._state = plan.state
        plan.written()
        return plan.outcomes

    def _plan(self, *, trusting: bool) -> Plan:
        lookups = tail.SqlLookups(self._connection, self._history)
        return Plan(
            self._state, self._registry, self._heads, self._recent, lookups, trusting=trusting
        )

    def _write(self, rows: Sequence[Parameters]) -> None:
        if len(rows) <= FLUSH_ROWS:
            self._execute(rows)
            return
        # One commit of very many rows: they come together or not at all.
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            for start in range(0, len(rows), FLUSH_ROWS):
                self._execute(rows[start : start + FLUSH_ROWS])
            self._connection.exec_driver_sql("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _execute(self, rows: Sequence[Parameters]) -> None:
        text, parameters = inserts.of(rows)
        try:
            # Not through SQLAlchemy, and not by `execute`, which asks for the last row's id, too:
            # at each call the interpreter may be lost to a busy thread, for a whole turn of it.
            self._driver.executemany(text, (parameters,))
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                raise NotUniqueError from error
            if str(error) == "fenced":
                raise FencedError from error
            raise failures.wrapped(error, text) from error
        if self._sealer is not None:
            self._sealer.note_rows(len(rows))

    def _register_names(self) -> None:
        """Write new names and their fact, before the rows that use them."""
        with self._all_or_nothing():
            names = self._insert_names()
        self._names.load(names)

    def _insert_names(self) -> list[Name]:
        names = self._names.unregistered()
        if not names:
            return []
        self._insert([self._drafting.registered(names)])
        self._insert_into_names(names)
        return names

    def _insert_into_names(self, names: Sequence[Name]) -> None:
        try:
            self._connection.exec_driver_sql(
                "INSERT INTO names (id, kind, name, version) VALUES (?,?,?,?)",
                [(name.id, name.kind, name.name, name.version) for name in names],
            )
        except sa.exc.IntegrityError as error:
            raise NotUniqueError from error

    def _insert(self, drafts: Sequence[Draft], *, trusting: bool = True) -> None:
        plan = self._plan(trusting=trusting)
        plan.take_all(drafts)
        for start in range(0, len(plan.rows), FLUSH_ROWS):
            self._execute(plan.rows[start : start + FLUSH_ROWS])
        self._state = plan.state
        plan.written()

    def _rekeyed(self) -> list[Draft]:
        fact = self._sealer.successor(self._connection, self._state) if self._sealer else None
        return [self._drafting.maintenance(REKEYED, fact)] if fact else []

    def _roll_back(self) -> None:
        # What was planned inside is not there: the next flush must not build on it.
        self._stale = True
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")

    # --- what reaches the disk, and when ---

    def seal_due_s(self) -> float | None:
        """Return in how many seconds `seal` is due; None: never here."""
        return self._sealer.due_s() if self._sealer is not None else None

    def seal(self) -> bool:
        """Seal rows that wait for it (CH-2); say whether there are more."""
        if self._sealer is None:
            return False
        self._sealer.put_off()  # first: what fails must not be tried without end
        # No sync: a seal that a power cut takes back is made again, and none is ever
        # on the disk before its rows.
        self._set_level("OFF" if self._durability == "volatile" else "NORMAL")
        crash_point("seal.before")
        more = self._sealer.seal(self._connection, self._state)
        crash_point("seal.after")
        return more

    def sync_due_s(self) -> float | None:
        """Return in how many seconds `sync` is due (WR-4); None: it is not."""
        if self._durability != "bounded" or not self._unsynced:
            return None
        return max(self._synced_s + BOUNDED_S - time.monotonic(), 0.0)

    def sync(self) -> None:
        """Bring to the disk what was committed without waiting for it."""
        crash_point("sync.before")
        self._set_level("FULL")
        try:
            # An equal value or an empty transaction would write nothing, and sync nothing.
            self._connection.exec_driver_sql("UPDATE log SET syncs = syncs + 1")
        except sa.exc.DBAPIError as error:
            # The system drops what it could not write, and syncs the next time as if all were well.
            if self.translated(error).code == "log-failed":
                self.reopen()
            raise
        crash_point("sync.after")
        self._note_sync()

    def _level_for(self, *, durable: bool) -> Level:
        if durable:
            return "FULL"
        if self._durability == "bounded" and time.monotonic() - self._synced_s >= BOUNDED_S:
            return "FULL"
        return self._base_level

    def _set_level(self, level: Level) -> None:
        if level != self._level:
            self._connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
            self._level = level

    def _note_sync(self) -> None:
        if self._level == "FULL":
            self._synced_s = time.monotonic()
            self._unsynced = False
        else:
            self._unsynced = True

    def wants_checkpoint(self, *, idle: bool) -> bool:
        """Say whether so much waits in the write-ahead log that it should be brought over."""
        if self._guest:
            return False
        return self._wal.wants_passive() if idle else self._wal.wants_truncate()

    def checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"]) -> bool:
        """Bring the write-ahead log over into the file (WR-7); say whether all of it is."""
        crash_point("checkpoint.before")
        # A reader may be in the way: go on without waiting, and come back later.
        self._connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        result = self._connection.exec_driver_sql(f"PRAGMA wal_checkpoint({mode})").one()
        crash_point("checkpoint.after")
        self._connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        busy, frames, done = result
        self._wal.checkpointed(busy=bool(busy), frames=frames, done=done)
        return not busy

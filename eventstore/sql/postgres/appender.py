"""Rows into one log: planned in values, written by one statement, or refused as overtaken.

What a holder and a guest share, for commits and for the log's own facts; `PostgresLog` says
when which of it is done.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from eventstore.codec import Registry
from eventstore.drafts import Draft, Drafting, renumbered
from eventstore.errors import EventStoreError
from eventstore.names import Name, NameBook
from eventstore.seals import REKEYED
from eventstore.sql import failures, subject_keys, tail
from eventstore.sql.failures import CONTRADICTIONS, FencedError, NotUniqueError
from eventstore.sql.history import History
from eventstore.sql.inserts import FLUSH_ROWS
from eventstore.sql.plan import LogState, Outcome, Parameters, Plan
from eventstore.sql.postgres import statements
from eventstore.sql.postgres.failures import (
    UNIQUE_VIOLATION,
    is_lost,
    schema_missing,
    sqlstate,
)
from eventstore.sql.postgres.link import Link
from eventstore.sql.postgres.pace import Pace
from eventstore.sql.sealing import Sealer
from eventstore.sql.shelf import Shelf
from eventstore.sql.texts import LOG_ID

_NAMES = f"INSERT INTO names (log_id, id, kind, name, version) VALUES ({LOG_ID}, %s, %s, %s, %s)"
_NOWHERE = LogState(UUID(int=0), -1, 0, b"", 0)
_LOCK = f"SELECT 1 FROM log WHERE log_id = {LOG_ID} FOR UPDATE"


class Appender:
    """Writes to one log, and remembers what it wrote. Not thread-safe.

    Args:
        link: to the database, open.
        registry: gives the names of kinds.
        names: of the log; learns what others register.
        drafting: makes the log's own facts.
        shelf: of the store.
        durability: `fsync`, `bounded`, `process` or `volatile`.
        holder: what the log says of this process while it holds it; None: a guest.
        sealer: seals the log; None for a guest, and where there is no key.
    """

    def __init__(  # noqa: PLR0913 - what a process appends with, once
        self,
        link: Link,
        registry: Registry,
        names: NameBook,
        drafting: Drafting,
        shelf: Shelf,
        *,
        durability: str,
        holder: str | None,
        sealer: Sealer | None = None,
    ) -> None:
        self._link = link
        self._shelf = shelf
        self._history = History(shelf.folder)
        self._sealer = sealer
        self._registry = registry
        self._names = names
        self._drafting = drafting
        self._subjects = drafting.subjects
        self._holder = holder
        self._fenced = False
        self._unsure = False
        """Whether what is remembered of the log may be of a transaction that never was."""
        self._doubt: Plan | None = None
        """What was sent, and perhaps not received."""
        self._pace = Pace(durability, holds=holder is not None)
        self._state = _NOWHERE
        self.catch_up()

    def catch_up(self) -> None:
        """Read where the log ends, and forget what may have changed, if anything did."""
        connection, state = self._link.connection, self._read_state()
        if state == self._state and not self._unsure:  # its head is a hash over all before
            return
        self._state, self._unsure = state, False
        self._heads = tail.read_heads(connection)
        self._recent = tail.read_recent(connection, self._history)
        if tail.count_names(connection) != len(self._names):
            self._names.load(tail.read_names(connection))

    def _read_state(self) -> LogState:
        try:
            return tail.read_state(self._link.connection)
        except sa.exc.NoResultFound as error:
            raise schema_missing(self._link.place) from error

    def _take_log(self, connection: sa.Connection) -> None:
        """Have the log to oneself until the transaction ends."""
        epoch = self._state.epoch
        self._lock(connection)
        self._require_epoch(epoch)

    def _lock(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(_LOCK)
        self.catch_up()

    def _require_epoch(self, epoch: int) -> None:
        if self._holder is not None and self._state.epoch != epoch:
            raise self._fence(epoch, self._state.epoch)

    def _fence(self, epoch: int, found: int) -> EventStoreError:
        self._fenced = True
        self._pace.stop()
        return failures.log_fenced(self._link.place, epoch, found)

    def _require_current(self) -> None:
        """See to it that nothing is refused for what a guest has changed meanwhile."""
        state = self._read_state()
        if (state.epoch, state.next_pos) != (self._state.epoch, self._state.next_pos):
            raise FencedError

    # --- appending ---

    def flush(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Write *drafts*, each whole or not at all; return an outcome for each one taken.

        Alone it is one statement, a guest's as a holder's. Who finds itself overtaken reads
        what came meanwhile, chains its rows to it, and appends with the log to itself: then it
        has its turn, however busy the others are.

        Raises:
            EventStoreError: `log-fenced`.
            sqlalchemy.exc.DBAPIError: the write failed; nobody knows whether it is there.
        """
        self._doubt = None
        trusting, overtaken, contradicted = True, False, 0
        while True:
            try:
                self._link.ready()
                if overtaken and (arrived := self._catch_up_with_others()):
                    return arrived
                self._write_keys()
                if self._names.has_pending():
                    self._register_names()
                if overtaken:
                    return self._append_alone(drafts, trusting=trusting)
                return self._append(drafts, trusting=trusting)
            except FencedError:
                overtaken = True
            except NotUniqueError:
                contradicted += 1
                if contradicted > CONTRADICTIONS:
                    raise
                self._unsure = not trusting  # looked up, and taken all the same: read it anew
                overtaken, trusting = True, False
            except sa.exc.DBAPIError as error:
                self._unsure = True  # what was planned need not have come
                if not is_lost(error):
                    raise
                self._link.reconnect(error)
                overtaken = True

    def _catch_up_with_others(self) -> list[Outcome] | None:
        """Catch up; return the outcomes of what was sent before, if it arrived after all."""
        epoch = self._state.epoch
        self.catch_up()
        if arrived := self._arrived():
            return arrived
        self._require_epoch(epoch)
        return None

    def _arrived(self) -> list[Outcome] | None:
        """Return the outcomes of what was sent before, if it is there.

        Asked after the end of the log was read: what arrives later is fenced by it.
        """
        if self._doubt is not None and self._is_there(self._doubt):
            return self._written(self._doubt)
        return None

    def _append_alone(self, drafts: Sequence[Draft], *, trusting: bool) -> list[Outcome]:
        """Append with the log to ourselves, after all that others appended."""
        with self._link.transaction(durable=self._pace.is_durable(drafts)) as connection:
            epoch = self._state.epoch
            self._lock(connection)
            if arrived := self._arrived():
                return arrived
            self._require_epoch(epoch)
            return self._append(drafts, trusting=trusting)

    def _append(self, drafts: Sequence[Draft], *, trusting: bool) -> list[Outcome]:
        if self._fenced:
            raise failures.log_fenced(self._link.place, self._state.epoch, self._state.epoch)
        plan = self._plan(trusting=trusting)
        plan.take(renumbered(drafts, self._names))
        if plan.rows:
            self._doubt = plan
            durable = self._pace.is_durable(drafts)
            self._link.set_level(durable=durable)
            self._write(plan.rows)
            self._pace.note(durable=durable)
        else:
            self._require_current()
        return self._written(plan)

    def _plan(self, *, trusting: bool) -> Plan:
        lookups = tail.SqlLookups(self._link.connection, self._history)
        return Plan(
            self._state, self._registry, self._heads, self._recent, lookups, trusting=trusting
        )

    def _written(self, plan: Plan) -> list[Outcome]:
        self._state = plan.state
        plan.written()
        return plan.outcomes

    def _is_there(self, plan: Plan) -> bool:
        pos, *_, chain = plan.rows[-1]
        return tail.chain_at(self._link.connection, pos) == bytes(chain)

    def _write(self, rows: Sequence[Parameters]) -> None:
        if len(rows) <= FLUSH_ROWS or self._link.in_transaction:
            self._execute(rows)
            return
        # One commit of very many rows: they come together or not at all.
        with self._link.transaction(durable=True):
            self._execute(rows)

    def _execute(self, rows: Sequence[Parameters]) -> None:
        for start in range(0, len(rows), FLUSH_ROWS):
            part = rows[start : start + FLUSH_ROWS]
            text, parameters = statements.append(part, extend_lease=self._holder is not None)
            if self._run(text, parameters).rowcount != len(part):
                raise FencedError
        self._pace.note_extended()
        if self._sealer is not None:
            self._sealer.note_rows(len(rows))

    def _run(self, text: str, parameters: tuple[Any, ...]) -> sa.CursorResult[Any]:
        try:
            return self._link.connection.exec_driver_sql(text, parameters)
        except sa.exc.IntegrityError as error:
            if sqlstate(error) == UNIQUE_VIOLATION:
                raise NotUniqueError from error
            raise

    # --- keys of persons ---

    def begin_keys(self) -> None:
        """Make the store's own key, if it has a keyring and none yet."""
        if self._subjects is not None:
            self._link.set_level(durable=True)
            subject_keys.begin(self._link.connection, self._subjects)

    def _write_keys(self) -> None:
        if self._subjects is not None and self._subjects.has_pending():
            # No wait for the disk: a key is logged there before the rows that need it.
            self._link.set_level(durable=False)
            subject_keys.write_pending(self._link.connection, self._subjects)

    # --- the log's own facts ---

    def _register_names(self) -> None:
        """Write new names and their fact, before the rows that use them."""
        with self._link.transaction(durable=True) as connection:
            self._take_log(connection)
            names = self._insert_names()
        self._names.load(names)
        self._pace.note(durable=True)

    def _insert_names(self) -> list[Name]:
        names = self._names.unregistered()
        if names:
            self._insert([self._drafting.registered(names)])
            self._insert_into_names(names)
        return names

    def _insert_into_names(self, names: Sequence[Name]) -> None:
        for name in names:
            self._run(_NAMES, (name.id, name.kind, name.name, name.version))

    def _insert(self, drafts: Sequence[Draft]) -> None:
        plan = self._plan(trusting=True)
        plan.take_all(drafts)
        self._execute(plan.rows)
        self._written(plan)

    def _rekeyed(self, connection: sa.Connection) -> list[Draft]:
        fact = self._sealer.successor(connection, self._state) if self._sealer else None
        return [self._drafting.maintenance(REKEYED, fact)] if fact else []

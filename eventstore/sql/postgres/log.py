"""The log, open for writing: what one thread does to it, by one statement a flush.

The statement moves the row `log` on and inserts the rows, or does nothing at all: whoever
was overtaken writes nothing. A connection that is lost leaves doubt, which the log itself
settles: either the last row planned is there, with its chain value, or it can still be sent.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from eventstore.codec import Registry
from eventstore.drafts import Draft, Drafting, rewritten
from eventstore.errors import EventStoreError
from eventstore.names import Name, NameBook
from eventstore.sql import failures
from eventstore.sql.failures import FencedError, NotUniqueError
from eventstore.sql.inserts import FLUSH_ROWS
from eventstore.sql.plan import LogState, Outcome, Parameters, Plan
from eventstore.sql.postgres import lease, statements, tail
from eventstore.sql.postgres.failures import (
    UNIQUE_VIOLATION,
    is_lost,
    schema_missing,
    sqlstate,
    translated,
)
from eventstore.sql.postgres.link import Link
from eventstore.sql.postgres.pace import Pace
from eventstore.sql.postgres.tables import LOG_ID
from eventstore.sql.writer import WritableLog

_NAMES = f"INSERT INTO names (log_id, id, kind, name, version) VALUES ({LOG_ID}, %s, %s, %s, %s)"
_LOCK = f"SELECT 1 FROM log WHERE log_id = {LOG_ID} FOR UPDATE"


class PostgresLog(WritableLog):
    """Appends drafts to one log. Not thread-safe: it belongs to the writer.

    Args:
        link: to the database, open.
        registry: gives the names of kinds.
        names: of the log; learns what others register.
        drafting: makes the log's own facts.
        durability: `fsync`, `bounded`, `process` or `volatile`.
        holder: what the log says of this process while it holds it; None: a guest.
    """

    def __init__(
        self,
        link: Link,
        registry: Registry,
        names: NameBook,
        drafting: Drafting,
        *,
        durability: str,
        holder: str | None,
    ) -> None:
        self._link = link
        self._registry = registry
        self._names = names
        self._drafting = drafting
        self._holder = holder
        self._fenced = False
        self._pace = Pace(durability, holds=holder is not None)
        self._doubt: Plan | None = None
        self._state: LogState
        self.catch_up()
        tail.check_tail(link.connection, self._state, link.place)

    # --- holding ---

    def hold(self) -> bool:
        """Take the log under the next epoch; False: somebody else's lease is running."""
        assert self._holder is not None  # noqa: S101 - a guest never holds
        self._names.prepare()
        before = self._state
        try:
            with self._link.transaction(durable=True) as connection:
                if not lease.take(connection, self._holder):
                    return False
                self.catch_up()
                names = self._insert_names()
                self._insert([self._drafting.held(self._state.epoch)])
        except BaseException:
            self._state = before  # for all that is known, the epoch is still that
            raise
        self._names.load(names)
        self._pace.note(durable=True)
        return True

    def reopen(self) -> None:
        """Begin again after a failed write: trust nothing but the log.

        Raises:
            EventStoreError: `chain-broken`, `log-failed`: it cannot be used yet.
        """
        self._doubt = None
        self._link.connect()
        state = self._read_state()
        tail.check_tail(self._link.connection, state, self._link.place)
        if self._holder is None:
            self.catch_up()
        elif self._is_ours(state) and not self.hold():
            raise failures.log_failed(self._link.place)
        # Else another process took the log: the next flush finds itself fenced.

    def _is_ours(self, state: LogState) -> bool:
        """Say whether nobody else took the log; our own try may have succeeded unseen."""
        holder = lease.held(self._link.connection).holder
        return state.epoch == self._state.epoch or holder == self._holder

    def finish(self) -> None:
        """Bring all to the disk, and let others hold the log."""
        if self._link.is_lost:
            return  # the lease runs out by itself
        if self._pace.wants_sync():
            self.sync()
        if self._holder is not None and not self._fenced:
            lease.release(self._link.connection, self._state.epoch)

    def close(self) -> None:
        """Let go of the connection."""
        self._link.close()

    def translated(self, error: sa.exc.DBAPIError) -> EventStoreError:
        """Return our error for one of the driver's."""
        return translated(error, self._link.place)

    # --- what reaches the disk, and when ---

    def sync_due_s(self) -> float | None:
        """Return in how many seconds `sync` is due; None: it is not."""
        return self._pace.due_s()

    def sync(self) -> None:
        """Go on holding, and bring to the disk what was committed without waiting for it.

        Raises:
            EventStoreError: `log-fenced`.
            sqlalchemy.exc.DBAPIError: the server does not answer.
        """
        self._pace.note_extended()  # also if it fails: the next try is in a while
        if not self._extend() and self._holder is not None:
            raise self._fence(self._state.epoch, self._read_state().epoch)
        self._pace.note(durable=True)

    def _extend(self) -> bool:
        if self._link.is_lost:
            self._link.connect()
        while True:
            try:
                self._link.set_level(durable=self._pace.syncs_when_idle)
                epoch = self._state.epoch
                return lease.renew(self._link.connection, epoch, extend=self._holder is not None)
            except sa.exc.DBAPIError as error:
                if not is_lost(error):
                    raise
                self._link.reconnect(error)

    def _fence(self, epoch: int, found: int) -> EventStoreError:
        self._fenced = True
        self._pace.stop()
        return failures.log_fenced(self._link.place, epoch, found)

    def wants_checkpoint(self, *, idle: bool) -> bool:
        """Say no: the server looks after its own log."""
        return False

    def checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"]) -> object:
        """Do nothing: the server does."""

    # --- appending ---

    def catch_up(self) -> None:
        """Read where the log ends, and forget what may have changed."""
        connection = self._link.connection
        self._state = self._read_state()
        self._heads = tail.read_heads(connection)
        self._recent = tail.read_recent(connection)
        if tail.count_names(connection) != len(self._names):
            self._names.load(tail.read_names(connection))

    def _read_state(self) -> LogState:
        state = tail.read_state(self._link.connection)
        if state is None:
            raise schema_missing(self._link.place)
        return state

    def flush(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Write *drafts*, each whole or not at all; return an outcome for each one taken.

        Raises:
            EventStoreError: `log-fenced`.
            sqlalchemy.exc.DBAPIError: the write failed; nobody knows whether it is there.
        """
        self._doubt = None
        trusting, behind = True, False
        while True:
            try:
                if self._link.is_lost:
                    self._link.connect()
                if self._holder is None:
                    return self._flush_as_guest(drafts, trusting=trusting)
                if behind and (arrived := self._catch_up_with_others()):
                    return arrived
                if self._names.has_pending():
                    self._register_names()
                return self._append(drafts, trusting=trusting)
            except FencedError:
                behind = True
            except NotUniqueError:
                behind, trusting = True, False
            except sa.exc.DBAPIError as error:
                if not is_lost(error):
                    raise
                self._link.reconnect(error)
                behind = True

    def _catch_up_with_others(self) -> list[Outcome] | None:
        """Catch up; return the outcomes of what was sent before, if it arrived after all."""
        epoch = self._state.epoch
        self.catch_up()
        # Asked after the end of the log was read: what arrives later is fenced by it.
        if self._doubt is not None and self._is_there(self._doubt):
            return self._written(self._doubt)
        if self._state.epoch != epoch:
            raise self._fence(epoch, self._state.epoch)
        return None

    def _flush_as_guest(self, drafts: Sequence[Draft], *, trusting: bool) -> list[Outcome]:
        """Append with the log to ourselves; its holder, if there is one, waits meanwhile."""
        if self._names.has_pending():
            self._register_names()
        with self._link.transaction(durable=self._pace.is_durable(drafts)) as connection:
            connection.exec_driver_sql(_LOCK)
            self.catch_up()
            if self._doubt is not None and self._is_there(self._doubt):
                return self._written(self._doubt)
            return self._append(drafts, trusting=trusting)

    def _append(self, drafts: Sequence[Draft], *, trusting: bool) -> list[Outcome]:
        generation = self._names.generation
        if any(draft.generation != generation for draft in drafts):
            drafts = [self._renumbered(draft) for draft in drafts]
        plan = self._plan(trusting=trusting)
        plan.take(drafts)
        if plan.rows:
            self._doubt = plan
            durable = self._pace.is_durable(drafts)
            self._link.set_level(durable=durable)
            self._write(plan.rows)
            self._pace.note(durable=durable)
        else:
            self._require_current()
        return self._written(plan)

    def _require_current(self) -> None:
        """See to it that nothing is refused for what a guest has changed meanwhile."""
        state = self._read_state()
        if (state.epoch, state.next_pos) != (self._state.epoch, self._state.next_pos):
            raise FencedError

    def _written(self, plan: Plan) -> list[Outcome]:
        self._state = plan.state
        plan.written()
        return plan.outcomes

    def _is_there(self, plan: Plan) -> bool:
        pos, *_, chain = plan.rows[-1]
        return tail.chain_at(self._link.connection, pos) == bytes(chain)

    def _plan(self, *, trusting: bool) -> Plan:
        lookups = tail.PostgresLookups(self._link.connection)
        return Plan(
            self._state, self._registry, self._heads, self._recent, lookups, trusting=trusting
        )

    def _renumbered(self, draft: Draft) -> Draft:
        renamed = self._names.renamed
        rows = [rewritten(row.data, row.count, row.salt, renamed) for row in draft.rows]
        return msgspec.structs.replace(draft, rows=rows, generation=self._names.generation)

    def _write(self, rows: Sequence[Parameters]) -> None:
        if len(rows) <= FLUSH_ROWS or self._holder is None:
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

    def _run(self, text: str, parameters: tuple[Any, ...]) -> sa.CursorResult[Any]:
        try:
            return self._link.connection.exec_driver_sql(text, parameters)
        except sa.exc.IntegrityError as error:
            if sqlstate(error) == UNIQUE_VIOLATION:
                raise NotUniqueError from error
            raise

    # --- the log's own facts ---

    def _register_names(self) -> None:
        """Write new names and their fact, before the rows that use them."""
        with self._link.transaction(durable=True) as connection:
            if self._holder is None:
                connection.exec_driver_sql(_LOCK)
                self.catch_up()
            names = self._insert_names()
        self._names.load(names)
        self._pace.note(durable=True)

    def _insert_names(self) -> list[Name]:
        names = self._names.unregistered()
        if names:
            self._insert([self._drafting.registered(names)])
            for name in names:
                self._run(_NAMES, (name.id, name.kind, name.name, name.version))
        return names

    def _insert(self, drafts: Sequence[Draft]) -> None:
        plan = self._plan(trusting=True)
        plan.take(drafts)
        for outcome in plan.outcomes:
            if isinstance(outcome, EventStoreError):
                raise outcome
        self._execute(plan.rows)
        self._written(plan)

"""The log, open for writing: what one thread does to it, by one statement a flush.

The statement moves the row `log` on and inserts the rows, or does nothing at all: whoever
was overtaken writes nothing. A connection that is lost leaves doubt, which the log itself
settles: either the last row planned is there, with its chain value, or it can still be sent.
"""

from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa

from eventstore.drafts import Draft
from eventstore.erasure import Erasure
from eventstore.errors import EventStoreError
from eventstore.events import Redaction
from eventstore.identifiers import Position
from eventstore.sql import failures
from eventstore.sql.erasing import Erasing, Rewrapping
from eventstore.sql.failures import FencedError, NotUniqueError
from eventstore.sql.keyframes import Write
from eventstore.sql.maintenance import Maintenance
from eventstore.sql.plan import REMEMBERED_ROWS, LogState, Outcome, Plan
from eventstore.sql.postgres import lease
from eventstore.sql.postgres.appender import Appender
from eventstore.sql.postgres.failures import is_lost, translated
from eventstore.sql.postgres.link import LOG
from eventstore.sql.redacting import Order, Redacting, change_of
from eventstore.sql.texts import maintaining, run
from eventstore.sql.verifier import check_tail
from eventstore.sql.writer import WritableLog


class PostgresLog(Appender, WritableLog):
    """One log, as the writer has it. See `Appender` for the arguments."""

    _doubt: Plan | None = None
    """What was sent, and perhaps not received."""

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
                rekeyed = self._rekeyed(connection)  # first: it may need a name of its own
                names = self._insert_names()
                self._insert([self._drafting.held(self._state.epoch), *rekeyed])
        except BaseException:
            self._state, self._unsure = before, True  # the epoch may still be that
            raise
        self._names.load(names)
        self._pace.note(durable=True)
        if self._sealer is not None:
            self._sealer.save_key()
        return True

    def reopen(self) -> None:
        """Begin again after a failed write: trust nothing but the log.

        Raises:
            EventStoreError: `chain-broken`, `log-failed`: it cannot be used yet.
        """
        self._doubt = None
        self._link.connect()
        state = self._read_state()
        self.check_tail()
        if self._holder is None:
            self.catch_up()
        elif self._is_ours(state) and not self.hold():
            raise failures.log_failed(self._link.place)
        # Else another process took the log: the next flush finds itself fenced.

    def check_tail(self) -> None:
        """Verify the end of the log.

        Raises:
            EventStoreError: `chain-broken`, `history-forked`.
        """
        # Whom to trust is for `verify`: a new key is vouched for by the log only once it is held.
        check_tail(
            self._link.place,
            self._link.connection,
            list,
            self._history,
            unsealed_rows=REMEMBERED_ROWS,
        )

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
        while self.seal():
            pass
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
        while True:
            try:
                self._link.ready()
                self._link.set_level(durable=self._pace.syncs_when_idle)
                epoch = self._state.epoch
                return lease.renew(self._link.connection, epoch, extend=self._holder is not None)
            except sa.exc.DBAPIError as error:
                if not is_lost(error):
                    raise
                self._link.reconnect(error)

    def wants_checkpoint(self, *, idle: bool) -> bool:
        """Say no: the server looks after its own log."""
        return False

    def checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"]) -> object:
        """Do nothing: the server does."""

    # --- what is kept beside the log ---

    @property
    def position(self) -> int:
        """Of the last event that this process knows to be there."""
        return self._state.next_pos - 1

    def seal_due_s(self) -> float | None:
        """Return in how many seconds `seal` is due; None: never here."""
        return self._sealer.due_s() if self._sealer is not None else None

    def seal(self) -> bool:
        """Seal rows that wait for it (CH-2); say whether there are more."""
        if self._sealer is None:
            return False
        self._sealer.put_off()  # first: what fails must not be tried without end
        connection = self._link.ready()
        # A seal that a power cut takes back is made again; none is there before its rows.
        self._link.set_level(durable=False)
        return self._sealer.seal(connection, self._state)

    def keep(self, writes: Sequence[Write]) -> None:
        """Write what is kept beside the log: a cache, so nothing waits for the disk."""
        with self._link.transaction(durable=False) as connection:
            for write in writes:
                run(connection, write.sql, write.parameters)

    def redact(self, order: Order) -> Redaction:
        """Take values out of a row, for good (CH-6).

        Raises:
            EventStoreError: `no-such-revision`, `no-such-value`, `cannot-redact`,
                `log-fenced`, `read-only` for who may not maintain the log.
        """
        # Looked at before a name is given for it: what is refused leaves no trace.
        change = change_of(self._link.ready(), self._history, order, self._registry, self._names)
        redacting = Redacting(change, self._history)
        # The server's write-ahead log has the values until it is used again.
        return redacting.told(self.maintain(redacting), gone=False)

    def erase(self, erasing: Erasing) -> Erasure:
        """Destroy a subject's keys, for good (EN-3).

        Raises:
            EventStoreError: `no-such-subject`, `log-fenced`, `read-only` for who may not
                maintain the log.
        """
        position = self.maintain(erasing)
        try:
            # Written anew, so that no page of the table holds them; what the server logged and
            # copied before is beyond this.
            self._link.ready().exec_driver_sql("VACUUM FULL subject_keys")
        except sa.exc.DBAPIError as error:
            # They are destroyed all the same: the server's own VACUUM comes later.
            LOG.warning("postgres_not_vacuumed place=%s error=%s", self._link.place, error.orig)
        return erasing.told(position, gone=False, copies=())

    def rewrap(self, batch: Rewrapping) -> None:
        """Wrap some keys by another master (EN-1).

        Raises:
            EventStoreError: `wrong-master`, `sealed-invalid`, `log-fenced`, `read-only` for
                who may not maintain the log.
        """
        self.maintain(batch)

    def maintain(self, maintenance: Maintenance) -> Position:
        """Do *maintenance*, append the fact of it if it did something; return where all ends."""
        self._link.ready()
        self._write_keys()
        self._names.type_ids[maintenance.type]
        if self._names.has_pending():
            self._register_names()
        with self._link.transaction(durable=True) as connection:
            self._take_log(connection)
            with maintaining(connection):
                fact = maintenance.work(connection)
            if fact is not None:
                self._insert([self._drafting.maintenance(maintenance.type, fact)])
        self._pace.note(durable=True)
        return Position(self.position)

    # --- appending ---

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
                self._link.ready()
                self._write_keys()
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
            self._take_log(connection)
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

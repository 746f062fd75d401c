"""The log, open for writing: what one thread does to it, by one statement a flush.

The statement moves the row `log` on and inserts the rows, or does nothing at all: whoever
was overtaken writes nothing. A connection that is lost leaves doubt, which the log itself
settles: either the last row planned is there, with its chain value, or it can still be sent.
"""

from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.sql import failures
from eventstore.sql.keyframes import Write
from eventstore.sql.plan import REMEMBERED_ROWS, LogState
from eventstore.sql.postgres import lease
from eventstore.sql.postgres.failures import is_lost, translated
from eventstore.sql.postgres.maintaining import Maintained
from eventstore.sql.texts import run
from eventstore.sql.verifier import check_tail
from eventstore.sql.writer import WritableLog


class PostgresLog(Maintained, WritableLog):
    """One log, as the writer has it. See `Appender` for the arguments."""

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

"""What is done to a log past its guards: redact, erase, take rows out, become or adopt another log.

Each is one transaction that also appends the fact which tells of it (TB-7).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa

from eventstore.codec import LOG_KIND
from eventstore.drafts import Draft, Drafting
from eventstore.erasure import Erasure
from eventstore.events import Redaction
from eventstore.identifiers import Position
from eventstore.names import NameBook
from eventstore.retention import IMPORTED, RESTORED, ImportedFact
from eventstore.sql import packing, redacting, tail
from eventstore.sql.adopting import Incoming
from eventstore.sql.erasing import Erasing, Rewrapping
from eventstore.sql.failures import FencedError
from eventstore.sql.maintenance import Maintenance
from eventstore.sql.postgres import bulk, partitions
from eventstore.sql.postgres.appender import Appender
from eventstore.sql.postgres.link import LOG
from eventstore.sql.redacting import ChangedError, Order, Redacting
from eventstore.sql.texts import LOG_ID, maintaining, run

T = TypeVar("T")
_MOVE = (
    f"UPDATE log SET next_pos = %s, head = %s WHERE log_id = {LOG_ID} AND epoch = %s"
    " AND next_pos = %s"
)


class Maintained(Appender):
    """A log that can be maintained. Not thread-safe: it belongs to the writer."""

    def redact(self, order: Order) -> Redaction:
        """Take values out of a row, for good (CH-6).

        Raises:
            EventStoreError: `no-such-revision`, `no-such-value`, `cannot-redact`, `store-busy`,
                `log-fenced`, `read-only` for who may not maintain the log.
        """

        def look(connection: sa.Connection) -> redacting.Change:
            return redacting.change_of(
                connection, self._history, order, self._registry, self._names
            )

        while True:
            # Looked at before a name is given for it: what is refused leaves no trace.
            change = look(self._link.ready())
            if change.told is not None:
                return redacting.done_before(change, change.told, gone=False)
            try:
                with packing.redacted(self._shelf, change) as rewritten:
                    done = Redacting(change, self._history, rewritten, look)
                    # The server's write-ahead log has the values until it is used again.
                    return done.told(self.maintain(done), gone=False)
            except ChangedError:
                continue

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
        return self.change(maintenance.work, maintenance.type, lambda fact: fact)[1]

    def change(
        self,
        work: Callable[[sa.Connection], T],
        fact: str | None = None,
        tell: Callable[[T], object] = lambda _: None,
    ) -> tuple[T, Position]:
        """See `eventstore.sql.locked.MovableLog`."""
        if fact is not None:
            self._prepare(fact)
        try:
            with self._link.transaction(durable=True) as connection:
                self._take_log(connection)
                with maintaining(connection):
                    done = work(connection)
                told = tell(done) if fact is not None else None
                if fact is not None and told is not None:
                    self._insert([self._drafting.maintenance(fact, told)])
        finally:
            # What was remembered of heads and commits may have left the table.
            self._unsure = True
        self._pace.note(durable=True)
        self.catch_up()
        return done, Position(self._state.next_pos - 1)

    def _prepare(self, fact: str) -> None:
        """Give a fact of the log's own its name, if it has none yet."""
        self._link.ready()
        self._names.type_ids[fact]
        if self._names.has_pending():
            self._register_names()

    def give_back(self, pages: int) -> bool:
        """Drop partitions of months that are over and left empty (AR-3); there are no more."""
        now_us = self._drafting.clock()
        try:
            with self._link.transaction(durable=True) as connection:
                partitions.drop_left(connection, now_us)
        except sa.exc.DBAPIError as error:
            # Who may not drop them, or would have to wait for a reader, leaves them to the next.
            LOG.info("partitions_left place=%s error=%s", self._link.place, error.orig)
        return False

    # --- another log ---

    def adopt_names(self, incoming: Incoming) -> int:
        """See `eventstore.sql.locked.MovableLog`."""
        self._prepare(IMPORTED)
        with self._alone() as connection:
            new = incoming.names(tail.read_names(connection))
            if new:
                self._insert([self._drafting.registered(new)])
                self._insert_into_names(new)
        self._names.load(new)
        return self._names.generation

    def adopt_part(self, drafts: list[Draft], fact: ImportedFact) -> Position:
        """See `eventstore.sql.locked.MovableLog`."""
        self._link.ready()
        with self._alone() as connection:
            self._copy_in(connection, drafts)
            self._insert([self._drafting.maintenance(IMPORTED, fact)])
        return Position(self._state.next_pos - 1)

    @contextmanager
    def _alone(self) -> Iterator[sa.Connection]:
        """Have the log to ourselves for a transaction."""
        try:
            with self._link.transaction(durable=True) as connection:
                self._take_log(connection)
                yield connection
        finally:
            self._unsure = True
        self._pace.note(durable=True)
        self.catch_up()

    def _copy_in(self, connection: sa.Connection, drafts: list[Draft]) -> None:
        """Append very many rows, with the log to ourselves."""
        before, plan = self._state, self._plan(trusting=False)
        plan.take_all(drafts)
        bulk.copy(connection, "commits", plan.rows)
        after = plan.state
        moved = (after.next_pos, after.head, before.epoch, before.next_pos)
        if connection.exec_driver_sql(_MOVE, moved).rowcount != 1:
            raise FencedError
        self._written(plan)

    def become(
        self, copy: Callable[[sa.Connection], object], names: NameBook, drafting: Drafting
    ) -> Position | None:
        """Go on as another log, under its next epoch: all or nothing (AR-4, LG-4).

        Args:
            copy: puts the other log in the place of this one, under its next epoch; gives the
                payload of the fact that tells of it.
            names: nothing in it yet.
            drafting: of that.

        Returns:
            The position of the fact; None: this log holds more than what it says of itself.
        """
        with self._link.transaction(durable=True) as connection:
            self._take_log(connection)
            if not _is_empty(connection):
                return None
            with maintaining(connection):
                fact = copy(connection)
            self._names, self._drafting, self._unsure = names, drafting, True
            self.catch_up()
            self._names.type_ids[RESTORED]
            self._insert_names()
            self._insert([drafting.maintenance(RESTORED, fact)])
        return Position(self._state.next_pos - 1)


def _is_empty(connection: sa.Connection) -> bool:
    text = (
        "SELECT EXISTS (SELECT 1 FROM commits WHERE kind <> ?) OR EXISTS (SELECT 1 FROM tombstones)"
    )
    return not run(connection, text, (LOG_KIND.id,)).scalar()

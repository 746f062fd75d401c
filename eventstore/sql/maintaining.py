"""What is done to a log past its guards: redact, erase, take rows out, become or adopt another log.

Each is one transaction that also appends the fact which tells of it (TB-7).
"""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from eventstore import redaction
from eventstore.codec import LOG_KIND
from eventstore.drafts import Draft, Drafting
from eventstore.erasure import Erasure
from eventstore.errors import EventStoreError
from eventstore.events import Redaction
from eventstore.identifiers import Position
from eventstore.names import NameBook
from eventstore.retention import IMPORTED, RESTORED, ImportedFact
from eventstore.sql import connections, packing, redacting, subject_keys, tail
from eventstore.sql.adopting import Incoming
from eventstore.sql.erasing import Erasing, Rewrapping
from eventstore.sql.log_file import LogFile
from eventstore.sql.maintenance import Maintenance
from eventstore.sql.points import crash_point
from eventstore.sql.redacting import Order
from eventstore.sql.texts import maintaining

T = TypeVar("T")


class MaintainedLog(LogFile):
    """A log that can also be maintained. Not thread-safe: it belongs to the writer."""

    def redact(self, order: Order) -> Redaction:
        """Take values out of a row, for good (CH-6).

        Raises:
            EventStoreError: `no-such-revision`, `no-such-value`, `cannot-redact`, `log-fenced`.
        """
        # The write lock is held: what is decided here is still so when it is done.
        self._catch_up_with_others()
        change = redacting.change_of(
            self._connection, self._history, order, self._registry, self._names
        )
        if change.told is not None:
            # Whoever did it may have died before the files were rid of it.
            gone = self.checkpoint("TRUNCATE")
            return redacting.done_before(change, change.told, gone=gone)
        with packing.redacted(self._shelf, change) as rewritten:
            crash_point("redact.before")
            keyframes, position = self.change(
                lambda connection: redacting.apply(connection, self._history, change, rewritten),
                redaction.FACT,
                lambda _: change.fact,
            )
            crash_point("redact.after")
        # A guest too, though it checkpoints nothing else: the value must be off the disk,
        # and the write lock keeps all other writers out meanwhile.
        gone = self.checkpoint("TRUNCATE")
        return Redaction(position, Position(change.pos), keyframes, gone)

    def erase(self, erasing: Erasing) -> Erasure:
        """Destroy a subject's keys, for good (EN-3)."""
        crash_point("erase.before")
        try:
            position = self.maintain(erasing)
        except EventStoreError:
            # It may be gone, and whoever took it out died before this.
            self.checkpoint("TRUNCATE")
            raise
        crash_point("erase.after")
        # A guest too, though it checkpoints nothing else: the value must be off the disk,
        # and the write lock keeps all other writers out meanwhile.
        gone = self.checkpoint("TRUNCATE")
        return erasing.told(position, gone, subject_keys.copies(self._path, erasing.subject))

    def rewrap(self, batch: Rewrapping) -> None:
        """Wrap some keys by another master (EN-1)."""
        crash_point("rewrap.before")
        self.maintain(batch)
        crash_point("rewrap.after")

    def maintain(self, maintenance: Maintenance) -> Position:
        """Do *maintenance*, append the fact of it if it did something; return where all ends."""
        self._catch_up_with_others()
        self._write_keys()
        return self.change(maintenance.work, maintenance.type, lambda fact: fact)[1]

    def change(
        self,
        work: Callable[[sa.Connection], T],
        fact: str | None = None,
        tell: Callable[[T], object] = lambda _: None,
    ) -> tuple[T, Position]:
        """See `eventstore.sql.locked.MovableLog`."""
        self._catch_up_with_others()
        if fact is not None:
            self._names.type_ids[fact]
            if self._names.has_pending():
                self._register_names()
        with self._all_or_nothing():
            with maintaining(self._connection):
                done = work(self._connection)
            told = tell(done) if fact is not None else None
            if fact is not None and told is not None:
                self._insert([self._drafting.maintenance(fact, told)])
        self._stale = True  # what was remembered of heads and commits may have left the file
        return done, Position(self._state.next_pos - 1)

    def adopt_names(self, incoming: Incoming) -> int:
        """See `eventstore.sql.locked.MovableLog`."""
        self._catch_up_with_others()
        self._names.type_ids[IMPORTED]
        if self._names.has_pending():
            self._register_names()
        new = incoming.names(tail.read_names(self._connection))
        if new:
            with self._all_or_nothing():
                self._insert([self._drafting.registered(new)])
                self._insert_into_names(new)
            self._names.load(new)
        return self._names.generation

    def adopt_part(self, drafts: list[Draft], fact: ImportedFact) -> Position:
        """See `eventstore.sql.locked.MovableLog`."""
        self._catch_up_with_others()
        with self._all_or_nothing():
            # Compared without the log to itself: it is asked once more what there is.
            self._insert(drafts, trusting=False)
            self._insert([self._drafting.maintenance(IMPORTED, fact)])
        self._stale = True
        self._wal.flushed(draft.size for draft in drafts)
        if self.wants_checkpoint(idle=False):  # nobody else looks between two parts
            self.checkpoint("TRUNCATE")
        return Position(self._state.next_pos - 1)

    def is_empty(self) -> bool:
        """Say whether the log holds nothing but what it says of itself."""
        return not self._connection.exec_driver_sql(
            "SELECT EXISTS (SELECT 1 FROM commits WHERE kind <> ?)"
            " OR EXISTS (SELECT 1 FROM tombstones)",
            (LOG_KIND.id,),
        ).scalar()

    def become(
        self, copy: Callable[[sa.Connection], object], names: NameBook, drafting: Drafting
    ) -> Position:
        """Go on as another log, under its next epoch: all or nothing (AR-4, LG-4).

        Args:
            copy: puts the other log in the place of this one; gives the payload of the fact
                that tells of it.
            names: nothing in it yet.
            drafting: of that.

        Returns:
            The position of the fact.
        """
        with self._all_or_nothing():
            self._connection.exec_driver_sql("UPDATE log SET maintenance = 1")
            fact = copy(self._connection)
            self._connection.exec_driver_sql("UPDATE log SET epoch = epoch + 1, maintenance = 0")
            self._names, self._drafting = names, drafting
            self.catch_up()
            self._names.type_ids[RESTORED]
            self._insert_names()
            self._insert([drafting.maintenance(RESTORED, fact)])
        return Position(self._state.next_pos - 1)

    def give_back(self, pages: int) -> bool:
        """Give up to so many free pages back to the disk; say whether there are more (AR-2)."""
        driver = connections.driver_of(self._connection)
        free = int(driver.execute("PRAGMA freelist_count").fetchone()[0])
        # A row for each page: it is done only when all were fetched.
        driver.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
        left = int(driver.execute("PRAGMA freelist_count").fetchone()[0])
        self._wal.moved(free - left)
        # A file from before there was auto_vacuum keeps its pages, for itself to fill.
        return 0 < left < free

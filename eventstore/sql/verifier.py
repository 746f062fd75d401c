"""`verify`, in its three sizes: the log or a part of it, since the last seal, one stream."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from eventstore import seals
from eventstore.chain import StoredRow
from eventstore.errors import sentence
from eventstore.events import Verdict
from eventstore.identifiers import Position, StreamId
from eventstore.seals import MARK_BYTES, Seal
from eventstore.sql import failures, seal_table, stones, tail, verifying
from eventstore.sql.history import History
from eventstore.sql.texts import moment, run
from eventstore.sql.verifying import Log, Start
from eventstore.verification import SealedWalk

_BEFORE_ALL = -(1 << 63)
Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
Progress: TypeAlias = Callable[[int, int], None]
Anchors: TypeAlias = Callable[[], Iterable[bytes]]


class Verifier:
    """Checks one store. Thread-safe.

    Args:
        connect: gives a connection for one short transaction.
        anchors: gives the public keys to trust; none: the last seal's vouches for others.
        history: of the store.
    """

    def __init__(self, connect: Connect, anchors: Anchors, history: History) -> None:
        self._history = history
        self._connect = connect
        self._anchors = anchors
        self._known: Iterable[bytes] | None = None

    def verify(self, first: int, last: int | None, progress: Progress | None) -> Verdict:
        """Check the rows that hold positions *first* to *last*, and the seals over them.

        Raises:
            EventStoreError: `no-such-position`.
        """
        log, start = self._begin(first)
        newest = verifying.no_row_check(log, first)
        to_end = last is None or last >= newest
        end = newest if last is None else min(last, newest)
        # From the beginning even a seal that says it ends before that is looked at.
        after = _BEFORE_ALL if start.previous is None else start.pos - 1
        # Not those that are made while this goes on.
        sealed_to = log.last_seal.last_pos if log.last_seal is not None else 0
        found = self._seals(after, sealed_to if to_end else end)
        walk = self._walk(log, start, found, to_end=to_end)
        verdict = self._along(walk, start, end, progress)
        if verdict.fault is None and start.previous is None:
            verdict = self._before_the_log() or self._taken_out(log, verdict) or verdict
        return self._noted(log, verdict)

    def since_seal(self, progress: Progress | None = None) -> Verdict:
        """Check the last seal, its last row and all rows after; without a seal, all rows."""
        log, start = self._begin(1)
        seal = log.last_seal
        if seal is not None:
            fault, head = self._stands(log, seal)
            if fault is not None or head is None:
                return _broken_seal(log, seal, fault)
            _, start = self._begin(self._last_of(seal))
        end = max(log.end.next_pos - 1, log.newest)
        verdict = self._along(self._walk(log, start, (), to_end=True), start, end, progress)
        if seal is not None:
            verdict = _with_seal(verdict, seal)
        return self._noted(log, verdict)

    def stream(self, stream: StreamId, progress: Progress | None = None) -> Verdict:
        """Check the rows of *stream*, its ancestors' too, and what ties each to the log."""
        log, _ = self._begin(1)
        tied = _Ties(self, log)
        checked = to = 0
        rows = self._rows_of(stream)
        for row in rows:
            fault = self._alone(log, row) or tied.fault_of(row)
            if fault is not None:
                return msgspec.structs.replace(fault, checked=checked)
            checked, to = checked + 1, max(to, row.next_pos - 1)
            if progress is not None:
                progress(checked, len(rows))
        return self._noted(log, Verdict(
            checked, Position(to), seals=tied.seals, root=tied.root,
            sealed_to=Position(tied.sealed_to), key=tied.key,
        ))  # fmt: skip

    # --- one walk ---

    def _begin(self, first: int) -> tuple[Log, Start]:
        with self._connect() as connection, moment(connection):
            start = verifying.start_at(connection, self._history, first)
            return verifying.read_log(connection), start

    def _last_of(self, seal: Seal) -> int:
        """Return where to begin after *seal*: at its last row, or behind if that left the file.

        Whoever opens a store to append need not have its segments.
        """
        with self._connect() as connection:
            away = self._history.is_taken_out(connection, seal.last_pos)
        return seal.last_pos + 1 if away else seal.last_pos

    def _walk(self, log: Log, start: Start, found: Iterable[Seal], *, to_end: bool) -> SealedWalk:
        walk = verifying.walk_from(
            log, start, to_end=to_end, revision_before=self._revision_before,
            redaction_since=self._redaction_since,
        )  # fmt: skip
        return verifying.begin(log, start, walk, found, self._trusted(), to_end=to_end)

    def _along(
        self, walk: SealedWalk, start: Start, end: int, progress: Progress | None
    ) -> Verdict:
        pos, total = start.pos, end + 1 - start.pos
        while pos <= end:
            with self._connect() as connection, moment(connection):
                rows = verifying.page(connection, self._history, pos, end)
            for row in rows:
                fault = walk.step(row)
                if fault is not None:
                    return fault
            if not rows:
                break
            pos = max(rows[-1].next_pos, pos + 1)
            if progress is not None:
                progress(min(pos, end + 1) - start.pos, total)
        return walk.finish()

    def _seals(self, after: int, end: int) -> Iterator[Seal]:
        while True:
            with self._connect() as connection:
                found = seal_table.after(connection, after)
            for seal in found:
                if seal.last_pos > end:
                    return
                yield seal
            if not found:
                return
            after = found[-1].last_pos

    def _before_the_log(self) -> Verdict | None:
        """Find rows where no walk goes: before position 1."""
        with self._connect() as connection:
            rows = verifying.rows_where(connection, "{log} pos < 1 ORDER BY pos LIMIT 1", ())
        if not rows:
            return None
        where, stream = Position(rows[0].pos), rows[0].stream
        detail = "It stands before the beginning of the log."
        return Verdict(0, Position(0), "order", where, stream, detail)

    def _taken_out(self, log: Log, verdict: Verdict) -> Verdict | None:
        """Find rows that were taken out and no fact tells of."""
        with self._connect() as connection, moment(connection):
            return stones.fault_of(connection, self._history, log.names, verdict)

    def _noted(self, log: Log, verdict: Verdict) -> Verdict:
        return msgspec.structs.replace(verdict, unvouched=log.unvouched)

    def _trusted(self) -> Iterable[bytes]:
        if self._known is None:
            self._known = self._anchors()
        return self._known

    def _revision_before(self, stream: StreamId, revision: int) -> int:
        with self._connect() as connection:
            return self._history.of_stream(
                connection, stream, lambda held: verifying.revision_before(held, stream, revision)
            )

    def _redaction_since(self, pos: int) -> bytes | None:
        with self._connect() as connection:
            return verifying.read_log(connection).redactions.get(pos)

    # --- a seal, a row ---

    def _stands(self, log: Log, seal: Seal) -> tuple[str | None, bytes | None]:
        """Say what is wrong with *seal*, and the chain value of its last row, if that is there."""
        fault = seals.fault_of(seal, log.uid, log.keys(self._trusted()))
        with self._connect() as connection:
            before = verifying.row_before(connection, self._history, seal.last_pos + 1)
        if fault is not None or before is None or before[0] != seal.last_pos + 1:
            return fault, None
        note = seals.read_note(seal.note)
        if note is None or note.head != before[1]:
            return "its last row is not the one that was sealed", None
        return None, before[1]

    def _rows_of(self, stream: StreamId) -> list[StoredRow]:
        rows: list[StoredRow] = []
        before = 1 << 62
        of: StreamId | None = stream
        while of is not None:
            found = self._own_rows(of, before)
            rows = found + rows
            of, before = (found[0].parent, found[0].parent_revision or 0) if found else (None, 0)
        return rows

    def _own_rows(self, stream: StreamId, last: int) -> list[StoredRow]:
        asked = ("stream = ? AND revision <= ? ORDER BY revision", (stream.hex, last))
        with self._connect() as connection:
            return self._history.of_stream(
                connection, stream, lambda held: verifying.rows_where(held, *asked)
            )

    def _alone(self, log: Log, row: StoredRow) -> Verdict | None:
        """Check a row against the chain value before it only."""
        with self._connect() as connection:
            before = verifying.row_before(connection, self._history, row.pos)
        start = Start(row.pos, *before) if before else Start(1, 1, None)
        walk = verifying.walk_from(
            log, start, to_end=False, revision_before=self._revision_before,
            redaction_since=self._redaction_since,
        )  # fmt: skip
        verdict = walk.step(row) or walk.finish()
        return verdict if verdict.fault is not None else None

    def chains_of(self, seal: Seal) -> list[tuple[int, bytes]]:
        """Return position and chain value of the rows that *seal* is over."""
        with self._connect() as connection, moment(connection):
            return self._history.chains(connection, seal.first_pos, seal.last_pos)

    def seal_over(self, pos: int) -> Seal | None:
        """Return the seal over the row at *pos*."""
        with self._connect() as connection:
            return seal_table.over(connection, pos)

    def fault_of(self, log: Log, seal: Seal) -> str | None:
        """Say what is wrong with *seal* in itself."""
        return seals.fault_of(seal, log.uid, log.keys(self._trusted()))


class _Ties:
    """What ties single rows to the log: their seal, or the way to the log's end."""

    def __init__(self, verifier: Verifier, log: Log) -> None:
        self._verifier = verifier
        self._log = log
        self._seal: Seal | None = None
        self._rest: Verdict | None = None
        self.seals = 0
        self.root = b""
        self.sealed_to = 0
        self.key = b""

    def fault_of(self, row: StoredRow) -> Verdict | None:
        """Say where the tie of *row* is broken."""
        if self._seal is not None and self._seal.first_pos <= row.pos <= self._seal.last_pos:
            return None
        seal = self._verifier.seal_over(row.pos)
        if seal is not None:
            return self._take(seal)
        if self._rest is None:
            self._rest = self._verifier.since_seal()
        return self._rest if self._rest.fault is not None else None

    def _take(self, seal: Seal) -> Verdict | None:
        fault = self._verifier.fault_of(self._log, seal)
        if fault is not None:
            return _broken_seal(self._log, seal, fault)
        rows = self._verifier.chains_of(seal)
        for index, (pos, chain) in enumerate(rows):
            at = index * MARK_BYTES
            if seal.marks[at : at + MARK_BYTES] != chain[:MARK_BYTES]:
                return _broken_seal(self._log, seal, "a row is not the one that was sealed", pos)
        note = seals.read_note(seal.note)
        if note is None or not rows or note.root != seals.root_of([chain for _, chain in rows]):
            return _broken_seal(self._log, seal, "it is not over these rows")
        self._seal = seal
        self.seals += 1
        self.root, self.sealed_to, self.key = note.root, seal.last_pos, seal.key
        return None


def _with_seal(verdict: Verdict, seal: Seal) -> Verdict:
    note = seals.read_note(seal.note)
    root = note.root if note is not None else b""
    return msgspec.structs.replace(
        verdict, seals=1, root=root, sealed_to=Position(seal.last_pos), key=seal.key
    )


def _broken_seal(log: Log, seal: Seal, fault: str | None, pos: int | None = None) -> Verdict:
    if fault is None:
        detail = f"A seal goes to position {seal.last_pos}, the log to {log.newest}."
        return Verdict(0, Position(log.newest), "truncated", Position(log.newest + 1), None, detail)
    where = seal.first_pos if pos is None else pos
    detail = sentence(f"The seal over positions {seal.first_pos} to {seal.last_pos}: {fault}")
    return Verdict(0, Position(where - 1), "seal", Position(where), None, detail)


def check_tail(
    place: failures.Place,
    connection: sa.Connection,
    anchors: Anchors,
    history: History,
    *,
    unsealed_rows: int | None = None,
) -> None:
    """Verify from the last seal on, and that `log` ends where the rows do (CH-4).

    Args:
        place: of the store.
        connection: to it.
        anchors: see `Verifier`.
        history: of the store.
        unsealed_rows: how many of the last rows are enough where there is no seal; None: all.

    Raises:
        EventStoreError: `history-forked` when a seal is ahead of the log, else `chain-broken`.
    """
    seal, next_pos = seal_table.last(connection), tail.read_state(connection).next_pos
    if seal is not None and seal.last_pos >= next_pos:
        raise failures.history_forked(place, seal.last_pos, next_pos - 1)
    verifier = Verifier(lambda: nullcontext(connection), anchors, history)
    if seal is None and unsealed_rows is not None and next_pos > 1:
        verdict = verifier.verify(_from_the_end(connection, unsealed_rows), None, None)
    else:
        verdict = verifier.since_seal()
    if verdict.fault is not None:
        raise failures.chain_broken(place, f"at position {verdict.position}: {verdict.detail}")


def _from_the_end(connection: sa.Connection, rows: int) -> int:
    """Return the position of the row that stands *rows* before the last one; 1: there is none."""
    query = "SELECT pos FROM commits WHERE {log} TRUE ORDER BY pos DESC LIMIT 1 OFFSET ?"
    return int(run(connection, query, (rows,)).scalar() or 1)

"""Write an export: rows, what ties them to the log, the seals over them, the names.

All of it is read in one transaction: what is appended, redacted or dropped meanwhile is
not in it.

Source: AR-4.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import sqlalchemy as sa

from eventstore.audit_paths import Tree
from eventstore.chain import StoredRow
from eventstore.errors import EventStoreError
from eventstore.events import Exported
from eventstore.identifiers import LOG_STREAM, StreamId
from eventstore.retention import STAYING
from eventstore.seals import Seal
from eventstore.sql import (
    copying,
    exports,
    failures,
    files,
    offline,
    packing,
    seal_table,
    verifying,
)
from eventstore.sql.exports import Proof
from eventstore.sql.history import History, Tombstone, twice
from eventstore.sql.reader import Reader
from eventstore.sql.texts import run

Progress = Callable[[int, int], None]


def export(
    reader: Reader, path: Path, streams: Sequence[StreamId], progress: Progress | None = None
) -> Exported:
    """See `Store.export`."""
    if path.exists():
        raise file_exists(path)
    beside = path.with_name(f"{path.name}.tmp")
    try:
        written = twice(lambda: _write(reader, beside, streams, progress))
        verdict = offline.verify_export(beside)
        if verdict.fault is not None:
            detail = f"at position {verdict.position}: {verdict.detail}"
            raise failures.chain_broken(reader.place, detail)
        files.sync(beside)
        digest, size = packing.hash_of(beside), beside.stat().st_size
        beside.rename(path)
        files.sync(path.parent)
    except UnicodeEncodeError as error:
        raise failures.chain_broken(reader.place, "the text of a row is no text.") from error
    except OSError as error:
        raise failures.read_only(path, error.strerror or str(error)) from error
    finally:
        beside.unlink(missing_ok=True)
    return Exported(
        str(path), len(written.streams), written.rows, written.events, verdict.sealed_to,
        written.redacted, digest, size,
    )  # fmt: skip


def _write(
    reader: Reader, beside: Path, streams: Sequence[StreamId], progress: Progress | None
) -> "_Writing":
    beside.unlink(missing_ok=True)
    staying = {kind.id for kind in reader.registry.kinds if kind.name in STAYING}
    with (
        failures.translating(beside),
        closing(exports.make(beside, whole=not streams)) as target,
        reader.moment() as source,
    ):
        target.execute("BEGIN")
        writing = _Writing(target, staying, progress)
        if streams:
            _Part(source, reader.history, writing).write(streams)
        else:
            _write_whole(source, reader.history, writing)
        writing.add_log(source)
        target.execute("COMMIT")
    return writing


class _Writing:
    """What is written to an export, and counts of it.

    Args:
        target: to the file.
        staying: numbers of the kinds that are not counted as streams.
        progress: is told rows written and in all.
    """

    def __init__(
        self, target: sqlite3.Connection, staying: set[int], progress: Progress | None
    ) -> None:
        self._target = target
        self._staying = staying
        self._progress = progress
        self.streams: set[StreamId] = set()
        self.rows = self.events = self.redacted = 0

    def add_rows(self, rows: Sequence[StoredRow], total: int) -> None:
        """Write rows of the log, of *total* positions or rows in all."""
        copying.rows(self._target, rows)
        self.streams.update(row.stream for row in rows if row.kind not in self._staying)
        self.rows += len(rows)
        self.events += sum(row.n for row in rows)
        self.redacted += sum(row.salt is None and row.digest is not None for row in rows)
        if self._progress is not None:
            self._progress(min(self.events, total), total)

    def add_seals(self, found: Sequence[Seal]) -> None:
        """Write seals."""
        copying.seals(self._target, found)

    def add_tombstones(self, found: Iterable[Tombstone]) -> None:
        """Write what stands for rows that were dropped."""
        copying.tombstones(self._target, (stone for stone in found if stone.segment is None))

    def add_proof(self, proof: Proof) -> None:
        """Write what ties a row to the log."""
        values = msgspec.structs.astuple(proof)
        self._target.execute("INSERT INTO proofs VALUES (?,?,?,?,?)", values)

    def add_log(self, source: sa.Connection) -> None:
        """Write what the log says of itself, and its names."""
        copying.names(self._target, source)
        copying.log(self._target, source, None)


def _write_whole(source: sa.Connection, history: History, writing: _Writing) -> None:
    """Write all rows wherever they are, and the tombstones of those that are gone."""
    end = int(run(source, "SELECT next_pos - 1 FROM log WHERE {log} TRUE").scalar_one())
    pos = 1
    while page := verifying.page(source, history, pos, end):
        writing.add_rows([row for row in page if isinstance(row, StoredRow)], end)
        pos = page[-1].next_pos
    writing.add_tombstones(history.tombstones(source, 1, end))
    sealed_to = 0
    while found := seal_table.after(source, sealed_to):
        writing.add_seals(found)
        sealed_to = found[-1].last_pos


class _Part:
    """Writes some streams of a log, with the log's own and all that they go on from."""

    def __init__(self, source: sa.Connection, history: History, writing: _Writing) -> None:
        self._source = source
        self._history = history
        self._writing = writing

    def write(self, streams: Sequence[StreamId]) -> None:
        rows = {row.pos: row for stream in self._with_ancestors(streams) for row in stream}
        ordered = [rows[pos] for pos in sorted(rows)]
        total = sum(row.n for row in ordered)
        for at in range(0, len(ordered), verifying.PAGE_ROWS):
            self._writing.add_rows(ordered[at : at + verifying.PAGE_ROWS], total)
        self._prove(ordered)

    def _with_ancestors(self, streams: Sequence[StreamId]) -> Iterable[list[StoredRow]]:
        """Give the rows of *streams*, of what they go on from, and of the log's own."""
        found: dict[StreamId, list[StoredRow]] = {}
        waiting = [LOG_STREAM, *streams]
        while waiting:
            stream = waiting.pop()
            if stream in found:
                continue
            rows = found[stream] = self._rows_of(stream)
            if not rows:
                raise no_such_stream(stream)
            waiting += [rows[0].parent] if rows[0].parent is not None else []
        return found.values()

    def _rows_of(self, stream: StreamId) -> list[StoredRow]:
        where = "stream = ? ORDER BY revision"
        return self._history.of_stream(
            self._source, stream, lambda held: verifying.rows_where(held, where, (stream.hex,))
        )

    def _prove(self, rows: Sequence[StoredRow]) -> None:
        """Tie each row to the row before it in the log, and to the seal over it."""
        seal: Seal | None = None
        paths: dict[int, tuple[int, bytes]] = {}
        at = 1
        for row in rows:
            if seal is None or row.pos > seal.last_pos:
                seal = seal_table.over(self._source, row.pos)
                paths = self._take(seal, rows) if seal is not None else {}
            previous = None
            if row.pos != at:
                place = self._history.last_row(self._source, row.pos - 1)
                previous = place.chain if place is not None else None
            number, path = paths.get(row.pos, (None, None))
            if previous is not None or path is not None:
                last = seal.last_pos if seal is not None and path is not None else None
                self._writing.add_proof(Proof(row.pos, previous, last, number, path))
            at = row.next_pos

    def _take(self, seal: Seal, rows: Sequence[StoredRow]) -> dict[int, tuple[int, bytes]]:
        """Write *seal*; return number and path of its rows, unless all of them are here."""
        self._writing.add_seals([seal])
        chains = self._history.chains(self._source, seal.first_pos, seal.last_pos)
        here = {row.pos for row in rows if seal.first_pos <= row.pos <= seal.last_pos}
        if len(here) == len(chains):
            return {}
        tree = Tree([chain for _, chain in chains])
        return {
            pos: (number, tree.path(number))
            for number, (pos, _) in enumerate(chains) if pos in here
        }  # fmt: skip


def file_exists(path: Path) -> EventStoreError:
    """Say that nothing is written over."""
    return EventStoreError(
        "file-exists",
        f"{path} is there already.",
        "Choose another name, or take the file away first.",
        {"path": str(path)},
    )


def no_such_stream(stream: StreamId) -> EventStoreError:
    """Say that there is nothing to export."""
    return EventStoreError(
        "no-such-stream",
        f"There is no stream {stream}.",
        "Check the id; nothing was written.",
        {"stream": stream},
    )

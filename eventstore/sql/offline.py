"""Verify an export without the store that it came from.

Source: AR-4, CH-5.
"""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import msgspec
import sqlalchemy as sa

from eventstore import audit_paths, seals
from eventstore.chain import StoredRow
from eventstore.events import Verdict
from eventstore.identifiers import Position
from eventstore.seals import MARK_BYTES, Seal
from eventstore.sql import exports, failures, packing, seal_table, verifying
from eventstore.sql.exports import Proof
from eventstore.sql.history import History
from eventstore.sql.verifier import Verifier
from eventstore.sql.verifying import Log, Start

Progress = Callable[[int, int], None]
_PROOF = "SELECT pos, previous, seal, number, path FROM proofs WHERE pos = ?"


def verify_export(file: Path, progress: Progress | None = None) -> Verdict:
    """Say whether all rows of an export are as they were written.

    The keys that sealed it are taken at their word: compare `Verdict.key` with one that was
    kept elsewhere.

    Raises:
        EventStoreError: `not-an-export`, `store-damaged`.
    """
    with exports.opened(file) as connection:
        try:
            return _verified(connection, progress)
        except (TypeError, AttributeError, ValueError) as error:
            # Tables made by hand may hold anything in any column: nothing of it is known then.
            raise failures.damaged(file, "a row holds what no store writes") from error


def _verified(connection: sa.Connection, progress: Progress | None) -> Verdict:
    if exports.is_whole(connection):
        verifier = Verifier(lambda: nullcontext(connection), tuple, History(None))
        return verifier.verify(1, None, progress)
    return _Part(connection).verify(progress)


class _Part:
    """Verifies an export of some streams."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._log: Log = verifying.read_log(connection)
        self._seal: Seal | None = None
        self._root = b""
        self._chains: list[bytes] = []
        self._verdict = Verdict(0, Position(0))

    def verify(self, progress: Progress | None) -> Verdict:
        count = "SELECT count(*) FROM commits"
        total = int(self._connection.exec_driver_sql(count).scalar_one())
        walk = verifying.walk_from(
            self._log, Start(1, 1, None), to_end=False, revision_before=lambda *_: 0,
            redaction_since=lambda _: None,
        )  # fmt: skip
        at = 1
        for row in packing.rows_of(self._connection):
            proof = self._proof(row)
            skipped = None
            if proof.previous is not None:
                skipped = walk.skip(at, row.pos, proof.previous)
            fault = skipped or walk.step(row) or self._against_seal(row, proof)
            if fault is not None:
                return fault
            at = row.next_pos
            if progress is not None and walk.checked % verifying.PAGE_ROWS == 0:
                progress(walk.checked, total)
        fault = self._end_of_seal()
        verdict = walk.finish()
        if not walk.knows_all_names:
            detail = "Table names is not what the names.registered facts say."
            fault = fault or msgspec.structs.replace(
                verdict, fault="names", position=Position(1), detail=detail
            )
        if fault is not None or verdict.fault is not None:
            return fault or verdict
        return msgspec.structs.replace(
            self._verdict, checked=verdict.checked, verified_to=verdict.verified_to
        )

    def _proof(self, row: StoredRow) -> Proof:
        found = self._connection.exec_driver_sql(_PROOF, (row.pos,)).first()
        return Proof(*found) if found else Proof(row.pos)

    def _against_seal(self, row: StoredRow, proof: Proof) -> Verdict | None:
        if self._seal is None or row.pos > self._seal.last_pos:
            fault = self._end_of_seal() or self._next_seal(row)
            if fault is not None:
                return fault
        seal = self._seal
        if seal is None or row.pos < seal.first_pos:
            return None
        if proof.path is None or proof.number is None:
            self._chains.append(row.chain)
            return None
        size = len(seal.marks) // MARK_BYTES
        if audit_paths.root_by(row.chain, proof.number, size, proof.path) == self._root:
            return None
        return _at(row.pos, row, "It is not among the rows that were sealed.")

    def _next_seal(self, row: StoredRow) -> Verdict | None:
        self._seal, self._chains = seal_table.over(self._connection, row.pos), []
        if self._seal is None:
            return None
        keys = self._log.keys(())
        fault = seals.fault_of(self._seal, self._log.uid, keys)
        note = seals.read_note(self._seal.note)
        if fault is not None or note is None:
            return _at(row.pos, row, f"The seal over it is none: {fault}")
        self._root = note.root
        self._verdict = msgspec.structs.replace(
            self._verdict, seals=self._verdict.seals + 1, root=note.root, key=self._seal.key,
            sealed_to=Position(self._seal.last_pos),
        )  # fmt: skip
        return None

    def _end_of_seal(self) -> Verdict | None:
        """Rows without a path are all rows of their seal, or it is not over them."""
        seal, chains = self._seal, self._chains
        if seal is None or not chains or seals.root_of(chains) == self._root:
            return None
        return _at(seal.first_pos, None, "The seal that ends here is not over these rows.")


def _at(pos: int, row: StoredRow | None, detail: str) -> Verdict:
    stream = row.stream if row is not None else None
    return Verdict(0, Position(pos - 1), "seal", Position(pos), stream, detail)

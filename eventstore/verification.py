"""Hold the rows of a log against its seals while walking along them. Pure.

`chain.Walk` finds a row that does not fit its neighbours. This finds rows that fit each
other and are not those that were sealed, and says so of the first of them.

Source: CH-5.
"""

from collections.abc import Iterable, Iterator

import msgspec

from eventstore import seals
from eventstore.chain import Gone, StoredRow, Walk
from eventstore.events import Verdict
from eventstore.identifiers import Position
from eventstore.seals import MARK_BYTES, Note, Seal


class SealedWalk:
    """Goes along rows and seals together.

    Args:
        walk: along the same rows.
        found: seals in order, from the first that reaches to where the walk begins.
        uid: of the log.
        keys: that are trusted.
        first: position that the walk begins at. Seals that begin before it are passed by.
        to_end: whether the walk goes to the end of the log, beyond which no seal may go.
    """

    def __init__(
        self,
        walk: Walk,
        found: Iterable[Seal],
        *,
        keys: frozenset[bytes],
        first: int,
        to_end: bool,
    ) -> None:
        self._walk = walk
        self._seals: Iterator[Seal] = iter(found)
        self._keys = keys
        self._first = first
        self._to_end = to_end
        self._due = 1 if first == 1 else None
        self._seal: Seal | None = None
        self._chains: list[bytes] = []
        self._pending: Verdict | None = None
        self._good = 0
        self._root = b""
        self._sealed_to = 0
        self._key = b""
        self._advance()

    def step(self, row: StoredRow | Gone) -> Verdict | None:
        """Look at the next row; None: all well so far.

        That a row is not the one sealed is told of one row later: what the chain has to
        say of it is more exact.
        """
        fault = self._walk.step(row)
        if self._pending is not None or fault is not None:
            return self._worse(fault)
        self._pending = self._against_seal(row)
        return None

    def finish(self) -> Verdict:
        """Say how the walk ended, after its last row."""
        verdict = self._walk.finish()
        if self._pending is None and verdict.fault is None and self._to_end:
            self._pending = self._beyond(verdict)
        if self._pending is not None or verdict.fault is not None:
            return self._worse(verdict if verdict.fault is not None else None)
        return msgspec.structs.replace(
            verdict, seals=self._good, root=self._root, sealed_to=Position(self._sealed_to),
            key=self._key,
        )  # fmt: skip

    def _worse(self, fault: Verdict | None) -> Verdict:
        """Return what is at fault first: *fault*, or what was found before."""
        pending = self._pending
        if pending is None or (fault is not None and _at(fault) <= _at(pending)):
            assert fault is not None  # noqa: S101 - for the type checker
            found = fault
        else:
            found = pending
        return msgspec.structs.replace(found, seals=self._good, root=self._root)

    def _advance(self) -> None:
        """Go to the next seal that the walk can see all of."""
        self._chains = []
        self._seal = next(self._seals, None)
        while self._seal is not None and self._due is None and self._seal.first_pos < self._first:
            self._due = self._seal.last_pos + 1
            self._seal = next(self._seals, None)

    def _against_seal(self, row: StoredRow | Gone) -> Verdict | None:
        seal = self._seal
        if seal is None or (self._due is not None and row.pos < self._due):
            return None
        if not self._chains:
            wrong = self._wrong_at_start(seal, row)
            if wrong is not None:
                return self._verdict(row, wrong)
        at = len(self._chains) * MARK_BYTES
        self._chains.append(row.chain)
        if seal.marks[at : at + MARK_BYTES] != row.chain[:MARK_BYTES]:
            return self._verdict(row, "It is not the row that was sealed here.")
        if row.next_pos - 1 < seal.last_pos:
            return None
        return self._at_end(seal, row)

    def _wrong_at_start(self, seal: Seal, row: StoredRow | Gone) -> str | None:
        fault = seals.fault_of(seal, self._walk.uid, self._keys)
        if fault is not None:
            return f"The seal over positions {seal.first_pos} to {seal.last_pos} is none: {fault}"
        if seal.first_pos != row.pos:
            return f"The next seal begins at {seal.first_pos}: one is missing before it."
        return None

    def _at_end(self, seal: Seal, row: StoredRow | Gone) -> Verdict | None:
        note = seals.read_note(seal.note)
        assert note is not None  # noqa: S101 - `fault_of` has read it
        if not self._fits(seal, note, row):
            return self._verdict(row, "The seal that ends here is not over these rows.")
        self._good += 1
        self._root, self._sealed_to, self._key = note.root, seal.last_pos, seal.key
        self._due = seal.last_pos + 1
        self._advance()
        return None

    def _fits(self, seal: Seal, note: Note, row: StoredRow | Gone) -> bool:
        chains = self._chains
        return (
            row.next_pos - 1 == seal.last_pos
            and len(seal.marks) == MARK_BYTES * len(chains)
            and note.head == row.chain
            and note.root == seals.root_of(chains)
            and note.epoch >= row.epoch
        )

    def _beyond(self, verdict: Verdict) -> Verdict | None:
        """Say so if there are seals of rows that are not there."""
        seal = self._seal
        if seal is None:
            return None
        return Verdict(
            checked=verdict.checked,
            verified_to=verdict.verified_to,
            fault="truncated",
            position=Position(verdict.verified_to + 1),
            detail=f"A seal goes to position {seal.last_pos}, the log to {verdict.verified_to}.",
        )

    def _verdict(self, row: StoredRow | Gone, detail: str) -> Verdict:
        return Verdict(
            checked=self._walk.checked - 1,
            verified_to=Position(row.pos - 1),
            fault="seal",
            position=Position(row.pos),
            stream=row.stream,
            detail=detail,
        )


def _at(verdict: Verdict) -> int:
    return verdict.position or 0

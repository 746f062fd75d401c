"""When the log is sealed, and by whom. Belongs to the writer's thread.

A seal waits until tickets are answered: no commit ever waits for a signature.

Source: CH-2, CH-3.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from eventstore import seals, signing
from eventstore.identifiers import Clock
from eventstore.seals import Rekeying, Seal
from eventstore.sql import seal_keys, seal_table
from eventstore.sql.plan import LogState
from eventstore.sql.texts import run_bare

LOG = logging.getLogger("eventstore")
SEAL_ROWS = 1_000
SEAL_S = 60.0
MOST_ROWS = 10_000
"""Rows of one seal: what a store that was never sealed is sealed by, bit by bit."""

OnSeal: TypeAlias = Callable[[Seal], object]


class Sealer:
    """Seals one log.

    Args:
        file: that holds keys; None: there is none, *seed* is given.
        clock: says when a seal was made.
        seed: that seals; None: that of the key file, which is made if there is none.
        on_seal: is told each new seal, to keep it where the file's owner cannot reach it.
        now_s: seconds, from anywhere, that only rise.
    """

    def __init__(
        self,
        file: Path | None,
        clock: Clock,
        *,
        seed: bytes | None = None,
        on_seal: OnSeal | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        if seed is not None:
            seal_keys.check_seed(seed)
        self._file = file
        self._clock = clock
        self._given = seed
        self._unsaved = False
        self._on_seal = on_seal
        self._now_s = now_s
        self.put_off()

    def note_rows(self, count: int) -> None:
        """Count rows that were written."""
        self._rows += count

    def due_s(self) -> float:
        """Return in how many seconds `seal` is due."""
        return 0.0 if self._rows >= SEAL_ROWS else max(self._due_s - self._now_s(), 0.0)

    def put_off(self) -> None:
        """Begin to wait anew, for there is nothing to seal or it cannot be done."""
        self._rows = 0
        self._due_s = self._now_s() + SEAL_S

    def successor(self, connection: sa.Connection, state: LogState) -> Rekeying | None:
        """Return the fact that the key changed since the last seal; None: it did not."""
        before = seal_table.last(connection)
        if before is None or before.key == signing.key_of(seed := self._seed()):
            return None
        seeds = seal_keys.seeds(self._file) if self._file is not None else []
        old = [one for one in seeds if signing.key_of(one) == before.key]
        return seals.rekeyed(
            state.uid, new=signing.key_of(seed), previous=before.key, seed=old[0] if old else None
        )

    def save_key(self) -> None:
        """Write down a new key, once the log says that it is one.

        Not before: were the process killed in between, a key that the log does not know
        would stand in the file, and its seals would be taken for somebody else's.
        """
        if self._unsaved:
            assert self._file is not None and self._given is not None  # noqa: S101, PT018 - types
            seal_keys.make(self._file, self._given)
            self._unsaved = False

    def seal(self, connection: sa.Connection, state: LogState) -> bool:
        """Seal what is waiting, or the first part of much; say whether there is more."""
        first = seal_table.first_pos_due(connection)
        rows = run_bare(
            connection,
            "SELECT pos + n - 1, chain FROM commits WHERE {log} pos >= ? ORDER BY pos LIMIT ?",
            (first, MOST_ROWS),
        )
        more = len(rows) == MOST_ROWS
        self._rows = SEAL_ROWS if more else 0
        if rows:
            seal = seals.sealed(
                [chain for _, chain in rows], uid=state.uid, epoch=state.epoch, first=first,
                last=rows[-1][0], at_us=self._clock(), seed=self._seed(),
            )  # fmt: skip
            self.save_key()
            if seal_table.insert(connection, seal, state.epoch):
                self._send(seal)
        return more

    def _seed(self) -> bytes:
        if self._given is None:
            assert self._file is not None  # noqa: S101 - for the type checker
            found = seal_keys.seeds(self._file)
            self._unsaved = not found
            self._given = found[-1] if found else seal_keys.new_seed()
        return self._given

    def _send(self, seal: Seal) -> None:
        if self._on_seal is None:
            return
        try:
            self._on_seal(seal)
        except Exception:
            LOG.exception("on_seal_failed keys=%s last=%d", self._file, seal.last_pos)

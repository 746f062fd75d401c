"""The log of a process that shares it: one of them holds it, the others append beside it.

Source: LG-3, LG-5, SO-1, SO-4.
"""

from eventstore.codec import LOG_KIND
from eventstore.sql import tail
from eventstore.sql.plan import REMEMBERED_ROWS, LogState
from eventstore.sql.postgres import team
from eventstore.sql.postgres.log import PostgresLog
from eventstore.sql.sealing import Sealer


class JoinedLog(PostgresLog):
    """One log, as the writer of a node has it; a guest's at first. See `Appender`."""

    _node: str
    _as_holder: str
    _holders_sealer: Sealer | None

    def join(self, node: str, holder: str, sealer: Sealer | None) -> None:
        """Take down who this is; before anything is appended.

        Args:
            node: its id; its row is there.
            holder: what the log says of it while it holds it.
            sealer: seals the log then.
        """
        self._node = node
        self._as_holder = holder
        self._holders_sealer = sealer

    @property
    def holds(self) -> bool:
        """Whether this process holds the log; ask from anywhere."""
        return self._holder is not None and not self._fenced

    def take_over(self) -> None:
        """Hold the log under the next epoch, if nobody else does."""
        if self._holder is not None or self._fenced:
            return
        self._holder, self._sealer = self._as_holder, self._holders_sealer
        taken = False
        try:
            taken = self.hold()
        finally:
            if not taken:
                self._holder = self._sealer = None
        if taken:
            self._names.hold()
            self._pace.begin()
            self._link.lock()

    def judge(self) -> None:
        """Decide which nodes are gone: by a new epoch, at which each looks whether it is."""
        if self.holds:
            self.hold()

    def sync(self) -> None:
        """Do as any log, and as the holder look what the others appended: it wants seals."""
        super().sync()
        if self._holder is not None:
            self.catch_up()

    def finish(self) -> None:
        """Bring all to the disk; let others hold the log, and forget this node."""
        super().finish()
        if not self._link.is_lost and not self._fenced:
            team.leave(self._link.connection, self._node)

    def _extend(self) -> bool:
        if super()._extend():
            return True
        if self._holder is not None:
            return False
        self.catch_up()  # somebody else holds the log since; who is gone ends here
        return super()._extend()

    # --- what the others did ---

    def catch_up(self) -> None:
        """Read what came since, or all anew, and see whether this node is still one.

        Raises:
            EventStoreError: `log-fenced`.
        """
        before, state = self._state, self._read_state()
        if state == before and not self._unsure:
            return
        if self._unsure or not self._follow(before, state):
            super().catch_up()
        epoch = self._state.epoch
        if before.epoch not in (-1, epoch) and self._is_overtaken():
            raise self._fence(before.epoch, epoch)

    def _is_overtaken(self) -> bool:
        return team.is_gone(self._link.connection, self._node)

    def _follow(self, before: LogState, state: LogState) -> bool:
        """Learn of rows that others appended; False: there are too many."""
        if not 0 < before.next_pos <= state.next_pos:
            return False
        rows = tail.read_since(self._link.connection, before.next_pos, state.next_pos)
        if self._sealer is not None:
            self._sealer.note_rows(len(rows))
        # A fact of the log's own may tell of names, or of streams that left the log.
        if len(rows) > REMEMBERED_ROWS or any(row.kind == LOG_KIND.id for row in rows):
            return False
        tail.learn(rows, self._heads, self._recent)
        self._state = state
        return True

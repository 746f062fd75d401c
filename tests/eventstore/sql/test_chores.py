"""What a writer does while nothing waits never keeps it from writing."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from eventstore import NEW, Commit, EventStoreError, Position, Revision
from eventstore.drafts import Draft, Drafting
from eventstore.names import NameBook
from eventstore.sql.files import WriteLock
from eventstore.sql.plan import Outcome
from eventstore.sql.writer import WritableLog, Writer
from eventstore.testing import FakeClock, FakeIds, placed, registry, stream


class UnsealableLog(WritableLog):
    """A log in which sealing has a bug."""

    def __init__(self) -> None:
        self.tried = 0

    def flush(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        return [Commit(d.stream, Revision(1), Revision(1), Position(1), 1, b"") for d in drafts]

    def translated(self, error: sa.exc.DBAPIError) -> EventStoreError:
        raise error

    def reopen(self) -> None:
        return

    def sync(self) -> None:
        return

    def checkpoint(self, mode: str) -> object:
        return None

    def seal_due_s(self) -> float | None:
        return 0.0

    def seal(self) -> object:
        self.tried += 1
        raise ZeroDivisionError

    def sync_due_s(self) -> float | None:
        return None

    def wants_checkpoint(self, *, idle: bool) -> bool:
        return False

    def finish(self) -> None:
        return

    def close(self) -> None:
        return


@pytest.mark.proves("WR-1")
def test_a_bug_in_a_chore_does_not_end_the_writer(tmp_path: Path) -> None:
    """Whoever appends would wait for ever."""
    log, path = UnsealableLog(), tmp_path / "store.db"
    writer = Writer("sqlite:///store.db", path, log, WriteLock(path))
    known = registry()
    drafting = Drafting(known, NameBook(known, guest=False), FakeClock(), FakeIds())
    try:
        for number in range(3):
            draft = drafting.draft(stream(number), [placed()], kind="order", expected=NEW)
            assert writer.enqueue(draft).result(timeout_s=60).first == 1
    finally:
        assert writer.close()

    assert log.tried > 0

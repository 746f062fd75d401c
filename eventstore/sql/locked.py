"""The log of an open store, changed by whoever asks, between two flushes of its writer."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from eventstore.identifiers import Position
from eventstore.sql.maintaining import MaintainedLog
from eventstore.sql.writer import Writer

T = TypeVar("T")


class Locked:
    """See `eventstore.sql.archiving.Changing`.

    Args:
        writer: of the store.
        log_file: of the store.
        seals: whether this process seals it.
    """

    def __init__(self, writer: Writer, log_file: MaintainedLog, *, seals: bool) -> None:
        self._writer = writer
        self._log_file = log_file
        self._seals = seals

    def maintain(
        self,
        work: Callable[[sa.Connection], T],
        fact: str | None = None,
        tell: Callable[[T], object] = lambda _: None,
    ) -> tuple[T, Position]:
        return self._writer.do(lambda: self._log_file.change(work, fact, tell))

    def give_back(self, pages: int) -> bool:
        return self._writer.do(lambda: self._log_file.give_back(pages))

    def truncate(self) -> None:
        self._writer.do(lambda: self._log_file.checkpoint("TRUNCATE"))

    def seal_all(self) -> None:
        while self._seals and self._writer.do(self._log_file.seal):
            pass

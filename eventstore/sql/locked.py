"""The log of an open store, changed by whoever asks, between two flushes of its writer."""

from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

import sqlalchemy as sa

from eventstore.drafts import Draft
from eventstore.identifiers import Position
from eventstore.retention import ImportedFact
from eventstore.sql.adopting import Incoming
from eventstore.sql.writer import Writer

T = TypeVar("T")


class MovableLog(Protocol):
    """A log that rows leave or come to; whoever asks has it to itself."""

    def change(
        self,
        work: Callable[[sa.Connection], T],
        fact: str | None = None,
        tell: Callable[[T], object] = lambda _: None,
    ) -> tuple[T, Position]:
        """Do *work* past the guards, and append what there is to tell of it: all or nothing (TB-7).

        Args:
            work: on the connection, in a transaction; it has the log to itself.
            fact: type of the log's own fact that tells of it; None: there is none.
            tell: gives its payload, from what *work* gave; None: there is nothing to tell.

        Returns:
            What *work* gave, and the position of the log's last event after it.
        """
        ...

    def give_back(self, pages: int) -> bool:
        """Give what is free back, up to so many pages; say whether there are more (AR-2)."""
        ...

    def checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"]) -> object: ...
    def seal(self) -> bool: ...

    def adopt_names(self, incoming: Incoming) -> int:
        """Give numbers to the names of *incoming* that the log lacks; return their generation.

        Raises:
            EventStoreError: `log-fenced`.
        """
        ...

    def adopt_part(self, drafts: list[Draft], fact: ImportedFact) -> Position:
        """Append *drafts* of an import, and the fact that tells of them: all or nothing (AR-4).

        Returns:
            The position of the fact.

        Raises:
            EventStoreError: the refusal of one of them; `log-fenced`.
        """
        ...


class Locked:
    """See `eventstore.sql.archiving.Changing`.

    Args:
        writer: of the store.
        log: of the store.
        seals: whether this process seals it.
    """

    def __init__(self, writer: Writer, log: MovableLog, *, seals: bool) -> None:
        self._writer = writer
        self._log = log
        self._seals = seals

    def maintain(
        self,
        work: Callable[[sa.Connection], T],
        fact: str | None = None,
        tell: Callable[[T], object] = lambda _: None,
    ) -> tuple[T, Position]:
        return self._writer.do(lambda: self._log.change(work, fact, tell))

    def give_back(self, pages: int) -> bool:
        return self._writer.do(lambda: self._log.give_back(pages))

    def truncate(self) -> None:
        self._writer.do(lambda: self._log.checkpoint("TRUNCATE"))

    def seal_all(self) -> None:
        while self._seals and self._writer.do(self._log.seal):
            pass

"""The part of an open store whose streams leave it or come from elsewhere."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from eventstore.codec import Registry, check_words
from eventstore.drafts import Drafting
from eventstore.errors import EventStoreError
from eventstore.events import Archived, Exported, Pruned
from eventstore.identifiers import Position, StreamId
from eventstore.sql import exporting, tail
from eventstore.sql.adopting import Incoming, explained, in_parts
from eventstore.sql.archiving import Archiver
from eventstore.sql.locked import Locked, MovableLog
from eventstore.sql.reader import Reader
from eventstore.sql.writer import Writer


class Movable(ABC):
    """Archives, drops, exports and adopts. See `eventstore.store.Store`."""

    _reader: Reader
    _drafting: Drafting

    @property
    @abstractmethod
    def _seals(self) -> bool: ...

    @abstractmethod
    def seal(self) -> None: ...

    @abstractmethod
    def _writing(self) -> tuple[Writer, MovableLog]: ...

    @abstractmethod
    def _check_open(self) -> None: ...

    def archive(
        self,
        *,
        older_than: timedelta | None = None,
        kinds: Sequence[str] = (),
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Archived:
        archiver = self._archiver()
        return archiver.archive(archiver.wanted("archive", older_than, kinds, streams), progress)

    def prune(
        self,
        *,
        by: str,
        reason: str,
        older_than: timedelta | None = None,
        kinds: Sequence[str] = (),
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Pruned:
        archiver = self._archiver()
        check_words(by=by, reason=reason)
        wanted = archiver.wanted("drop", older_than, kinds, streams)
        return archiver.prune(wanted, by=by, reason=reason, progress=progress)

    def export(
        self,
        path: str,
        *,
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Exported:
        self._check_open()
        if self._seals:
            self.seal()
        return exporting.export(self._reader, Path(path), streams, progress)

    @property
    def registry(self) -> Registry:
        """What the program knows."""
        return self._reader.registry

    def adopt(self, incoming: Incoming, uid: str) -> Position:
        """Append what *incoming* of the log *uid* is missing; see `eventstore.sql.import_`.

        Compared without holding the log, and appended in parts: others append in between.
        """
        self._check_open()
        writer, log = self._writing()
        incoming.names(self._reader.ask(tail.read_names))
        incoming.compare(self._reader.of_stream)
        position = Position(0)
        if incoming.is_needed:
            generation = writer.do(partial(log.adopt_names, incoming))
            for drafts in in_parts(incoming.drafts(generation)):
                part = partial(log.adopt_part, drafts, incoming.fact(uid))
                try:
                    position = writer.do(part)
                except EventStoreError as error:
                    raise explained(error) from error
        return position

    def _archiver(self) -> Archiver:
        self._check_open()
        log = Locked(*self._writing(), seals=self._seals)
        return Archiver(self._reader, log, self._drafting.clock)

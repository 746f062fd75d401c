"""What a database gives whoever reads a log in it, follows it and saves cursors."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa

from eventstore.bell import Bell
from eventstore.following import PAUSES_S
from eventstore.sql.postgres import connections, failures
from eventstore.sql.postgres.hints import Listener, Teller
from eventstore.sql.postgres.shelving import shelf_of

HINTED_S = (1.0, 1.0)
"""Between two looks while hints come in (PG-4)."""


class Database:
    """A database, as `eventstore.sql.reader.Backend`.

    Args:
        url: for engines.
        place: the address without its password.
        keys: gives the public ones that are trusted to seal.
        segments: folder of what is archived; None: nobody named it.
    """

    def __init__(
        self,
        url: sa.URL,
        place: str,
        keys: Callable[[], Iterable[bytes]],
        segments: Path | None,
    ) -> None:
        self.place = place
        self.writers = connections.writer_engine(url)
        """Makes connections that commit each statement by itself."""
        self.shelf = shelf_of(self.writers, place, segments)
        self._url = url
        self._keys = keys

    def engine(self) -> sa.Engine:
        return connections.reader_engine(self._url)

    def cursors(self) -> sa.Engine:
        """Return an engine for one connection at a time that saves cursors."""
        return connections.cursor_engine(self._url)

    def sharing(self) -> sa.Engine:
        """Return an engine for what nodes share; a power cut may take the last of it."""
        return connections.sharing_engine(self._url)

    def translating(self) -> AbstractContextManager[None]:
        return failures.translating(self.place)

    def anchors(self) -> Iterable[bytes]:
        return self._keys()


class DatabaseWatch:
    """The `eventstore.sql.feed.Watch` of a database.

    Args:
        database: whose log is followed.
        end: gives the last position of the log.
        bell: of this store.
        teller: tells other processes of what this one commits; closed with this.
    """

    def __init__(
        self, database: Database, end: Callable[[], int], bell: Bell, teller: Teller | None
    ) -> None:
        self._database = database
        self._end = end
        self._bell = bell
        self._teller = teller
        self._listener: Listener | None = None
        self._cursors = database.cursors()

    @property
    def pauses_s(self) -> tuple[float, float]:
        """Longer while hints come in."""
        return HINTED_S if self._listener and self._listener.is_listening else PAUSES_S

    def version(self) -> int:
        if self._listener is None:
            self._listener = Listener(self._database.writers, self._bell)
        return self._end()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with self._database.translating(), self._cursors.connect() as connection:
            yield connection

    def close(self) -> None:
        if self._teller is not None:
            self._teller.close()
        if self._listener is not None:
            self._listener.close()
        self._cursors.dispose()

"""What a store gives its subscriptions: see `eventstore.following.Feed`."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa

from eventstore import refusals
from eventstore.cursors import Cursor, Mark
from eventstore.following import Found
from eventstore.forks import Process
from eventstore.sql import failures
from eventstore.sql.reader import Reader
from eventstore.sql.texts import run

_FIND = "SELECT epoch, position, chain FROM cursors WHERE name = ? AND log = ?"
_FORGET = "DELETE FROM cursors WHERE name = ? AND log = ?"
_PUT = (
    "INSERT INTO cursors (name, log, epoch, position, chain) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name, log) DO UPDATE SET epoch = excluded.epoch, position = excluded.position,"
    " chain = excluded.chain"
)
_PUT_FORWARD = f"{_PUT} WHERE excluded.position > cursors.position"


class Watch(Protocol):
    """How a backend tells that a log grew, and how cursors get into it. One call at a time."""

    @property
    def pauses_s(self) -> tuple[float, float]:
        """See `eventstore.following.Feed`."""
        ...

    def version(self) -> int:
        """Return a number that is another one whenever something was committed since."""
        ...

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Give a connection that commits each statement by itself."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class SqlFeed:
    """The feed of one open store. Thread-safe.

    Args:
        url: of the store.
        watch: of the store; the feed closes it.
        reader: of the store.
        note: appends the fact that a cursor was reset, given name, old and new text; None: the
            store is open for reading only.
    """

    def __init__(
        self, url: str, watch: Watch, reader: Reader, note: Callable[[str, str, str], None] | None
    ) -> None:
        self._url = url
        self._watch = watch
        self._reader = reader
        self._note = note
        self._lock = threading.Lock()
        self._closed = False
        self._generation = Process.generation

    def close(self) -> None:
        """Let go of connections."""
        with self._lock:
            self._closed = True
            self._watch.close()

    @cached_property
    def log(self) -> UUID:
        """Id of the log."""
        return self._reader.log_id()

    @property
    def pauses_s(self) -> tuple[float, float]:
        return self._watch.pauses_s

    def version(self) -> int:
        self._check_open()  # first: in a forked child the lock may be one that nobody gives back
        with self._lock:
            self._check_open()
            return self._watch.version()

    def page(self, after: Mark, kinds: Sequence[int]) -> Found:
        return self._reader.page(self.log, after, kinds)

    def beginning(self) -> Mark:
        return self._reader.mark_at(self.log, 0)

    def saved(self, name: str) -> Mark | None:
        row = self._reader.ask(lambda c: run(c, _FIND, (name, self.log.hex)).first())
        return None if row is None else Mark(*row)

    def save(self, name: str, mark: Mark) -> None:
        self._write(name, _PUT_FORWARD, mark)

    def reset(self, name: str, mark: Mark | None) -> None:
        if self._note is None:
            raise failures.cursor_not_kept(self._url, name)
        # The fact first: a reset that a crash cut short is then told of, and done again.
        self._note(name, self._text(self.saved(name)), self._text(mark))
        self._write(name, _FORGET if mark is None else _PUT, mark)

    def _write(self, name: str, statement: str, mark: Mark | None) -> None:
        if self._note is None:
            raise failures.cursor_not_kept(self._url, name)
        values = () if mark is None else (mark.epoch, mark.position, mark.chain)
        log = self.log.hex
        self._check_open()
        with self._lock:
            self._check_open()
            with self._watch.writing() as connection:
                run(connection, statement, (name, log, *values))

    def _text(self, mark: Mark | None) -> str:
        return str(Cursor({self.log: mark})) if mark is not None else ""

    def _check_open(self) -> None:
        if self._closed or self._generation != Process.generation:
            raise refusals.store_closed(self._url)

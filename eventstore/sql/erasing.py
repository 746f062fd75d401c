"""Destroy keys, and wrap them anew: maintenance of table `subject_keys` (EN-1, EN-3)."""

from collections.abc import Sequence

import sqlalchemy as sa

from eventstore import keyring
from eventstore.codec import check_words
from eventstore.erasure import BATCH, ERASED, REWRAPPED, Erased, Erasure, Rewrapped
from eventstore.identifiers import Position
from eventstore.keyring import WrappedKey
from eventstore.sql import subject_keys
from eventstore.subjects import Subjects, no_such_subject


class Erasing:
    """Destroys the keys of one subject.

    Args:
        subject: hash of whose.
        by: who wants it.
        reason: why.

    Raises:
        EventStoreError: `invalid-event` for words that no fact can hold.
    """

    type = ERASED

    def __init__(self, subject: bytes, by: str, reason: str) -> None:
        check_words(by=by, reason=reason)
        self.subject = subject
        self._by = by
        self._reason = reason
        self.keys: Sequence[WrappedKey] = ()

    def work(self, connection: sa.Connection) -> Erased:
        """Destroy them; return the fact of it.

        Raises:
            EventStoreError: `no-such-subject`.
        """
        self.keys = subject_keys.of(connection, self.subject)
        if not self.keys:
            raise no_such_subject()
        subject_keys.delete(connection, self.keys)
        numbers = [kept.id for kept in self.keys]
        return Erased(self.subject.hex(), numbers, self._by, self._reason)

    def told(self, position: Position, gone: bool, copies: tuple[str, ...]) -> Erasure:  # noqa: FBT001
        """Return what came of it.

        Args:
            position: of the fact.
            gone: whether no file of the store holds the keys any more.
            copies: files beside it that do.
        """
        return Erasure(position, len(self.keys), gone, copies)


class Rewrapping:
    """Wraps some keys by the newest master that another one wraps.

    Args:
        subjects: knows both masters.
    """

    type = REWRAPPED

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects
        self.done = 0

    def work(self, connection: sa.Connection) -> Rewrapped | None:
        """Wrap them anew; return the fact of it, None if there were none left.

        Raises:
            EventStoreError: `wrong-master`, `sealed-invalid`; nothing was changed then.
        """
        master = keyring.name_of(self._subjects.keyring.newest)
        found = subject_keys.not_wrapped_by(connection, master, BATCH)
        if not found:
            return None
        subject_keys.update(connection, [self._subjects.rewrapped(kept) for kept in found])
        self.done = len(found)
        return Rewrapped(master, self.done)

"""The keys of persons of a store in memory, and what it does with them."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from eventstore.chain import StoredRow
from eventstore.codec import check_words
from eventstore.codec.hiding import sealed_at
from eventstore.erasure import BATCH, ERASED, REWRAPPED, Erased, Erasure, Rewrapped
from eventstore.identifiers import Clock, Ids, Position, StreamId
from eventstore.keyring import Keyring, Opened, Origin, WrappedKey, keyring_missing, name_of
from eventstore.subjects import Subjects, no_such_subject


class MemoryKeys:
    """A table in a dict. See `eventstore.subjects.KeyTable`."""

    def __init__(self) -> None:
        self._keys: dict[int, WrappedKey] = {}

    def by_id(self, number: int) -> WrappedKey | None:
        """Return the key of that number."""
        return self._keys.get(number)

    def of(self, subject: bytes) -> WrappedKey | None:
        """Return the first key of the subject whose hash is given."""
        return next(iter(self.all_of(subject)), None)

    def all_of(self, subject: bytes) -> list[WrappedKey]:
        """Return all keys of that subject."""
        return [kept for kept in self._keys.values() if kept.subject == subject]

    def not_wrapped_by(self, master: str) -> list[WrappedKey]:
        """Return the keys that another master wraps."""
        return [kept for kept in self._keys.values() if kept.master != master]

    def put(self, keys: Iterable[WrappedKey]) -> None:
        """Keep *keys*, each in the place of what has its number."""
        self._keys |= {kept.id: kept for kept in keys}

    def drop(self, keys: Iterable[WrappedKey]) -> None:
        """Destroy *keys*."""
        for kept in keys:
            del self._keys[kept.id]

    def close(self) -> None:
        """Do nothing."""


class MemoryKeyring(ABC):
    """The part of a store in memory that has keys. See `eventstore.store.Store`."""

    _lock: threading.RLock

    def __init__(self, keyring: Keyring | None, clock: Clock, ids: Ids) -> None:
        self._keys = MemoryKeys()
        self._subjects = None if keyring is None else Subjects(keyring, self._keys, clock, ids)

    @property
    def nodes(self) -> None:
        return None

    @property
    def has_keyring(self) -> bool:
        return self._subjects is not None

    def open_sealed(self, stream: StreamId, revision: int, pointer: str) -> Opened:
        self._check_open()
        with self._lock:
            row = self._row_of(stream, revision)
            sealed = sealed_at(row.data, revision - row.revision, pointer)
            first = self._first_of(row)
        origin = Origin(row.stream, row.commit_id, revision - first.revision, pointer)
        return self._keyring("To open a sealed value").open(sealed, origin)

    def forgotten(self, keys: Iterable[int]) -> frozenset[int]:
        return frozenset(number for number in keys if self._keys.by_id(number) is None)

    def erase(self, subject: str, *, by: str, reason: str) -> Erasure:
        self._check_open()
        with self._lock:
            hashed = self._keyring("To erase somebody").hash_of(subject)
            check_words(by=by, reason=reason)
            found = self._keys.all_of(hashed)
            if not found:
                raise no_such_subject()
            self._keys.drop(found)
            fact = Erased(hashed.hex(), [kept.id for kept in found], by, reason)
            return Erasure(self._tell(ERASED, fact), len(found), gone=True)

    def rewrap(self, new_master: bytes, progress: Callable[[int, int], None] | None = None) -> int:
        self._check_open()
        done = 0
        with self._lock:
            subjects = self._keyring("To change the master")
            subjects.learn(new_master)
            total = len(self._keys.not_wrapped_by(name_of(new_master)))
            while found := self._keys.not_wrapped_by(name_of(new_master))[:BATCH]:
                self._keys.put([subjects.rewrapped(kept) for kept in found])
                self._tell(REWRAPPED, Rewrapped(name_of(new_master), len(found)))
                done += len(found)
                if progress is not None:
                    progress(done, total)
        return done

    def _begin_keys(self) -> None:
        if self._subjects is not None:
            own = self._subjects.new_own()
            self._keys.put([own])
            self._subjects.begin(own)

    def _put_keys(self) -> None:
        if self._subjects is not None:
            keys = self._subjects.pending()
            self._keys.put(keys)
            self._subjects.settled(keys)

    def _keyring(self, who: str) -> Subjects:
        if self._subjects is None:
            raise keyring_missing(who)
        return self._subjects

    @abstractmethod
    def _check_open(self) -> None: ...

    @abstractmethod
    def _row_of(self, stream: StreamId, revision: int) -> StoredRow: ...

    @abstractmethod
    def _first_of(self, row: StoredRow) -> StoredRow:
        """Return the first row of the commit of *row*."""

    @abstractmethod
    def _tell(self, type_: str, fact: object) -> Position:
        """Append a fact of maintenance; return where."""

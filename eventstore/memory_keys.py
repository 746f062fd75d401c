"""The keys of persons of a store in memory."""

from collections.abc import Iterable

from eventstore.keyring import WrappedKey


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

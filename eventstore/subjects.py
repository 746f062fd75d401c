"""The keys of persons in one open store: found, made, used. Port and rules; no I/O here.

Keys are not kept in memory: each use looks into the table, so a key that any process
destroyed is gone for all at once. New ones are *pending* until the writer has put them into
the table, which it does before the rows that need them.
"""

import threading
from collections.abc import Iterable
from typing import Protocol

import msgspec

from eventstore import keyring as secrets
from eventstore.errors import EventStoreError
from eventstore.identifiers import Clock, Ids
from eventstore.keyring import (
    NONCE_BYTES,
    SECRET_BYTES,
    Forgotten,
    Keyring,
    Opened,
    Origin,
    WrappedKey,
)
from eventstore.values import Sealed, Tree, encode, tree_bytes

OWN = 0
"""Number of the store's own key, which hashes subjects and values."""
_decode = msgspec.json.Decoder().decode
_canonical = msgspec.json.Encoder(order="sorted").encode
_NUMBER_BITS = 53
"""So that every reader of JSON holds a key's number exactly."""


class KeyTable(Protocol):
    """Table `subject_keys`, to be read."""

    def by_id(self, number: int) -> WrappedKey | None:
        """Return the key of that number; None: there is none, or none any more."""
        ...

    def of(self, subject: bytes) -> WrappedKey | None:
        """Return the first key of the subject whose hash is given."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Subjects:
    """Hides values under the keys of those whose they are, and shows them. Thread-safe.

    Args:
        keyring: masters that wrap the keys.
        table: where keys are.
        clock: says when a key was made.
        ids: gives keys and nonces.
    """

    def __init__(self, keyring: Keyring, table: KeyTable, clock: Clock, ids: Ids) -> None:
        self.keyring = keyring
        self.table = table
        self._clock = clock
        self._ids = ids
        self._lock = threading.Lock()
        self._pending: dict[bytes, WrappedKey] = {}
        self._secret: bytes | None = None

    # --- the store's own key ---

    @property
    def has_own(self) -> bool:
        """Whether the store's own key is known."""
        return self._secret is not None

    def new_own(self) -> WrappedKey:
        """Make the key that a store gets when it is first opened with a keyring."""
        return self._new(OWN, b"")

    def begin(self, own: WrappedKey | None) -> None:
        """Take the store's own key; None: it has none, as nothing was ever hidden in it.

        Raises:
            EventStoreError: `wrong-master`: the keyring is another store's.
        """
        self._secret = None if own is None else self.keyring.unwrap(own)

    def hash_of(self, subject: str) -> bytes:
        """Return what *subject* is kept as.

        Raises:
            EventStoreError: `no-such-subject` where nothing was ever hidden.
        """
        if self._secret is None:
            raise no_such_subject()
        return secrets.subject_hash(self._secret, subject)

    # --- hiding ---

    def hashed(self, tree: Tree) -> str:
        """Return what is kept of an encoded value instead of it."""
        assert self._secret is not None  # noqa: S101 - a store that appends has one
        return secrets.value_hash(self._secret, _canonical(tree))

    def sealed(self, tree: Tree, key: tuple[int, bytes], origin: Origin, *, again: bool) -> Tree:
        """Return an encoded value encrypted.

        Args:
            tree: the value.
            key: of `key_for`.
            origin: where it will stand.
            again: whether the append may be sent again; then its bytes must be the same.
        """
        number, secret = key
        text = tree_bytes(tree)
        nonce = self._ids.token(NONCE_BYTES)
        if again:
            nonce = secrets.repeatable_nonce(secret, text, origin)
        return encode(Sealed(number, secrets.seal(secret, nonce, text, origin)))

    def key_for(self, subject: str) -> tuple[int, bytes]:
        """Return number and secret of the subject's key; a new one is pending."""
        hashed = self.hash_of(subject)
        with self._lock:
            # In this order: a key leaves `_pending` only once it is in the table.
            kept = self._pending.get(hashed) or self.table.of(hashed)
            if kept is None:
                number = int.from_bytes(self._ids.token(8), "big") % (1 << _NUMBER_BITS) or 1
                kept = self._pending[hashed] = self._new(number, hashed)
        return kept.id, self.keyring.unwrap(kept)

    def _new(self, number: int, subject: bytes) -> WrappedKey:
        key, nonce = self._ids.token(SECRET_BYTES), self._ids.token(NONCE_BYTES)
        master, wrapped = self.keyring.wrap(key, number, nonce)
        return WrappedKey(number, subject, master, wrapped, self._clock())

    # --- what the writer does ---

    def has_pending(self) -> bool:
        """Say whether there are keys that are not in the table yet."""
        return bool(self._pending)

    def pending(self) -> list[WrappedKey]:
        """Return the keys that have to get into the table before the next rows."""
        with self._lock:
            return list(self._pending.values())

    def settled(self, keys: Iterable[WrappedKey]) -> None:
        """Note that *keys* are in the table."""
        with self._lock:
            for kept in keys:
                self._pending.pop(kept.subject, None)

    def learn(self, master: bytes) -> None:
        """Wrap with *master* from now on.

        Raises:
            EventStoreError: `bad-master`.
        """
        self.keyring = self.keyring.plus(master)

    def rewrapped(self, kept: WrappedKey) -> WrappedKey:
        """Return the same key, wrapped by the newest master."""
        key, nonce = self.keyring.unwrap(kept), self._ids.token(NONCE_BYTES)
        master, wrapped = self.keyring.wrap(key, kept.id, nonce)
        return msgspec.structs.replace(kept, master=master, wrapped=wrapped)

    def close(self) -> None:
        """Let go of the table."""
        self.table.close()

    # --- showing ---

    def open(self, sealed: Sealed, origin: Origin) -> Opened:
        """Return the encoded value in *sealed*, which was first written at *origin*.

        Raises:
            EventStoreError: `sealed-invalid`, `wrong-master`.
        """
        with self._lock:
            pending = [kept for kept in self._pending.values() if kept.id == sealed.key]
            kept = pending[0] if pending else self.table.by_id(sealed.key)
        if kept is None or sealed.key == OWN:
            return Forgotten(sealed.key)
        return _decode(secrets.unseal(self.keyring.unwrap(kept), sealed.box, origin))


def no_such_subject() -> EventStoreError:
    """Say that there is no key. It does not repeat whose: it may stand in a log file."""
    return EventStoreError(
        "no-such-subject",
        "The store has no key of this subject: nothing of theirs was ever sealed here, or they"
        " were erased before.",
        "Check how the subject is written: it is the text of the field that `subject=` names.",
        {},
    )

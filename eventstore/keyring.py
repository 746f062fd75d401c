"""The secrets that keep persons' values: masters wrap keys, keys encrypt values. Pure.

A *master* is 32 bytes from outside of the store. It wraps the key of each subject; the key
encrypts the subject's values, each bound to the place where it was first written. Without
the key, which `erase` destroys, a value is forgotten, in every copy of the rows.

Source: EN-1, EN-2; AES-256-GCM by `cryptography`, which is loaded by the first use only.
"""

import hashlib
import hmac
import struct
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from eventstore.errors import EventStoreError
from eventstore.identifiers import StreamId

SECRET_BYTES = 32
NONCE_BYTES = 12
_FORM = ">16s16sI"


class Origin(msgspec.Struct, frozen=True):
    """Where a value was first written: what its encryption is bound to."""

    stream: StreamId
    commit_id: bytes
    index: int
    """Of the event in its commit, from 0."""
    pointer: str
    """Into the event's payload as stored (RFC 6901)."""

    def bound(self) -> bytes:
        """Return the bytes that stand for it."""
        head = struct.pack(_FORM, self.stream.bytes, self.commit_id, self.index)
        return b"timescape value v1\0" + head + self.pointer.encode(errors="surrogatepass")


class Forgotten(msgspec.Struct, frozen=True):
    """Stands for a value whose key was destroyed: nobody can read it any more."""

    key: int
    """That it was encrypted under."""


Opened: TypeAlias = Any | Forgotten
"""An encoded value, which `eventstore.values.decode` makes one of yours, or `Forgotten`."""


class WrappedKey(msgspec.Struct, frozen=True):
    """A key as it is kept: a row of table `subject_keys`."""

    id: int
    subject: bytes
    """The HMAC of whose it is; nothing for the store's own key, number 0."""
    master: str
    """Name of the master that wraps it."""
    wrapped: bytes
    created_us: int


class Keyring:
    """The masters of a store. It is never written anywhere, and shows nothing of itself.

    Args:
        masters: 32 bytes each. The last wraps what is new; earlier ones only open what
            they have wrapped, until `rewrap` has been over it.

    Raises:
        EventStoreError: `bad-master`.
    """

    __slots__ = ("_masters", "_newest")

    def __init__(self, masters: Sequence[bytes]) -> None:
        good = [type(each) is bytes and len(each) == SECRET_BYTES for each in masters]
        if not good or not all(good):
            where = "What was given"
            raise bad_master(where)
        self._masters = {name_of(master): master for master in masters}
        self._newest = masters[-1]

    @property
    def newest(self) -> bytes:
        """The master that wraps what is new."""
        return self._newest

    def plus(self, master: bytes) -> "Keyring":
        """Return a keyring that wraps with *master*, and opens what this one opens.

        Raises:
            EventStoreError: `bad-master`.
        """
        return Keyring([*self._masters.values(), master])

    def wrap(self, key: bytes, number: int, nonce: bytes) -> tuple[str, bytes]:
        """Return the newest master's name, and *key* of that *number* wrapped by it."""
        return name_of(self._newest), nonce + _encrypt(self._newest, nonce, key, _about(number))

    def unwrap(self, kept: WrappedKey) -> bytes:
        """Return the key.

        Raises:
            EventStoreError: `wrong-master`, `sealed-invalid`.
        """
        master = self._masters.get(kept.master)
        if master is None:
            raise wrong_master(kept.master)
        return _decrypt(master, kept.wrapped, _about(kept.id), f"key {kept.id}")


def name_of(master: bytes) -> str:
    """Return what *master* is called where it must not stand itself."""
    return hashlib.sha256(b"timescape master v1\0" + master).hexdigest()[:16]


def subject_hash(secret: bytes, subject: str) -> bytes:
    """Return what *subject* is kept as."""
    return _keyed(secret, b"subject\0", subject.encode(errors="surrogatepass"))


def value_hash(secret: bytes, text: bytes) -> str:
    """Return what is kept of a value, given as JSON: equal for equal values."""
    return f"hmac:{_keyed(secret, b'value' + bytes(1), text)[:16].hex()}"


def seal(key: bytes, nonce: bytes, text: bytes, origin: Origin) -> bytes:
    """Return *text* encrypted, to be read only as what stands at *origin*."""
    return nonce + _encrypt(key, nonce, text, origin.bound())


def unseal(key: bytes, box: bytes, origin: Origin) -> bytes:
    """Return the text in *box*.

    Raises:
        EventStoreError: `sealed-invalid`: altered, or not from there.
    """
    return _decrypt(key, box, origin.bound(), f"value at {origin.pointer[:200]!r}")


def repeatable_nonce(key: bytes, text: bytes, origin: Origin) -> bytes:
    """Return a nonce that only the same text at the same place has.

    For appends that may be sent again: the second must have the bytes of the first (ES-4).
    """
    bound = origin.bound()
    return _keyed(key, b"nonce\0", struct.pack(">I", len(bound)) + bound + text)[:NONCE_BYTES]


def _keyed(secret: bytes, use: bytes, text: bytes) -> bytes:
    return hmac.digest(secret, b"timescape " + use + text, "sha256")


def _about(number: int) -> bytes:
    return b"timescape key v1\0" + number.to_bytes(8, "big")


def _encrypt(key: bytes, nonce: bytes, text: bytes, bound: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

    return AESGCM(key).encrypt(nonce, text, bound)


def _decrypt(key: bytes, box: bytes, bound: bytes, what: str) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:  # ValueError: too short to be a box
        raise sealed_invalid(what) from error


def sealed_invalid(what: str) -> EventStoreError:
    """Say that what was encrypted is not what was written there."""
    return EventStoreError(
        "sealed-invalid",
        f"The {what} was altered, or moved here from another place.",
        "Run `timescape verify`; keep the file and compare it with a backup.",
        {"what": what},
    )


def own_key_gone() -> EventStoreError:
    """Say that nobody's key can be found any more, for what subjects are hashed with is gone."""
    return EventStoreError(
        "sealed-invalid",
        "The store's own key is gone, and keys of persons are there, which are found by it.",
        "Keep the file and compare it with a backup; without a keyring it can be read.",
        {"key": 0},
    )


def keyring_missing(who: str) -> EventStoreError:
    """Say that somebody wants values hidden that this store has no keys for."""
    return EventStoreError(
        "keyring-missing",
        f"{who} needs a keyring, and this store was opened without one.",
        "Give a file with a master: `timescape serve --keyring FILE`, TIMESCAPE_KEYRING, or"
        " `open_store(keyring=…)`. `openssl rand -hex 32` makes one.",
        {"who": who},
    )


def wrong_master(name: str) -> EventStoreError:
    """Say that the master that is needed is not among those given."""
    return EventStoreError(
        "wrong-master",
        f"Master {name} wraps what is asked for, and it is not in the keyring.",
        "Give the file that the store was used with; after a change of masters it holds the old"
        " one, too, until `timescape rewrap` is done.",
        {"master": name},
    )


def bad_master(where: str) -> EventStoreError:
    """Say that something is no master; it shows nothing of it."""
    return EventStoreError(
        "bad-master",
        f"{where} holds no master.",
        "A master is 32 bytes: a file of just these, or of 64 hex digits a line, the newest last.",
        {"where": where},
    )

"""Signed statements about stretches of the log, and what they find. Pure.

The chain finds a row that was altered without all rows after it. Whoever re-chains those
too is found by the seals: they hold the chain values as they were, under a signature.
Its *marks*, four bytes of each chain value, name the first row of a re-chained stretch.
A change here makes seals of existing logs worthless.

Source: CH-2, CH-3, CH-5.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Annotated
from uuid import UUID

import msgspec

from eventstore import signing

FORM = "timescape-seal-v1"
REKEYED = "maintenance.rekeyed"
MARK_BYTES = 4
"""Of each chain value in a seal's marks."""
Hex = Annotated[str, msgspec.Meta(pattern="^(?:[0-9a-f]{2})*$")]
_LINES = 8
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_sha256 = hashlib.sha256


class Note(msgspec.Struct, frozen=True):
    """What a seal says of the rows from one position to another."""

    uid: UUID
    """Of the log."""
    epoch: int
    """Under which it was sealed."""
    first: int
    """Position of the first event sealed."""
    last: int
    head: bytes
    """Chain value of the last row."""
    root: bytes
    """Of the RFC 6962 tree over the rows' chain values."""
    marks: bytes
    """SHA-256 of the marks."""
    at_us: int
    """When it was sealed."""


class Seal(msgspec.Struct, frozen=True):
    """A signed note, as it is stored: the columns of table `seals`."""

    last_pos: int
    first_pos: int
    note: str
    marks: bytes
    key: bytes
    """Public; whose seed signed the note."""
    signature: bytes


class Rekeying(msgspec.Struct, frozen=True):
    """The log's own fact that another key seals from now on: `maintenance.rekeyed`."""

    key: Hex
    """The new one, public."""
    previous: Hex
    signature: Hex | None = None
    """Of the previous key over the new one; None: its seed was not there."""


def text_of(note: Note) -> str:
    """Return *note* as the lines that are signed."""
    at = (_EPOCH + dt.timedelta(microseconds=note.at_us)).isoformat(timespec="microseconds")
    return "\n".join((
        FORM, note.uid.hex, str(note.epoch), f"{note.first}-{note.last}", note.head.hex(),
        note.root.hex(), note.marks.hex(), at.replace("+00:00", "Z"), "",
    ))  # fmt: skip


def read_note(text: str) -> Note | None:
    """Return the note whose lines *text* is; None if it is not exactly one."""
    lines = text.split("\n")
    stretch = lines[3].partition("-") if len(lines) == _LINES + 1 else ("", "", "")
    if not all(map(_NUMBER.fullmatch, (stretch[0], stretch[2], *lines[2:3]))):
        return None
    try:
        head, root, marks = map(bytes.fromhex, lines[4:7])
        at_us = (dt.datetime.fromisoformat(lines[7]) - _EPOCH) // dt.timedelta(microseconds=1)
        note = Note(
            UUID(lines[1]), int(lines[2]), int(stretch[0]), int(stretch[2]), head, root, marks,
            at_us,
        )  # fmt: skip
    except (ValueError, TypeError, OverflowError):
        return None
    return note if text_of(note) == text else None


def root_of(chains: Sequence[bytes]) -> bytes:
    """Return the root of the tree over *chains*, at least one.

    Source: RFC 6962, section 2.1. Level by level from below, where a last one without a
    partner goes up as it is, gives the same tree as the recursion there, at half the time.
    """
    level = [_sha256(b"\0" + chain).digest() for chain in chains]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [_sha256(b"\1" + left + right).digest() for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def marks_of(chains: Iterable[bytes]) -> bytes:
    """Return the marks of rows with these chain values."""
    return b"".join([chain[:MARK_BYTES] for chain in chains])


def sealed(
    chains: Sequence[bytes],
    *,
    uid: UUID,
    epoch: int,
    first: int,
    last: int,
    at_us: int,
    seed: bytes,
) -> Seal:
    """Seal the rows from position *first* to *last*, whose chain values are *chains*."""
    marks = marks_of(chains)
    note = text_of(
        Note(uid, epoch, first, last, chains[-1], root_of(chains), _sha256(marks).digest(), at_us)
    )
    signature = signing.sign(seed, note.encode())
    return Seal(last, first, note, marks, signing.key_of(seed), signature)


def rekeyed(uid: UUID, *, new: bytes, previous: bytes, seed: bytes | None) -> Rekeying:
    """Make the fact that the key *new* follows *previous*; *seed*: of the previous one."""
    signature = signing.sign(seed, _vouched(uid, new)).hex() if seed else None
    return Rekeying(new.hex(), previous.hex(), signature)


def is_vouched(uid: UUID, fact: Rekeying) -> bool:
    """Say whether the previous key signed the new one."""
    previous, signature = bytes.fromhex(fact.previous), bytes.fromhex(fact.signature or "")
    return signing.is_signed(previous, _vouched(uid, bytes.fromhex(fact.key)), signature)


def _vouched(uid: UUID, new: bytes) -> bytes:
    return f"timescape-key-v1\n{uid.hex}\n{new.hex()}\n".encode()


def trusted(uid: UUID, anchors: Iterable[bytes], facts: Iterable[Rekeying]) -> frozenset[bytes]:
    """Return the keys that may have sealed the log *uid*.

    Those that somebody vouches for (*anchors*), those that a trusted key signed, and those
    that a trusted key followed: its holder wrote the fact, so it knew whom it followed.
    """
    known = set(anchors)
    facts = list(facts)
    for _ in facts:  # each turn reaches one further at least
        for fact in facts:
            new, previous = bytes.fromhex(fact.key), bytes.fromhex(fact.previous)
            if new in known:
                known.add(previous)
            elif previous in known and is_vouched(uid, fact):
                known.add(new)
    return frozenset(known)


def fault_of(seal: Seal, uid: UUID, keys: frozenset[bytes]) -> str | None:
    """Say what is wrong with *seal* in itself; None: nothing.

    Args:
        seal: as it is stored.
        uid: of the log.
        keys: that are trusted.
    """
    if seal.key not in keys:
        return f"The key {seal.key.hex()[:16]}… is not known as one of this log."
    if not signing.is_signed(seal.key, seal.note.encode(errors="surrogateescape"), seal.signature):
        return "Its signature is not that of its note."
    note = read_note(seal.note)
    if (
        note is None
        or note.uid != uid
        or (note.first, note.last) != (seal.first_pos, seal.last_pos)
    ):
        return "Its note is not about these rows of this log."
    if _sha256(seal.marks).digest() != note.marks:
        return "Its marks are not those that were signed."
    return None

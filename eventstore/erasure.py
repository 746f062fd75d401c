"""What is told of keys that were destroyed or wrapped anew. Pure.

Source: EN-1, EN-3.
"""

import msgspec

from eventstore.identifiers import Position

ERASED = "maintenance.erased"
REWRAPPED = "maintenance.rewrapped"
BATCH = 100
"""Keys that one transaction of `rewrap` wraps anew."""


class Erased(msgspec.Struct, frozen=True):
    """The log's own fact that a subject's keys were destroyed."""

    subject: str
    """Hash of whose, in hex: only who has the master can tell that it is somebody's."""
    keys: list[int]
    by: str
    reason: str


class Rewrapped(msgspec.Struct, frozen=True):
    """The log's own fact that keys are wrapped by another master."""

    master: str
    """Name of the new one."""
    keys: int


class Erasure(msgspec.Struct, frozen=True):
    """What `erase` did, and what is beyond it."""

    position: Position
    """Of the fact `maintenance.erased`."""
    keys: int
    """How many keys were destroyed: one, unless two processes made one each at once."""
    gone: bool
    """Whether no file of the store holds them any more; else a reader was in the way, and
    the holder's next checkpoint, at its close at the latest, does it."""
    copies: tuple[str, ...] = ()
    """Files beside the store that still hold them, such as the backup of an upgrade. Copies
    elsewhere nobody knows: with one of them and the master the values can be read."""

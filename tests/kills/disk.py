"""A disk whose power may be cut at any time, and what is on it then.

What was synced is there. Of everything else any sector of 512 bytes may be there or not, any
cut of a file and any name: whatever the system happened to have written, in any order.
"""

from copy import copy
from random import Random
from typing import TypeAlias

from tests.kills.launcher import Told
from tests.kills.recording import Happened, Link, Open, Rename, Sync, Truncate, Unlink, Write

SECTOR = 512
KEPT = (0.0, 0.1, 0.5, 0.9, 1.0)
"""How much of what was not synced may be there: each image has one of these."""


class File:
    """What is on the disk of a file, and what was done to it since."""

    def __init__(self) -> None:
        self.synced = bytearray()
        self.since: list[tuple[int, bytes] | int] = []
        """Bytes at a place; or a new size."""
        self.size = 0

    def write(self, data: bytes, at: int | None) -> None:
        start = self.size if at is None else at
        self.since.append((start, data))
        self.size = max(self.size, start + len(data))

    def truncate(self, size: int) -> None:
        self.since.append(size)
        self.size = size

    def sync(self) -> None:
        for each in self.since:
            do(self.synced, each)
        self.since = []

    def left(self, kept: float, chance: Random) -> bytes:
        """Give what may be found after a power cut."""
        found = copy(self.synced)
        for each in self.since:
            if isinstance(each, int):
                if chance.random() < kept:
                    do(found, each)
            else:
                for part in sectors(*each):
                    if chance.random() < kept:
                        do(found, part)
        return bytes(found)


def do(content: bytearray, what: tuple[int, bytes] | int) -> None:
    """Write or cut *content*; what lies between its end and a write is zeros."""
    size = what if isinstance(what, int) else what[0]
    if size > len(content):
        content.extend(bytes(size - len(content)))
    if isinstance(what, int):
        del content[size:]
    else:
        content[size : size + len(what[1])] = what[1]


def sectors(start: int, data: bytes) -> list[tuple[int, bytes]]:
    """Cut a write where sectors end."""
    parts = []
    while data:
        room = SECTOR - start % SECTOR
        parts.append((start, data[:room]))
        start, data = start + room, data[room:]
    return parts


Names: TypeAlias = dict[str, File]
Naming: TypeAlias = tuple[str | None, str | None, File]
"""A name that goes, one that comes, and of which file."""


class Disk:
    """One folder on a disk."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._now: Names = {}
        self._synced: Names = {}
        self._since: list[Naming] = []

    def happen(self, what: Happened) -> None:
        """Take note of what a process did."""
        match what:
            case Sync(file) if file == self._folder:
                self._synced, self._since = dict(self._now), []
            case Sync(file):
                self._with(file).sync()
            case Write(file, data, at):
                self._with(file).write(data, at)
            case Truncate(file, size):
                self._with(file).truncate(size)
            case Open() | Rename() | Link() | Unlink():
                self._rename(what)
            case Told():
                pass

    def _rename(self, what: Open | Rename | Link | Unlink) -> None:
        match what:
            case Open(file, empties) if file in self._now:
                if empties:
                    self._now[file].truncate(0)
            case Open(file):
                self._name(None, file, File())
            case Rename(file, to):
                self._name(file, to, self._now[file])
            case Link(file, to):
                self._name(None, to, self._now[file])
            case Unlink(file):
                self._name(file, None, self._now.get(file, File()))

    def _with(self, file: str) -> File:
        # What has lost its name is written to no avail.
        return self._now.get(file) or File()

    def _name(self, gone: str | None, new: str | None, file: File) -> None:
        self._since.append((gone, new, file))
        rename(self._now, self._since[-1])

    def now(self) -> dict[str, bytes]:
        """Give the files as programs see them."""
        return {name: file.left(2.0, Random(0)) for name, file in self._now.items()}  # noqa: S311

    def image(self, chance: Random) -> dict[str, bytes]:
        """Give the files that may be found if the power was cut now."""
        kept = chance.choice(KEPT)
        names = dict(self._synced)
        for naming in self._since:
            if chance.random() < kept:
                rename(names, naming)
        left = {file: file.left(kept, chance) for file in dict.fromkeys(names.values())}
        return {name: left[file] for name, file in names.items()}


def rename(names: Names, naming: Naming) -> None:
    gone, new, file = naming
    if gone is not None:
        names.pop(gone, None)
    if new is not None:
        names[new] = file

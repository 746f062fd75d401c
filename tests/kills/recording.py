"""What a process did to the files of a folder, read from what strace wrote down.

Only calls that change files or their names, or bring them to the disk, and what was told on
stdout. SQLite's `-shm` files are left out: they are mapped, never read after a power cut.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec

from tests.kills.launcher import Told

CALLS = (
    "openat,write,pwrite64,writev,pwritev,ftruncate,fallocate,fsync,fdatasync,rename,renameat,"
    "renameat2,link,linkat,unlink,unlinkat"
)


def strace(file: Path) -> tuple[str, ...]:
    """Give the arguments of an strace that writes to *file* what `read` reads."""
    return ("-y", "-xx", "-s", "1000000000", "-o", str(file), "-e", f"trace={CALLS}")


class Write(msgspec.Struct, frozen=True):
    """Bytes at a place of a file; None: at its end."""

    file: str
    data: bytes
    at: int | None = None


class Truncate(msgspec.Struct, frozen=True):
    file: str
    size: int


class Sync(msgspec.Struct, frozen=True):
    """A file, or a folder with the names in it, is on the disk from here on."""

    file: str


class Open(msgspec.Struct, frozen=True):
    """A name that may be new."""

    file: str
    empties: bool


class Rename(msgspec.Struct, frozen=True):
    file: str
    to: str


class Link(msgspec.Struct, frozen=True):
    file: str
    to: str


class Unlink(msgspec.Struct, frozen=True):
    file: str


Happened: TypeAlias = Write | Truncate | Sync | Open | Rename | Link | Unlink | Told

_LINE = re.compile(r"(?P<thread>\d+) +(?P<call>\w+)\((?P<rest>.*)", re.DOTALL)
_RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)", re.DOTALL)
_DESCRIPTOR = re.compile(r"(\d+)<([^>]*)>")
_STRING = re.compile(r'"([^"]*)"')
_UNFINISHED = " <unfinished ...>"


def read(lines: Iterable[str], folder: Path) -> Iterator[Happened]:
    """Give what happened below *folder* and on stdout, in order.

    A write counts from its start, a sync once it has returned, an answer once somebody may
    have heard it.
    """
    unfinished: dict[str, str] = {}
    for line in lines:
        happened = None
        if (found := _RESUMED.match(line)) is not None:
            rest = unfinished.pop(found["thread"]) + found["rest"]
            if found["call"] in _AT_END:
                happened = _happened(found["call"], rest)
        elif (found := _LINE.match(line)) is not None:
            rest = found["rest"].rstrip("\n")
            if rest.endswith(_UNFINISHED):
                rest = unfinished[found["thread"]] = rest.removesuffix(_UNFINISHED)
                happened = None if found["call"] in _AT_END else _happened(found["call"], rest)
            else:
                happened = _happened(found["call"], rest)
        if isinstance(happened, Told) or (happened is not None and _is_in(folder, happened.file)):
            yield happened


_AT_END = ("fsync", "fdatasync", "openat")


def _happened(call: str, rest: str) -> Happened | None:
    if re.search(r"= -\d", rest.rpartition(")")[2]):
        return None  # it failed
    return _KNOWN[call](rest)


def _opened(rest: str) -> Open | None:
    return Open(_names(rest)[0], "O_TRUNC" in rest) if "O_CREAT" in rest else None


def _truncated(rest: str) -> Truncate:
    return Truncate(_file(rest), int(rest.partition(">, ")[2].partition(")")[0]))


def _written(rest: str) -> Write | Told:
    found = _DESCRIPTOR.match(rest)
    data = bytes.fromhex(_STRING.findall(rest)[0].replace("\\x", ""))
    assert found is not None
    if found[1] == "1":
        return msgspec.json.decode(data, type=Told)
    numbers = rest[rest.rindex('"') :].partition(")")[0].split(", ")[1:]
    assert int(numbers[0]) == len(data), "strace cut it short"
    return Write(_text(found[2]), data, int(numbers[1]) if len(numbers) > 1 else None)


def _file(rest: str) -> str:
    found = _DESCRIPTOR.match(rest)
    assert found is not None
    return _text(found[2])


def _names(rest: str) -> list[str]:
    return [_text(name) for name in _STRING.findall(rest)]


def _text(hexadecimal: str) -> str:
    return bytes.fromhex(hexadecimal.replace("\\x", "")).decode()


def _is_in(folder: Path, file: str) -> bool:
    return (file == str(folder) or file.startswith(f"{folder}/")) and not file.endswith("-shm")


_KNOWN: dict[str, Callable[[str], Happened | None]] = {
    "openat": _opened,
    "write": _written,
    "pwrite64": _written,
    "ftruncate": _truncated,
    "fsync": lambda rest: Sync(_file(rest)),
    "fdatasync": lambda rest: Sync(_file(rest)),
    "rename": lambda rest: Rename(*_names(rest)),
    "renameat": lambda rest: Rename(*_names(rest)),
    "renameat2": lambda rest: Rename(*_names(rest)),
    "link": lambda rest: Link(*_names(rest)),
    "linkat": lambda rest: Link(*_names(rest)),
    "unlink": lambda rest: Unlink(*_names(rest)),
    "unlinkat": lambda rest: Unlink(*_names(rest)),
}
"""Of the calls that are recorded; another one is none that SQLite or the store makes."""

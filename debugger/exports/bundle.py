"""A recording as one `.timescape` file that opens in place of a store (AD-15).

A ZIP archive with nothing in it that depends on when or where it was made: `bundle.json`
says what it is and the digest of each part, `log.tsx` is the store's own export (the
requests, what they go on from, the route tables that they were resolved by, and the
hashes that prove them), `sources/` holds source files where they were asked for.

Nothing in it is run. It is read as data whose maker may be anybody.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from debugger.errors import BadInputError, CorruptError, NotFoundError
from debugger.exports.files import written_beside
from debugger.exports.recording import Recording
from debugger.session import Session
from debugger.session.routing import apps
from eventstore import Exported, StreamId

FORM = 1
LOG = "log.tsx"
ABOUT = "bundle.json"
SOURCES = "sources/"
MOST_BYTES = 1 << 30
"""Unpacked."""
MOST_RATIO = 200
"""Of a part's size to what it takes in the archive."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PIECE = 1 << 20


class Opened(msgspec.Struct, frozen=True):
    """A bundle, unpacked for as long as it is looked at."""

    log: Path
    """The export in it."""
    sources: Path | None
    """The folder of source files; None: it has none."""
    about: Mapping[str, Any]


def write_bundle(
    session: Session,
    recording: Recording,
    path: Path,
    *,
    sources: Mapping[str, bytes] | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the requests of *recording* with what they need to be looked at.

    Args:
        session: on the store that they are in.
        recording: the requests.
        path: of the file.
        sources: name of a source file, as facts name it, to its bytes.
        force: whether a file that is there is written over.
        progress: is told rows written and in all.

    Raises:
        WriteRefusedError: there is such a file.
        EventStoreError: as `Store.export`.
    """
    streams = [each.timeline.stream for each in recording.requests]
    with written_beside(path, force=force) as beside, TemporaryDirectory() as folder:
        log = Path(folder) / LOG
        done = session.export(str(log), [*streams, *_controls(session, recording)], progress)
        parts = {LOG: log.read_bytes()}
        parts |= {SOURCES + name: text for name, text in sorted((sources or {}).items())}
        _write_archive(beside, _about(recording, parts), parts)
    return done


def _controls(session: Session, recording: Recording) -> list[StreamId]:
    """Return the streams of the route tables that the requests were resolved by."""
    handlers = {each.summary.handler for each in recording.requests}
    return [app.stream for app in apps(session) if handlers & app.table.handlers.keys()]


def _about(recording: Recording, parts: Mapping[str, bytes]) -> Mapping[str, Any]:
    return {
        "form": FORM,
        "requests": [each.timeline.request_id for each in recording.requests],
        "facts": recording.facts,
        "where": recording.where,
        "end": str(recording.end),
        "hidden": msgspec.to_builtins(recording.hidden),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()},
    }


def _write_archive(path: Path, about: Mapping[str, Any], parts: Mapping[str, bytes]) -> None:
    path.touch(mode=0o600, exist_ok=False)  # nothing that lies in wait there is followed
    text = json.dumps(about, indent=1, ensure_ascii=True).encode("ascii")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in {ABOUT: text, **parts}.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)


# --- opening ---

_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What `zipfile` raises of bytes that are no archive, or a damaged one."""


@contextmanager
def opened_bundle(path: Path) -> Iterator[Opened]:
    """Unpack a bundle into a folder that is gone when the block ends.

    Raises:
        NotFoundError: there is no such file.
        BadInputError: it is no bundle, or larger than a bundle may be.
        CorruptError: a part of it is not what it was.
    """
    with TemporaryDirectory(prefix="timescape-") as folder:
        yield _unpacked(path, Path(folder))


def _unpacked(path: Path, folder: Path) -> Opened:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _checked(path, archive)
            about = _read_about(path, archive, entries)
            for name, digest in about["sha256"].items():
                _unpack(path, archive, entries[name], folder, digest)
    except FileNotFoundError as error:
        problem = f"There is no file {path}."
        raise NotFoundError(problem, "`timescape export --as bundle` writes one.") from error
    except _UNREADABLE as error:
        raise _no_bundle(path, f"it cannot be unpacked ({error})") from error
    sources = folder / SOURCES
    return Opened(folder / LOG, sources if sources.is_dir() else None, about)


def _checked(path: Path, archive: zipfile.ZipFile) -> Mapping[str, zipfile.ZipInfo]:
    """Return the parts by name, once none of them can do harm by being unpacked."""
    entries = archive.infolist()
    named = {entry.filename: entry for entry in entries}
    if len(named) != len(entries) or ABOUT not in named or LOG not in named:
        raise _no_bundle(path, "its parts are others")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise _no_bundle(path, f"it has more than {MOST_BYTES} bytes unpacked")
    for entry in entries:
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            raise _no_bundle(path, f"a part of it is packed to less than 1/{MOST_RATIO}")
        if not _is_safe(entry.filename):
            raise _no_bundle(path, f"a part is called {entry.filename[:80]!r}")
    return named


def _is_safe(name: str) -> bool:
    if name in (ABOUT, LOG):
        return True
    inner = PurePosixPath(name.removeprefix(SOURCES))
    plain = not inner.is_absolute() and ".." not in inner.parts and "\\" not in name
    return name.startswith(SOURCES) and name == SOURCES + str(inner) and plain and ":" not in name


def _read_about(
    path: Path, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]
) -> Mapping[str, Any]:
    try:
        about = json.loads(archive.read(entries[ABOUT]))
        digests = about["sha256"]
        known = about["form"] == FORM and {*digests, ABOUT} == {*entries}
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise _no_bundle(path, f"{ABOUT} cannot be read") from error
    if not known:
        raise _no_bundle(path, f"{ABOUT} is of another form, or names other parts")
    found: Mapping[str, Any] = about
    return found


def _unpack(
    path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, digest: str
) -> None:
    """Unpack a part; what its header says of its size may be a lie, so bytes are counted."""
    target = folder / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    hashed, left = hashlib.sha256(), entry.file_size
    with archive.open(entry) as source, target.open("xb") as file:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise _no_bundle(path, f"{entry.filename} is longer than it says")
            hashed.update(piece)
            file.write(piece)
    if hashed.hexdigest() != digest:
        problem = f"{entry.filename} in {path} is not as it was written."
        raise CorruptError(problem, "Have it exported again, or copied again.")


def _no_bundle(path: Path, reason: str) -> BadInputError:
    problem = f"{path} is no bundle: {reason}."
    return BadInputError(problem, "Give a file that `timescape export --as bundle` wrote.")

"""The forms of `timescape export`: lines, page, test, corpus, bundle (CL-15)."""

import argparse
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debugger.cli.output import Column, Output
from debugger.demo import is_demo, source_folder
from debugger.errors import BadInputError
from debugger.session import Session, Source, read_source
from eventstore import Event, StreamId

if TYPE_CHECKING:
    from debugger.exports import Recording

COLUMNS = (
    Column("requests", right=True), Column("facts", right=True), Column("hidden", right=True),
    Column("bytes", right=True), Column("file"),
)  # fmt: skip
_MOST_SOURCES = 200


def write(
    session: Session, streams: Sequence[StreamId], arguments: argparse.Namespace, output: Output
) -> None:
    """Write *streams* in the form that is asked for, and say what was written."""
    from debugger import exports  # noqa: PLC0415 - nobody else waits for it to load

    masks = exports.Masks(arguments.redact)
    recording = exports.gather(session, streams, where=arguments.where, masks=masks)
    path, force = Path(arguments.out), arguments.force
    if arguments.form == "corpus":
        content = _write_corpus(recording, path, force=force)
    elif arguments.form == "bundle":
        _write_bundle(session, recording, arguments, output)
        content = path.read_bytes()
    else:
        content = _content(session, recording, arguments)
        exports.write_file(path, content, force=force)
    digest = hashlib.sha256(content).hexdigest()
    hidden = [
        {"request": each.request, "revision": each.revision, "pointer": each.pointer,
         "how": each.how}
        for each in recording.hidden
    ]  # fmt: skip
    fields = {
        "file": arguments.out, "form": arguments.form, "requests": len(recording.requests),
        "facts": recording.facts, "redacted": hidden, "bytes": len(content), "sha256": digest,
    }  # fmt: skip
    cells = {
        "requests": str(len(recording.requests)), "facts": str(recording.facts),
        "hidden": str(len(hidden)), "bytes": str(len(content)), "file": arguments.out,
    }  # fmt: skip
    output.table("exported", COLUMNS, [(fields, cells)])
    output.say(f"SHA-256 {digest}")
    tell_hidden(hidden, output)


def _write_corpus(recording: "Recording", folder: Path, *, force: bool) -> bytes:
    """Write the files that are not there; return what all of them hold.

    Raises:
        WriteRefusedError: one is there and holds something else, and *force* is not given.
        UnavailableError: one cannot be written.
    """
    from debugger import exports  # noqa: PLC0415

    files = exports.as_corpus(recording)
    missing = [name for name, content in files.items() if _held(folder / name) != content]
    for name in missing:
        exports.refuse_existing(folder / name, force=force)
    folder.mkdir(parents=True, exist_ok=True)
    for name in missing:
        exports.write_file(folder / name, files[name], force=force)
    return b"".join(files.values())


def _held(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def tell_hidden(hidden: Sequence[Mapping[str, Any]], output: Output) -> None:
    """Say what the file does not hold, a line a place."""
    if not hidden:
        output.say("Nothing in it is redacted.")
        return
    places = Counter(
        (f"{each['pointer']} of #{each['revision']}", str(each["how"])) for each in hidden
    )
    shown = list(places.items())[:20]
    for (place, how), count in shown:
        output.say(f"{how}: {place}{f', in {count} requests' if count > 1 else ''}")
    if len(places) > len(shown):
        output.say(f"And {len(places) - len(shown)} more places; --json lists all.")


def _content(session: Session, recording: "Recording", arguments: argparse.Namespace) -> bytes:
    from debugger import exports  # noqa: PLC0415

    if arguments.form == "jsonl":
        return exports.as_lines(recording)
    if arguments.form == "pytest":
        if not arguments.app:
            problem = "A test runs the code of an app, and none is named."
            raise BadInputError(problem, "Name it: --app module:app, or set TIMESCAPE_APP.")
        return exports.as_test(recording, arguments.app)
    return exports.as_page(recording, sources_of(session, recording.events, arguments.source))


def _write_bundle(
    session: Session, recording: "Recording", arguments: argparse.Namespace, output: Output
) -> None:
    from debugger import exports  # noqa: PLC0415

    if arguments.redact:
        problem = "A bundle proves its facts by their hashes: nothing can be left out of one."
        remedy = "Take it out of the store with `timescape redact`, or export as jsonl or html."
        raise BadInputError(problem, remedy)
    sources = None
    if arguments.source:
        found = sources_of(session, recording.events, arguments.source)
        sources = {name: Path(each.path).read_bytes() for name, each in found.items() if each.lines}
    exports.write_bundle(
        session, recording, Path(arguments.out), sources=sources, force=arguments.force,
        progress=lambda at, of: output.progress("export", at, of),
    )  # fmt: skip


def sources_of(
    session: Session, events: Iterable[Event], folders: Sequence[Path] | None
) -> Mapping[str, Source]:
    """Find the source files that facts name.

    Args:
        session: on their store.
        events: the facts.
        folders: where to look; None: where the debugger would.
    """
    roots = (
        folders
        or session.source_roots
        or [source_folder() if is_demo(session.store) else Path.cwd()]
    )
    last_line: dict[str, int] = {}
    ran_at: dict[str, int] = {}
    for event in events:
        file, _, number = (event.site or "").rpartition(":")
        if file and number.isascii() and number.isdecimal():
            last_line[file] = max(last_line.get(file, 0), int(number[:9]))
            ran_at[file] = min(ran_at.get(file, event.at_us), event.at_us)
    wanted = sorted(last_line)[:_MOST_SOURCES]
    return {file: read_source(f"{file}:{last_line[file]}", roots, ran_at[file]) for file in wanted}

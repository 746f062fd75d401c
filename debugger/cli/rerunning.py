"""What `timescape replay` and `timescape fork` have in common: options, and how they tell."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from debugger.cli.output import Column, Output
from debugger.errors import BadInputError
from debugger.session import request_id
from debugger.session.drafts import read_value
from debugger.timeline import shown
from debugger.timeline.pointers import split
from runtime.app import App, load_app
from runtime.replay import (
    Divergence,
    Edit,
    Line,
    Replay,
    SetAnswer,
    SetInput,
    SetState,
    UnsetState,
)
from runtime.replay.divergence import plain

LINES = (
    Column("facts", right=True),
    Column("line"),
    Column("function", cut=True),
    Column("changed", cut=True),
)
_USAGE = "Write NAME=JSON, with quotes around text, as in --set '/note=\"fragile\"'."
_BODY = "Name a file with JSON, or write PATH=JSON: --input /body/note=null."


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run."""
    parser.add_argument(
        "--app", metavar="MODULE:APP", help="whose code runs (default: $TIMESCAPE_APP)"
    )
    parser.add_argument(
        "--version", metavar="V", help="an edition, a version id or latest (default: what ran)"
    )
    _several(parser, "--set", "PATH=JSON", "another value of the state: /lines/0/net=30.84")
    _several(parser, "--unset", "PATH", "a value of the state that is not there: /note")
    _several(parser, "--answer", "N=JSON", "another answer of effect N")
    _several(parser, "--input", "PATH=JSON|FILE",
             "another request: /body/items/0/quantity=2, or a file with another body")  # fmt: skip
    _several(parser, "--stub", "NAME=JSON", "an answer for calls that the record does not have")
    _several(parser, "--live", "NAME", "really call it, once the run has left its record")
    parser.add_argument("--trace", action="store_true", help="print each line of user code")


def _several(parser: argparse.ArgumentParser, name: str, metavar: str, words: str) -> None:
    parser.add_argument(name, action="append", default=[], metavar=metavar, help=words)


def app_of(arguments: argparse.Namespace) -> App:
    """Import the app that is named.

    Raises:
        BadInputError: none is.
        AppImportError: it cannot be imported.
    """
    if not arguments.app:
        problem = "A request is run again by the code of an app, and none is named."
        raise BadInputError(problem, "Name it: --app module:app, or set TIMESCAPE_APP.")
    return load_app(arguments.app)


def edits_of(arguments: argparse.Namespace) -> list[Edit]:
    """Read what is to be changed.

    Raises:
        BadInputError: names what cannot be read.
    """

    def path(text: str) -> tuple[str, ...]:
        return tuple(split(text if text.startswith("/") else f"/{text}"))

    def number(text: str) -> int:
        if not text.isascii() or not text.isdecimal():
            problem = f"{text[:80]!r} is no number of an effect."
            raise BadInputError(problem, "`timescape log` shows them: n of effect.requested.")
        return int(text)

    made: list[Edit] = []
    made += [SetState(path(name), value) for name, value in _pairs(arguments.set)]
    made += [SetAnswer(number(name), value) for name, value in _pairs(arguments.answer)]
    made += [UnsetState(path(name)) for name in arguments.unset]
    for word in arguments.input:
        made += [_body_of(word)] if _is_file(word) else [
            SetInput(path(name), value) for name, value in _pairs([word])
        ]  # fmt: skip
    return made


def _is_file(word: str) -> bool:
    return "=" not in word or Path(word).is_file()


def _body_of(file: str) -> SetInput:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        problem = f"The body of another request cannot be read from {file[:200]!r}."
        raise BadInputError(problem, _BODY) from error
    return SetInput(("body",), read_value(file, text, _BODY))


def say_live(arguments: argparse.Namespace, output: Output) -> None:
    """Say what is really called, before it is (WI-2)."""
    if arguments.live:
        output.say(f"LIVE: {', '.join(arguments.live)} is really called.")


def stubs_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read the answers that are given."""
    return dict(_pairs(arguments.stub))


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            problem = f"{word[:80]!r} gives no value to a name."
            raise BadInputError(problem, _USAGE)
        yield name, read_value(name, text, _USAGE)


# --- telling ---


def tell(replay: Replay, output: Output) -> None:
    """Say in words how the run went."""
    if replay.version != replay.recorded_version:
        output.say(f"Run by {replay.version}; recorded by {replay.recorded_version}.")
    elif replay.changed:
        output.say(f"The code of {replay.version} has changed since it was recorded.")
    if replay.divergence is not None:
        output.say(described(replay.divergence))
    for name in replay.unavailable:
        output.say(f"There was no answer for {name}: give one with --stub {name}=JSON.")


def described(divergence: Divergence) -> str:
    """Say in words where code and record part."""
    then, now = (
        "nothing" if event is None else f"{event.type} {event.key or ''}".rstrip()
        for event in (divergence.recorded, divergence.attempted)
    )
    lines = [line for line in divergence.lines if line]
    at = f" at {' then, '.join(dict.fromkeys(lines))}{' now' if len(set(lines)) > 1 else ''}"
    told = f"Code and record part at #{divergence.index} ({divergence.kind}){at if lines else ''}:"
    return f"{told}\n  recorded   {then}{_payload(divergence.recorded)}\n" + (
        f"  attempted  {now}{_payload(divergence.attempted)}"
    )


def _payload(event: Any) -> str:
    plain = payload(event)
    return f"  {shown(plain)}" if plain else ""


def payload(event: Any) -> Any:
    """Return what a fact holds as plain JSON; None of none."""
    return None if event is None else plain(event.data)


def fields_of(replay: Replay) -> Mapping[str, Any]:
    """Return how the run went as a JSON object."""
    divergence = replay.divergence
    return {
        "request": request_id(replay.request),
        "verdict": "same" if divergence is None else "diverged",
        "recorded": _status(replay.events),
        "replayed": _status(replay.facts),
        "version": replay.version,
        "changed": replay.changed,
        "fork": request_id(replay.fork) if replay.kept else None,
        "shared": replay.shared if replay.kept else None,
        "facts": len(replay.facts),
        "unavailable": list(replay.unavailable),
        "divergence": None if divergence is None else _divergence(divergence),
    }


def _status(events: Sequence[Any]) -> int | None:
    status: int | None = getattr(events[-1].data, "status", None) if events else None
    return status


def _divergence(divergence: Divergence) -> Mapping[str, Any]:
    def side(event: Any, line: str | None, code: str) -> Any:
        if event is None:
            return None
        fields = {"type": event.type, "key": event.key, "data": payload(event)}
        return {**fields, "line": line, "fingerprint": code or None}

    then, now = divergence.lines
    return {
        "index": divergence.index,
        "kind": divergence.kind,
        "recorded": side(divergence.recorded, then, divergence.recorded_code),
        "attempted": side(divergence.attempted, now, divergence.running_code),
    }


def print_lines(lines: Sequence[Line], output: Output) -> None:
    """Print the lines of a traced run, with what each of them changed."""
    output.table("line", LINES, map(_row, lines))


def _row(line: Line) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    changed = ", ".join(f"{name} = {value}" for name, value in line.changed.items())
    cells = {
        "facts": str(line.revision), "line": line.site, "function": line.function,
        "changed": changed,
    }  # fmt: skip
    fields = {
        "revision": line.revision, "line": line.site, "function": line.function,
        "call": line.call, "changed": line.changed,
    }  # fmt: skip
    return fields, cells

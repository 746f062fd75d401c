"""Breakpoints as a client sets them: each answered whether it can be hit, and why not (BY-1)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from debugger.dap import protocol
from debugger.dap.tracks import Track
from debugger.errors import BadInputError
from debugger.session.hitting import Point, at_failure, at_line, at_start, at_write
from debugger.session.walking import Place
from debugger.timeline import FACT_FIELDS, MOMENT_ROOTS, Predicate, parse, printable
from debugger.timeline.pointers import join, split

MOST = 1_000
"""Breakpoints of a kind."""
FAILURES = "failures"
STATE = "state:"
"""What the id of a value that can be watched begins with; its path follows."""


class Wanted(msgspec.Struct, frozen=True):
    """A breakpoint that a client wants; the same in each history."""

    id: int
    kind: str
    about: str
    """`file:line`, a name, a path; `` of failures."""
    condition: str | None = None


class Points:
    """All breakpoints of a client. Setting those of a kind replaces the ones there were.

    Args:
        roots: folders that recorded names of files start at.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = roots
        self._last = 0
        self._wanted: dict[str, list[Wanted]] = {}

    def set_lines(
        self, source: protocol.Source, lines: Sequence[protocol.AtLine], *, first: int
    ) -> list[Wanted]:
        """Set the breakpoints of a file, whose lines the client counts from *first*."""
        file = site_of(source.path, self._roots)
        asked = [(f"{file}:{at.line + 1 - first}", at.condition) for at in lines]
        return self._set(f"file {source.path}", "breakpoint", asked if file else
                         [("", at.condition) for at in lines])  # fmt: skip

    def set_names(self, names: Sequence[protocol.AtName]) -> list[Wanted]:
        """Set the breakpoints at hooks and handlers."""
        asked = [(at.name, at.condition) for at in names]
        return self._set("names", "function breakpoint", asked)

    def set_values(self, values: Sequence[protocol.AtData]) -> list[Wanted]:
        """Set the breakpoints at writes of values."""
        asked = [(at.data_id, at.condition) for at in values]
        return self._set("values", "data breakpoint", asked)

    def set_failures(self, conditions: Sequence[str | None]) -> list[Wanted]:
        """Set those at failures; none: failures do not stop."""
        return self._set("failures", "exception", [("", each) for each in conditions])

    def _set(self, group: str, kind: str, asked: Sequence[tuple[str, str | None]]) -> list[Wanted]:
        if len(asked) > MOST:
            problem = f"{len(asked)} breakpoints of a kind are more than {MOST}."
            raise BadInputError(problem, "Take some away.")
        first = self._last + 1
        self._last += len(asked)
        wanted = [Wanted(first + n, kind, about, given or None)
                  for n, (about, given) in enumerate(asked)]  # fmt: skip
        self._wanted[group] = wanted
        return wanted

    def of(self, track: Track) -> list[Point]:
        """Return those that can be hit in a history."""
        every = [each for group in self._wanted.values() for each in group]
        found = [point_of(each, track) for each in every]
        return [each for each in found if isinstance(each, Point) and each.places]

    def told_of_all(self, track: Track) -> Iterator[dict[str, Any]]:
        """Say of each breakpoint whether it can be hit in *track*."""
        return (told(each, track) for group in self._wanted.values() for each in group)


def told(wanted: Wanted, track: Track, *, is_pending: bool = False) -> dict[str, Any]:
    """Say of a breakpoint whether it can be hit in *track*, whose lines may be still to come."""
    point = point_of(wanted, track)
    if isinstance(point, str):
        return {"id": wanted.id, "verified": False, "message": point, "reason": "failed"}
    if point.places:
        return {"id": wanted.id, "verified": True}
    message = {"id": wanted.id, "verified": False, "message": _never(wanted, track)}
    if is_pending and wanted.kind == "breakpoint" and wanted.about:
        message |= {"message": "Whether this line ran is not known yet.", "reason": "pending"}
    return message


def point_of(wanted: Wanted, track: Track) -> Point | str:
    """Return a breakpoint in a history, or why it cannot be one."""
    try:
        places = _places(wanted, track)
        return Point(wanted.id, wanted.kind, places, _condition(wanted.condition))
    except BadInputError as error:
        return "\n".join(map(printable, f"{error.problem} {error.remedy}".strip().split("\n")))


def _places(wanted: Wanted, track: Track) -> list[Place]:
    match wanted.kind:
        case "breakpoint":
            return at_line(track.walk, wanted.about)
        case "function breakpoint":
            return at_start(track.timeline, wanted.about)
        case "data breakpoint":
            return at_write(track.timeline, path_of(wanted.about))
        case _:
            return at_failure(track.timeline)


def _condition(text: str | None) -> Predicate | None:
    return parse(text, FACT_FIELDS, MOMENT_ROOTS) if text else None


def _never(wanted: Wanted, track: Track) -> str:
    match wanted.kind:
        case "breakpoint" if not wanted.about:
            return "The file is in none of the folders of the app: name them in `source`."
        case "breakpoint" if track.walk.trace is None:
            return "No fact came from this line. Name the `app` to stop at each line that ran."
        case "breakpoint":
            return "This line did not run in this request."
        case "function breakpoint":
            return "No hook or handler of this name ran in this request."
        case "data breakpoint":
            return "Nothing wrote this value in this request."
        case _:
            return "Nothing failed in this request."


def data_id(path: Sequence[str]) -> str:
    """Return the id of a value of the state."""
    return STATE + join(path)


def path_of(about: str) -> str:
    """Return the path in the id of a value, which a client may have kept for long.

    Raises:
        BadInputError: it is no such id.
    """
    if not about.startswith(STATE + "/"):
        problem = f"{about[:80]!r} is no value of the state."
        raise BadInputError(problem, "Take the breakpoint away, and set it again.")
    path = about.removeprefix(STATE)
    split(path)
    return path


def site_of(path: str | None, roots: Sequence[Path]) -> str:
    """Return the name by which a log knows the file *path*; ``: it is below none of *roots*."""
    try:
        file = Path(path or "").resolve()
        for root in roots:
            if path and file.is_relative_to(root.resolve()):
                return file.relative_to(root.resolve()).as_posix()
    except (OSError, ValueError, RuntimeError):  # a NUL, a loop of links
        pass
    return ""

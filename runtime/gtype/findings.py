"""What is wrong with a value, said so that a caller can put it right without guessing.

An issue names the place, the rule and the kind of what was found, never the value (GT-10).
"""

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from runtime.facts import Issue

At: TypeAlias = tuple["At", str | int] | None
"""A place: the way to the parent and the last step; None is the root."""

MAX_NAME = 64
"""Names taken from input are cut here (GT-11)."""


class Findings(msgspec.Struct, frozen=True):
    """All that a pass found, in schema order."""

    issues: tuple[Issue, ...] = ()
    truncated: bool = False
    """More was left unlooked at (GT-11)."""


def shown(name: str) -> str:
    """Make a name from input fit to be shown: printable and at most 64 characters."""
    cut = name[:MAX_NAME]
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)[:MAX_NAME]


def pointer(at: At) -> str:
    """Write a place as an RFC 6901 pointer; `` is the root."""
    steps: list[str] = []
    while at is not None:
        at, step = at
        text = shown(step) if isinstance(step, str) else str(step)
        steps.append(text.replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{step}" for step in reversed(steps))


def readable(path: str) -> str:
    """Write a pointer for people: `items[2].sku`, `(root)`."""
    out = ""
    for raw in path.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        out += f"[{step}]" if step.isdecimal() else f".{step}" if out else step
    return out or "(root)"


def kind_of(value: object) -> str:
    """Name the JSON kind of plain data."""
    return _KINDS.get(type(value), "value")


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def issue(at: At, code: str, expected: str, actual: str) -> Issue:
    """Make an issue; its message says the same as a sentence."""
    path = pointer(at)
    place = readable(path)
    if code == "missing":
        message = f"{place} is missing; expected {expected}."
    else:
        message = f"{place}: expected {expected}, got {actual}."
    return Issue(path=path, code=code, expected=expected, actual=actual, message=message)


def under(prefix: str, issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Put issues of a part below *prefix*, a pointer such as `/query` (GT-12)."""
    moved = []
    for old in issues:
        path = prefix + old.path
        message = readable(path) + old.message.removeprefix(readable(old.path))
        moved.append(msgspec.structs.replace(old, path=path, message=message))
    return tuple(moved)


def issues_for(issues: Iterable[Issue], path: str) -> tuple[Issue, ...]:
    """Give the issues at the pointer *path* or below it."""
    return tuple(i for i in issues if i.path == path or i.path.startswith(f"{path}/"))


def format_issues(issues: Iterable[Issue], *, truncated: bool = False) -> str:
    """Write issues one a line, for logs and terminals."""
    lines = [f"{i.message} [{i.code}]" for i in issues]
    if truncated:
        lines.append("… and more")
    return "\n".join(lines)

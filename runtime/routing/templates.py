"""Route templates: `POST /orders/{order_id:int}` (RM-1)."""

import re
from typing import NoReturn

import msgspec

from runtime.errors import RouteSyntaxError
from runtime.gtype import PATH_TYPES, PathType

_METHOD = re.compile(r"[A-Z]+", re.ASCII)
_GRAMMAR = 'Write "METHOD /static/{name:type}"; types: ' + ", ".join(sorted(PATH_TYPES)) + "."
_MAX_HANDLER = 64
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Segment(msgspec.Struct, frozen=True):
    """What stands between two slashes."""

    text: str
    """Static text, or the name of the parameter."""
    type: PathType | None = None
    """None: static."""


class Template(msgspec.Struct, frozen=True):
    """A route as declared."""

    text: str
    """As it stands in facts: `POST /orders/{order_id:int}`; the type `str` is left out."""
    method: str
    segments: tuple[Segment, ...]

    @property
    def parameters(self) -> dict[str, PathType]:
        """Names and types of the path parameters, in order."""
        return {s.text: s.type for s in self.segments if s.type is not None}

    @property
    def shape(self) -> tuple[str, ...]:
        """What decides which paths match; names of parameters do not."""
        return (
            self.method,
            *(s.text if s.type is None else f"{{{s.type.name}}}" for s in self.segments),
        )

    @property
    def handler(self) -> str:
        """The handler id that follows from the route (MG-3)."""
        words = [self.method.lower(), *(s.text for s in self.segments if s.text)]
        return re.sub(r"[^A-Za-z0-9_-]", "_", "-".join(words))[:_MAX_HANDLER]


def parse(text: str) -> Template:
    """Read a template.

    Raises:
        RouteSyntaxError: names the part that cannot be read.
    """
    method, space, path = text.partition(" ")
    if not space or not _METHOD.fullmatch(method):
        _refuse(text, "it does not begin with a method and one blank")
    if method not in METHODS:
        why = "GET handlers answer HEAD" if method == "HEAD" else f"{method} is not served"
        _refuse(text, why)
    if not path.startswith("/"):
        _refuse(text, "the path does not begin with /")
    parts = path[1:].split("/")
    segments = tuple(_segment(text, part, last=n == len(parts) - 1) for n, part in enumerate(parts))
    names = [s.text for s in segments if s.type is not None]
    for name in names:
        if names.count(name) > 1:
            _refuse(text, f"the parameter {name!r} stands twice")
    return Template(f"{method} /{'/'.join(_spelt(s) for s in segments)}", method, segments)


def _spelt(segment: Segment) -> str:
    if segment.type is None:
        return segment.text
    kind = segment.type.name
    return f"{{{segment.text}}}" if kind == "str" else f"{{{segment.text}:{kind}}}"


def _segment(text: str, part: str, *, last: bool) -> Segment:
    if not part and not last:
        _refuse(text, "it has an empty segment")
    if part in {".", ".."} or any(c in "%?#" or c.isspace() or not c.isprintable() for c in part):
        _refuse(text, f"{part!r} cannot stand in a path; write it decoded, without blanks")
    if "{" not in part and "}" not in part:
        return Segment(part)
    if not (part.startswith("{") and part.endswith("}")):
        _refuse(text, f"{part!r} mixes text and a parameter")
    name, colon, kind = part[1:-1].partition(":")
    if not name.isidentifier() or not name.isascii():
        _refuse(text, f"{name!r} is no name for a parameter")
    if colon and kind not in PATH_TYPES:
        _refuse(text, f"{kind!r} is no type")
    if kind == "path" and not last:
        _refuse(text, "a path parameter stands only at the end")
    return Segment(name, PATH_TYPES[kind or "str"])


def _refuse(text: str, why: str) -> NoReturn:
    raise RouteSyntaxError(problem=f"Route {text[:200]!r}: {why}.", remedy=_GRAMMAR)

"""A tree of segments: a path costs by its length, not by the number of routes (RM-4)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from runtime.errors import RouteConflictError
from runtime.routing.templates import Segment, Template

R = TypeVar("R")

_PATH = "path"


class Match(msgspec.Struct, Generic[R], frozen=True):
    """A route that fits, and the text of its parameters."""

    route: R
    params: dict[str, str]


class MethodNotAllowed(msgspec.Struct, frozen=True):
    """The path is known, the method is not."""

    allow: tuple[str, ...]
    """Sorted, with HEAD and OPTIONS (RM-3)."""


class _Node(Generic[R]):
    __slots__ = ("routes", "static", "typed")

    def __init__(self) -> None:
        self.static: dict[str, _Node[R]] = {}
        self.typed: list[tuple[str, int, Callable[[str], Any], _Node[R]]] = []
        """Type name, rank, reader, what follows; in order of precedence."""
        self.routes: dict[str, tuple[R, tuple[str, ...]]] = {}
        """Method to route and the names of its parameters."""


class Routes(Generic[R]):
    """All routes of an app."""

    def __init__(self) -> None:
        self._root: _Node[R] = _Node()
        self._places: dict[tuple[str, ...], tuple[Template, str]] = {}

    def add(self, template: Template, route: R, place: str) -> None:
        """Add a route declared at *place*, `file:line`.

        Raises:
            RouteConflictError: another route has its shape and method; names both places.
        """
        known = self._places.get(template.shape)
        if known is not None:
            raise RouteConflictError(
                problem=f"{template.text} ({place}) and {known[0].text} ({known[1]}) "
                "match the same paths.",
                remedy="Use one spelling, and version= for versions of it.",
            )
        self._places[template.shape] = (template, place)
        node = self._root
        for segment in template.segments:
            node = _step(node, segment)
        node.routes[template.method] = (route, tuple(template.parameters))

    def match(self, method: str, segments: Sequence[str]) -> Match[R] | MethodNotAllowed | None:
        """Find the route for *method* and a split path.

        Segments that are more specific are tried first: static, uuid, date, int, float, str,
        path (RM-2). HEAD finds GET. None: no route has this path.
        """
        wanted = "GET" if method == "HEAD" else method
        allowed: set[str] = set()
        for node, texts in _walk(self._root, segments, 0, ()):
            found = node.routes.get(wanted)
            if found is not None:
                route, names = found
                return Match(route, dict(zip(names, texts, strict=True)))
            allowed.update(node.routes)
        return MethodNotAllowed(_allow(allowed)) if allowed else None


def _allow(methods: set[str]) -> tuple[str, ...]:
    more = {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return tuple(sorted(methods | more))


def _step(node: _Node[R], segment: Segment) -> _Node[R]:
    if segment.type is None:
        return node.static.setdefault(segment.text, _Node())
    for name, _, _, after in node.typed:
        if name == segment.type.name:
            return after
    new: _Node[R] = _Node()
    node.typed.append((segment.type.name, segment.type.rank, segment.type.read, new))
    node.typed.sort(key=lambda entry: entry[1])
    return new


def _walk(
    node: _Node[R], segments: Sequence[str], at: int, texts: tuple[str, ...]
) -> Iterator[tuple[_Node[R], tuple[str, ...]]]:
    """Give every node that fits, the most specific first. As deep as the tree, not the path."""
    if at == len(segments):
        if node.routes:
            yield node, texts
        return
    segment = segments[at]
    static = node.static.get(segment)
    if static is not None:
        yield from _walk(static, segments, at + 1, texts)
    for name, _, read, after in node.typed:
        if name == _PATH:
            rest = "/".join(segments[at:])
            if rest and after.routes:
                yield after, (*texts, rest)
        elif read(segment) is not None:
            yield from _walk(after, segments, at + 1, (*texts, segment))

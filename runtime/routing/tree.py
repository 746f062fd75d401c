"""A tree of segments: a path costs by its length, not by the number of routes (RM-4)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

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
        found = _find(self._root, segments, 0, wanted)
        if found is not None:
            (route, names), texts = found
            return Match(route, dict(zip(names, reversed(texts), strict=True)))
        allowed = {m for node in _reach(self._root, segments, 0) for m in node.routes}
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


Found: TypeAlias = tuple[tuple[R, tuple[str, ...]], list[str]]
"""A route with the names of its parameters, and their text, last first."""


def _find(node: _Node[R], segments: Sequence[str], at: int, method: str) -> Found[R] | None:
    """Find the first route that fits, the most specific first; as deep as the tree is."""
    if at == len(segments):
        entry = node.routes.get(method)
        return None if entry is None else (entry, [])
    segment = segments[at]
    static = node.static.get(segment)
    if static is not None:
        found = _find(static, segments, at + 1, method)
        if found is not None:
            return found
    for name, _, read, after in node.typed:
        if name == _PATH:
            rest = "/".join(segments[at:])
            entry = after.routes.get(method)
            if rest and entry is not None:
                return entry, [rest]
        elif read(segment) is not None:
            found = _find(after, segments, at + 1, method)
            if found is not None:
                found[1].append(segment)
                return found
    return None


def _reach(node: _Node[R], segments: Sequence[str], at: int) -> Iterator[_Node[R]]:
    """Give every node that fits, whatever the method."""
    if at == len(segments):
        yield node
        return
    segment = segments[at]
    static = node.static.get(segment)
    if static is not None:
        yield from _reach(static, segments, at + 1)
    for name, _, read, after in node.typed:
        if name == _PATH:
            if "/".join(segments[at:]):
                yield after
        elif read(segment) is not None:
            yield from _reach(after, segments, at + 1)

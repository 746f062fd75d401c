"""Where breakpoints of an editor are hit: at lines, names, writes of values, failures (BY-1).

A breakpoint is a list of places and a condition; the nearest place at which the condition holds
is where `continue` stops, in either direction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from debugger.errors import NotFoundError
from debugger.session.session import Session
from debugger.session.walking import Place, Walk, nearest
from debugger.timeline import Predicate, Timeline, Unknown

_STRETCH = 256
"""Places judged between two looks whether anybody still wants the answer."""
_STARTS = ("hook.started", "handler.started")


class Point(msgspec.Struct, frozen=True):
    """A breakpoint in one history."""

    id: int
    kind: str
    """breakpoint, function breakpoint, data breakpoint, exception."""
    places: list[Place]
    """In order."""
    condition: Predicate | None = None


class Stop(msgspec.Struct, frozen=True):
    """Where a walk stops next."""

    place: Place | None
    """None: nowhere in that direction."""
    points: tuple[Point, ...] = ()
    """All that are hit there."""
    unknown: int = 0
    """Places that were passed because nobody can say whether a condition holds."""
    reason: str = ""


def at_line(walk: Walk, site: str) -> list[Place]:
    """Return where the line *site* runs; without lines, where a fact came from it."""
    if walk.trace is not None:
        lines = enumerate(walk.trace.lines)
        return [Place(line.revision, step) for step, line in lines if line.site == site]
    return [Place(n) for n, event in enumerate(walk.timeline.events, 1) if event.site == site]


def at_start(timeline: Timeline, name: str) -> list[Place]:
    """Return where the hook or handler called *name*, or whose last part is, starts."""
    return [
        Place(n)
        for n, event in enumerate(timeline.events, 1)
        if event.type in _STARTS and (event.key == name or (event.key or "").endswith(f".{name}"))
    ]


def at_write(timeline: Timeline, path: str) -> list[Place]:
    """Return the moments that the value at *path* was written to."""
    return [Place(write.revision) for write in timeline.writes(path)]


def at_failure(timeline: Timeline) -> list[Place]:
    """Return the moments of failures."""
    return [Place(revision) for revision in timeline.stops("failure")]


def next_stop(
    session: Session,
    walk: Walk,
    points: Sequence[Point],
    *,
    forward: bool,
    until: Place | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> Stop:
    """Find the nearest place strictly beyond the walk's that a breakpoint stops at.

    Args:
        session: of the store.
        walk: says where one is.
        points: the breakpoints.
        forward: or back.
        until: a place that lies forward, at which the search ends; None: at the last.
        unwanted: ends a long search, which then finds nothing.
    """
    judging = _Judging(session, walk.timeline, until, unwanted)
    firsts = [
        (place, point)
        for point in points
        if (place := judging.first(point, walk.at, forward=forward)) is not None
    ]
    if not firsts or unwanted():
        return Stop(None, (), judging.unknown, judging.reason)
    choose = min if forward else max
    place = choose((each for each, _ in firsts), key=lambda each: each.order)
    hit = tuple(point for each, point in firsts if each == place)
    return Stop(place, hit, judging.unknown, judging.reason)


class _Judging:
    """Holds conditions against places, and counts what cannot be said."""

    def __init__(
        self,
        session: Session,
        timeline: Timeline,
        until: Place | None,
        unwanted: Callable[[], bool],
    ) -> None:
        self._session = session
        self._timeline = timeline
        self._until = until
        self._unwanted = unwanted
        self._seen = 0
        self.unknown = 0
        self.reason = ""

    def first(self, point: Point, at: Place, *, forward: bool) -> Place | None:
        for index in nearest(point.places, at, forward=forward):
            place = point.places[index]
            if self._until is not None and place.order >= self._until.order:
                return None
            if point.condition is None or self._holds(point.condition, place):
                return place
            self._seen += 1
            if self._seen % _STRETCH == 0 and self._unwanted():
                return None
        return None

    def _holds(self, condition: Predicate, place: Place) -> bool:
        answer = self._judged(condition, place)
        if isinstance(answer, Unknown):
            self.unknown, self.reason = self.unknown + 1, self.reason or answer.reason
        return answer is True

    def _judged(self, condition: Predicate, place: Place) -> bool | Unknown:
        if not place.revision:
            return Unknown("nothing is known before the first fact")
        try:
            return next(self._answers(condition, place))
        except NotFoundError:
            return Unknown("a run that is not kept has no status and no outcome")

    def _answers(self, condition: Predicate, place: Place) -> Iterator[bool | Unknown]:
        judged = self._session.judged(self._timeline, condition, (place.revision,))
        return (answer for _, answer in judged)


def sites(walk: Walk) -> Mapping[str, None]:
    """Return the lines at which a breakpoint can be hit."""
    if walk.trace is not None:
        return dict.fromkeys(line.site for line in walk.trace.lines)
    return dict.fromkeys(event.site for event in walk.timeline.events if event.site)

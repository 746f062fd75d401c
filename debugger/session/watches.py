"""Breakpoints and watches: what a person wants to be told of while walking (TM-2, TM-8)."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from debugger.session.session import Session
from debugger.session.subjects import MomentSubject
from debugger.timeline import FACT_FIELDS, MOMENT_ROOTS, Predicate, Timeline, Unknown, parse
from debugger.timeline.pointers import ABSENT, split
from debugger.timeline.predicate import Holding
from debugger.timeline.values import Asking, Place

_STRETCH = 256
"""Moments judged between two looks whether anybody still wants the answer."""


class Breakpoint(msgspec.Struct, frozen=True):
    """Where `c` stops: at each fact of which this holds."""

    predicate: Predicate

    @property
    def text(self) -> str:
        """As it can be typed again; equal ones are written alike."""
        return str(self.predicate)


class Hit(msgspec.Struct, frozen=True):
    """What a search for the next hit found."""

    revision: int | None
    """None: there is none in that direction."""
    text: str = ""
    """Of the breakpoint."""
    unknown: int = 0
    """Facts that were passed because nobody can say whether they match."""
    reason: str = ""


class Watched(msgspec.Struct, frozen=True):
    """A watch at a moment."""

    text: str
    now: object
    """An encoded value, `ABSENT`, a boolean, or `Unknown`."""
    before: object

    @property
    def changed(self) -> bool:
        """Whether the fact changed it."""
        return self.now != self.before


def breakpoint_of(text: str) -> Breakpoint:
    """Read a breakpoint.

    Raises:
        FilterError: shows where the fault is.
    """
    return Breakpoint(parse(text, FACT_FIELDS, MOMENT_ROOTS))


def next_hit(
    session: Session,
    timeline: Timeline,
    breakpoints: Sequence[Breakpoint],
    revision: int,
    *,
    forward: bool,
    unwanted: Callable[[], bool] = lambda: False,
) -> Hit:
    """Find the nearest hit strictly beyond *revision*; *unwanted* ends a long search."""
    beyond: Iterable[int] = range(revision + 1, timeline.last + 1)
    if not forward:
        beyond = range(revision - 1, 0, -1)
    unknown, reason = 0, ""
    for at in beyond:
        if at % _STRETCH == 0 and unwanted():
            break
        for each in breakpoints:
            _, answer = next(iter(session.judged(timeline, each.predicate, (at,))))
            if answer is True:
                return Hit(at, each.text, unknown, reason)
            if isinstance(answer, Unknown):
                unknown, reason = unknown + 1, reason or answer.reason
    return Hit(None, "", unknown, reason)


def turned_true(session: Session, timeline: Timeline, wanted: Predicate, revision: int) -> Hit:
    """Find the last moment up to *revision* at which *wanted* turned true (TM-5).

    Where nobody can say whether it held just before, that is counted.
    """
    unknown, reason, holds_after = 0, "", False
    for at in range(revision, -1, -1):
        answer = next(iter(session.judged(timeline, wanted, (at,))))[1] if at else False
        if isinstance(answer, Unknown):
            unknown, reason = unknown + 1, reason or answer.reason
        if holds_after and answer is not True:
            return Hit(at + 1, str(wanted), unknown, reason)
        holds_after = answer is True
    return Hit(None, "", unknown, reason)


def hits(
    session: Session,
    timeline: Timeline,
    breakpoints: Sequence[Breakpoint],
    *,
    unwanted: Callable[[], bool] = lambda: False,
) -> set[int]:
    """Find all hits in a history; *unwanted* ends a long search, which then knows but some."""
    found: set[int] = set()
    for each in breakpoints:
        judged = session.judged(timeline, each.predicate, range(1, timeline.last + 1))
        for revision, answer in judged:
            if answer is True:
                found.add(revision)
            if revision % _STRETCH == 0 and unwanted():
                return found
    return found


def watch_of(text: str) -> str:
    """Read what is to be watched: a place such as `state.total`, a path, or any filter.

    Raises:
        FilterError: shows where the fault is.
        BadInputError: no path.
    """
    if text.startswith("/"):
        return place_text(text)
    return str(parse(text, FACT_FIELDS, MOMENT_ROOTS))


def place_text(path: str) -> str:
    """Return the place in the state that a pointer names, as a filter writes it."""
    steps = [int(t) if t.isascii() and t.isdecimal() and len(t) < 10 else t for t in split(path)]
    return str(Place("state", tuple(steps)))


def watched(session: Session, timeline: Timeline, texts: Sequence[str], at: int) -> list[Watched]:
    """Say what each watch is at the moment *at*, and was before its fact."""
    return [
        Watched(text, _value(session, timeline, text, at), _value(session, timeline, text, at - 1))
        for text in texts
    ]


def _value(session: Session, timeline: Timeline, text: str, at: int) -> object:
    if at < 1:
        return ABSENT
    predicate = parse(text, FACT_FIELDS, MOMENT_ROOTS)
    if isinstance(predicate, Holding):
        subject = MomentSubject(timeline, at, lambda: session.summary(timeline.stream))
        found = Asking(subject.root).values(predicate.of)
        if isinstance(found, Unknown):
            return found
        return found[0] if len(found) == 1 else found
    _, answer = next(iter(session.judged(timeline, predicate, (at,))))
    return answer

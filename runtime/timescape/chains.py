"""How data gets from one version to another: steps between neighbours, chains of them (TX-4).

A step is *bridged* where nothing breaks, or where a transformer takes care of the side that
does. Direction comes from the line of the handler, never from times.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from runtime.timescape.table import HandlerRoutes, Pair, Version

MOST_HOPS = 10
REQUEST_UP = "request_up"
RESPONSE_DOWN = "response_down"
FUNCTIONS = (REQUEST_UP, RESPONSE_DOWN)
"""What a transformer has for callers of the older version, each for one side."""
BACKWARDS = ("request_down", "response_up")
"""What it has for callers of the newer one, whom the older serves when that one cannot."""

Breaks: TypeAlias = tuple[tuple[str, ...] | None, tuple[str, ...] | None]
"""Rules that requests break, and answers; None: not compared."""
UNKNOWN: Final[Breaks] = (None, None)


class Step(msgspec.Struct, frozen=True):
    """Two neighbours on the line, the older first."""

    older: Version
    newer: Version
    pair: Pair | None
    """The transformer that joins them."""
    missing: tuple[str, ...] = ()
    """Functions that it would need and does not have."""
    missing_back: tuple[str, ...] = BACKWARDS
    """Those that callers of the newer would need to be served by the older."""

    @property
    def is_bridged(self) -> bool:
        """Whether callers of the older can be served by the newer."""
        return not self.missing

    @property
    def is_bridged_back(self) -> bool:
        """Whether callers of the newer can be served by the older."""
        return not self.missing_back


class Chain(msgspec.Struct, frozen=True):
    """The steps from a version to another, in the order in which they are gone."""

    steps: tuple[Step, ...] = ()
    is_back: bool = False
    """Whether it goes from a newer version to an older one, to be served there."""

    @property
    def start(self) -> Version:
        """The version whose callers go it; of a chain with steps."""
        return self.steps[0].newer if self.is_back else self.steps[0].older

    @property
    def end(self) -> Version:
        """The version it leads to; of a chain with steps."""
        return self.steps[-1].older if self.is_back else self.steps[-1].newer

    @property
    def hops(self) -> tuple[Step, ...]:
        """The steps that change data."""
        return tuple(step for step in self.steps if step.pair is not None)


class ChainTooLong(msgspec.Struct, frozen=True):
    """More hops than data may go."""

    hops: int


class NoTransformPath(msgspec.Struct, frozen=True):
    """The versions are not joined."""

    older: str
    """The first step without a bridge."""
    newer: str
    missing: tuple[str, ...]


Path: TypeAlias = Chain | ChainTooLong | NoTransformPath


def chain(routes: HandlerRoutes, start: Version, end: Version) -> Path:
    """Return the way of data from *start* to *end*; downwards it is the way up, reversed."""
    if end.order < start.order:
        up = chain(routes, end, start)
        return Chain(up.steps[::-1]) if isinstance(up, Chain) else up
    steps = []
    for step in steps_up(routes, start):
        if step.newer.order > end.order:
            break
        if not step.is_bridged:
            return NoTransformPath(str(step.older.id), str(step.newer.id), step.missing)
        steps.append(step)
    found = Chain(tuple(steps))
    return ChainTooLong(len(found.hops)) if len(found.hops) > MOST_HOPS else found


def steps_up(routes: HandlerRoutes, start: Version) -> Iterator[Step]:
    """Give the steps from *start* on, upwards."""
    line = routes.line
    at = next(n for n, version in enumerate(line) if version.id == start.id)
    for older, newer in zip(line[at:], line[at + 1 :], strict=False):
        yield step_between(routes, older, newer)


def step_between(routes: HandlerRoutes, older: Version, newer: Version) -> Step:
    """Say what is known of two neighbours."""
    pair = pair_between(routes, older, newer)
    compared = routes.compared.get((str(older.id), str(newer.id)))
    functions = () if pair is None else pair.functions
    if compared is None:
        # Nobody compared them: only a whole pair will do.
        up: Breaks = UNKNOWN
        back: Breaks = UNKNOWN
    else:
        up = compared.request, compared.response
        back = compared.request_back, compared.response_back
    missing, missing_back = _lacking(FUNCTIONS, up, functions), _lacking(BACKWARDS, back, functions)
    return Step(older, newer, pair, missing, missing_back)


def _lacking(names: tuple[str, str], breaks: Breaks, there: tuple[str, ...]) -> tuple[str, ...]:
    """Name the functions that are not there and would be needed, as their side breaks."""
    sides = zip(names, breaks, strict=True)
    return tuple(name for name, broken in sides if broken != () and name not in there)


def pair_between(routes: HandlerRoutes, older: Version, newer: Version) -> Pair | None:
    """Return the transformer of two neighbours: by their ids, else by their editions.

    A pair of editions joins the last version of the older with the first of the newer (TX-1).
    """
    by_id = routes.pairs.get((str(older.id), str(newer.id)))
    if by_id is not None or older.edition == newer.edition:
        return by_id
    return routes.pairs.get((older.edition or "", newer.edition or ""))


def running(routes: HandlerRoutes, version: Version, now_us: int) -> Chain:
    """Return the way from *version* to the version whose code serves its callers (TR-7).

    That is the newest that is active and seen, not after the current one, and reached by
    bridged steps of which one at least has a transformer; without one it is *version* itself.
    """
    if not routes.pairs or version.run == "own":
        return Chain()
    current = routes.current(now_us)
    if current is None or current.order <= version.order:
        return Chain()
    reached = ways_up(routes, version, now_us)
    kept = [way for way in reached if way.hops and way.steps[-1].newer.order <= current.order]
    return kept[-1] if kept else Chain()


def instead(routes: HandlerRoutes, version: Version, now_us: int) -> Chain | None:
    """Return the way to the newest active version that can stand in for *version* (TR-8)."""
    if version.run == "own":
        return None
    reached = list(ways_up(routes, version, now_us))
    return reached[-1] if reached else None


def ways_back(routes: HandlerRoutes, version: Version, now_us: int) -> Iterator[Chain]:
    """Give the ways down to versions that can run, the longest last."""
    line = routes.line
    at = line.index(version)
    steps: list[Step] = []
    for n in range(at, 0, -1):
        step = step_between(routes, line[n - 1], line[n])
        steps.append(step)
        if not step.is_bridged_back or len(steps) > MOST_HOPS:
            return
        if can_run(routes, step.older, now_us):
            yield Chain(tuple(steps), is_back=True)


def can_run(routes: HandlerRoutes, version: Version, now_us: int) -> bool:
    """Say whether *version* is seen and in service."""
    return version.effective_us <= now_us and routes.in_service(str(version.id), now_us)


def ways_up(routes: HandlerRoutes, version: Version, now_us: int) -> Iterator[Chain]:
    """Give the ways up to versions that can run, the longest last."""
    steps: list[Step] = []
    for step in steps_up(routes, version):
        steps.append(step)
        if not step.is_bridged or len(steps) > MOST_HOPS:
            return
        if can_run(routes, step.newer, now_us):
            yield Chain(tuple(steps))

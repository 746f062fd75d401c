"""How data gets from one version to another: steps between neighbours, chains of them (TX-4).

A step is *bridged* where nothing breaks, or where a transformer takes care of the side that
does. Direction comes from the line of the handler, never from times.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from runtime.timescape.table import HandlerRoutes, Pair, Version

MOST_HOPS = 10
REQUEST_UP = "request_up"
RESPONSE_DOWN = "response_down"
FUNCTIONS = (REQUEST_UP, RESPONSE_DOWN)
"""What a transformer may have, each for one side."""


class Step(msgspec.Struct, frozen=True):
    """Two neighbours on the line, the older first."""

    older: Version
    newer: Version
    pair: Pair | None
    """The transformer that joins them."""
    missing: tuple[str, ...] = ()
    """Functions that it would need and does not have."""

    @property
    def is_bridged(self) -> bool:
        """Whether callers of the older can be served by the newer."""
        return not self.missing


class Chain(msgspec.Struct, frozen=True):
    """The steps from a version to another, in the order in which they are gone."""

    steps: tuple[Step, ...] = ()

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
        breaks: tuple[object, object] = (True, True)
    else:
        breaks = (compared.request, compared.response)
    missing = tuple(
        name for name, broken in zip(FUNCTIONS, breaks, strict=True) if broken
        and name not in functions
    )  # fmt: skip
    return Step(older, newer, pair, missing)


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


def ways_up(routes: HandlerRoutes, version: Version, now_us: int) -> Iterator[Chain]:
    """Give the ways up to versions that can run, the longest last."""
    steps: list[Step] = []
    for step in steps_up(routes, version):
        steps.append(step)
        if not step.is_bridged or len(steps) > MOST_HOPS:
            return
        newer = step.newer
        if newer.effective_us <= now_us and routes.in_service(str(newer.id), now_us):
            yield Chain(tuple(steps))

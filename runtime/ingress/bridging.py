"""Makes ready what serves a version's callers: its own code, or later code and the way to it."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from runtime.ingress.endpoints import Endpoint, Guarded, Served
from runtime.lifecycle.handlers import Crossing, HandlerVersion, Hop
from runtime.manifests.promises import NONE
from runtime.policies import AccessRules
from runtime.timescape import Chain, HandlerRoutes, Resolution, Version
from runtime.timescape.chains import Step, can_run, chain, ways_back, ways_up

_UNNAMED: Final = frozenset({"split", "default", "latest"})
"""By what a version was found for callers who named none."""


class Placed(msgspec.Struct, frozen=True):
    """What runs for a version that was resolved."""

    served: Served
    version: Version
    """Whose code."""
    chain: Chain = Chain()
    failed_over: bool = False
    """Whether it runs because what was to run is unhealthy (PL-2)."""


class Unavailable(msgspec.Struct, frozen=True):
    """Nothing can run."""

    reason: str
    """unhealthy, or absent: the code is not in the running app."""


def place(
    endpoint: Endpoint,
    routes: HandlerRoutes,
    resolution: Resolution,
    now_us: int,
    unhealthy: frozenset[str] = frozenset(),
    suspected: frozenset[str] = frozenset(),
) -> Placed | Unavailable:
    """Find what runs: the first candidate that is not unhealthy (PL-2).

    What does badly elsewhere is passed by where there is something else, and never refused:
    that may be because of the process there.

    Args:
        endpoint: the code that there is.
        routes: of its handler.
        resolution: what was found.
        now_us: when the request came.
        unhealthy: ids of versions that are to get no requests.
        suspected: ids of those that are unhealthy in other processes.
    """
    passed, second = False, None
    for placed in _candidates(endpoint, routes, resolution, now_us, unhealthy, suspected):
        name = str(placed.version.id)
        if name not in unhealthy:
            found = msgspec.structs.replace(placed, failed_over=True) if passed else placed
            if name not in suspected:
                return found
            second = second or found
        passed = True
    return second or Unavailable("unhealthy" if passed else "absent")


def _candidates(
    endpoint: Endpoint,
    routes: HandlerRoutes,
    resolution: Resolution,
    now_us: int,
    unhealthy: frozenset[str],
    suspected: frozenset[str],
) -> Iterator[Placed]:
    """Give what resolve said, the version itself or its patch, then all that are joined to it.

    Those only to callers who named nothing.
    """
    meant = resolution.version
    serves = routes.in_service(str(meant.id), now_us)
    way = resolution.chain
    may_fall_back = serves and str(meant.id) not in unhealthy
    if way.steps:
        yield from _over(endpoint, [way], may_fall_back=may_fall_back)
        taken = endpoint.code.get(str(way.end.id))
        if taken is not None and not way.hops and str(meant.id) not in endpoint.code:
            # Nothing knows its types any more, and nothing has to: there is no difference.
            yield Placed(taken, way.end)
    if serves:
        own = endpoint.code.get(str(meant.id))
        placed = _patched(endpoint, routes, meant, now_us) if own is None else Placed(own, meant)
        if placed is not None:
            yield placed
    if resolution.source in _UNNAMED and meant.run != "own" and (unhealthy or suspected):
        ways = list(ways_up(routes, meant, now_us))[::-1]
        ways += ways_back(routes, meant, now_us)
        yield from _over(endpoint, ways, may_fall_back=may_fall_back)
    if serves and resolution.source in _UNNAMED and str(meant.id) not in endpoint.code:
        earlier = _earlier(endpoint, routes, meant, now_us)
        if earlier is not None:
            yield earlier


def _over(endpoint: Endpoint, ways: Iterable[Chain], *, may_fall_back: bool) -> Iterator[Placed]:
    for way in ways:
        served = bridged(endpoint, way, may_fall_back=may_fall_back)
        if served is not None:
            yield Placed(served, way.end, way)


def _earlier(
    endpoint: Endpoint, routes: HandlerRoutes, meant: Version, now_us: int
) -> Placed | None:
    """Return the newest earlier version whose callers *meant* serves without a transformer.

    While a deployment goes round, who names nothing is served by processes that do not have
    the newest code yet as a moment ago.
    """
    for version in reversed(routes.line[: routes.line.index(meant)]):
        way = chain(routes, version, meant)
        if not isinstance(way, Chain) or way.hops:
            return None
        served = endpoint.code.get(str(version.id))
        if served is not None and can_run(routes, version, now_us):
            return Placed(served, version)
    return None


def _patched(
    endpoint: Endpoint, routes: HandlerRoutes, meant: Version, now_us: int
) -> Placed | None:
    """Return the nearest later version that needs no transformer: an id outlives a patch."""
    for way in ways_up(routes, meant, now_us):
        served = endpoint.code.get(str(way.end.id))
        if way.hops:
            return None
        if served is not None:
            return Placed(served, way.end)
    return None


def bridged(endpoint: Endpoint, chain: Chain, *, may_fall_back: bool) -> Served | None:
    """Return the version at the end of *chain*, ready for callers of the one at its beginning.

    None: some of its code is not in the running app.
    """
    spoken = endpoint.code.get(str(chain.start.id))
    running = endpoint.code.get(str(chain.end.id))
    hops = [_hop(endpoint, step, is_back=chain.is_back) for step in chain.hops]
    ready = tuple(hop for hop in hops if hop is not None)
    if spoken is None or running is None or len(ready) < len(hops):
        return None
    crossing = crossing_of(spoken, running, ready, may_fall_back=may_fall_back)
    # All that a caller meets before the handler is what its own version says.
    return msgspec.structs.replace(
        spoken,
        version=crossed(running.version, crossing),
        guarded=_guarded_by_both(spoken.guarded, running.guarded),
    )


def _guarded_by_both(spoken: Guarded | None, running: Guarded | None) -> Guarded | None:
    """Let in whom both versions let in, as often as the one that is spoken says (PO-2)."""
    if running is None or not running.access.needs_principal:
        return spoken
    if spoken is None:
        return Guarded(AccessRules(), None, running.access)
    return msgspec.structs.replace(spoken, also=running.access)


def _hop(endpoint: Endpoint, step: Step, *, is_back: bool) -> Hop | None:
    assert step.pair is not None  # noqa: S101 - hops have one
    joint = endpoint.joints.get((step.pair.older, step.pair.newer))
    if joint is None:
        return None
    older, newer = str(step.older.id), str(step.newer.id)
    return Hop(newer, older, joint.turned()) if is_back else Hop(older, newer, joint)


def crossing_of(
    spoken: Served, running: Served, hops: tuple[Hop, ...], *, may_fall_back: bool
) -> Crossing:
    """Return the way of data between two versions."""
    both = spoken.version, running.version
    return Crossing(
        spoken.version,
        hops,
        may_fall_back,
        hides_request=any(each.hides_in_body or each.hidden_query for each in both),
        hides_answer=any(getattr(each.redact_answer, "paths", ()) for each in both),
        max_body=spoken.max_body,
        headers=frozenset(name for each in both for name in _promised(each)),
    )


def _promised(version: HandlerVersion) -> Iterable[str]:
    promises = version.promises or NONE
    return (*promises.needs, *promises.reads, *promises.gives, *promises.may_give)


def crossed(running: HandlerVersion, crossing: Crossing) -> HandlerVersion:
    """Return *running* for the callers of another version, whose types say what is recorded."""
    spoken = crossing.spoken
    return msgspec.structs.replace(
        running,
        crossing=crossing,
        redact_body=spoken.redact_body,
        redact_answer=spoken.redact_answer,
        hidden_query=spoken.hidden_query,
        hides_in_body=spoken.hides_in_body,
    )

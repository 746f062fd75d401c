"""Makes ready what serves a version's callers: its own code, or later code and the way to it."""

import msgspec

from runtime.ingress.endpoints import Endpoint, Guarded, Served
from runtime.lifecycle.handlers import Crossing, HandlerVersion, Hop
from runtime.policies import AccessRules
from runtime.timescape import Chain, HandlerRoutes, Resolution, Version
from runtime.timescape.chains import Step, chain, ways_up

_NAMES_NOTHING = frozenset({"default", "split", "latest"})


class Placed(msgspec.Struct, frozen=True):
    """What runs for a version that was resolved."""

    served: Served
    version: Version
    """Whose code."""
    chain: Chain = Chain()


def place(
    endpoint: Endpoint, routes: HandlerRoutes, resolution: Resolution, now_us: int
) -> Placed | None:
    """Find what can run: what resolve said, else the version itself, else a compatible patch.

    Args:
        endpoint: the code that there is.
        routes: of its handler.
        resolution: what was found.
        now_us: when the request came.

    Returns:
        None: the code is not in the running app.
    """
    meant = resolution.version
    serves = routes.in_service(str(meant.id), now_us)
    if resolution.chain.steps:
        served = bridged(endpoint, resolution.chain, may_fall_back=serves)
        if served is not None:
            return Placed(served, resolution.runs, resolution.chain)
    if not serves:
        return None
    own = endpoint.code.get(str(meant.id))
    if own is not None:
        return Placed(own, meant)
    found = _patched(endpoint, routes, meant, now_us)
    if found is None and resolution.source in _NAMES_NOTHING:
        found = _earlier(endpoint, routes, meant, now_us)
    return found


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
        if served is not None and routes.in_service(str(version.id), now_us):
            return Placed(served, version)
    return None


def _patched(
    endpoint: Endpoint, routes: HandlerRoutes, meant: Version, now_us: int
) -> Placed | None:
    """Return the nearest later version that needs no transformer: an id outlives a patch."""
    for way in ways_up(routes, meant, now_us):
        newer = way.steps[-1].newer
        served = endpoint.code.get(str(newer.id))
        if way.hops:
            return None
        if served is not None:
            return Placed(served, newer)
    return None


def bridged(endpoint: Endpoint, chain: Chain, *, may_fall_back: bool) -> Served | None:
    """Return the version at the end of *chain*, ready for callers of the one at its beginning.

    None: some of its code is not in the running app.
    """
    spoken = endpoint.code.get(str(chain.steps[0].older.id))
    running = endpoint.code.get(str(chain.steps[-1].newer.id))
    hops = [_hop(endpoint, step) for step in chain.hops]
    ready = tuple(hop for hop in hops if hop is not None)
    if spoken is None or running is None or len(ready) < len(hops):
        return None
    crossing = crossing_of(spoken, running, ready, may_fall_back=may_fall_back)
    return msgspec.structs.replace(
        running,
        version=crossed(running.version, crossing),
        takes=spoken.takes,
        max_body=spoken.max_body,
        guarded=_guarded_by_both(spoken.guarded, running.guarded),
        keys=spoken.keys,
        room=spoken.room,
    )


def _guarded_by_both(spoken: Guarded | None, running: Guarded | None) -> Guarded | None:
    """Let in whom both versions let in, as often as the one that is spoken says (PO-2)."""
    if running is None or not running.access.needs_principal:
        return spoken
    if spoken is None:
        return Guarded(AccessRules(), None, running.access)
    return msgspec.structs.replace(spoken, also=running.access)


def _hop(endpoint: Endpoint, step: Step) -> Hop | None:
    assert step.pair is not None  # noqa: S101 - hops have one
    joint = endpoint.joints.get((step.pair.older, step.pair.newer))
    return None if joint is None else Hop(str(step.older.id), str(step.newer.id), joint)


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
    )


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

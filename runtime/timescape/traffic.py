"""Share out traffic among versions, and promote one to have it all (DP-5). Pure."""

from collections.abc import Mapping

from runtime.errors import SplitError
from runtime.timescape.instants import rfc3339
from runtime.timescape.table import WHOLE, HandlerRoutes, Version
from runtime.version_facts import TrafficSplitChanged


def split(
    routes: HandlerRoutes, parts: Mapping[str, int], *, salt: str, now_us: int, by: str = ""
) -> tuple[str, TrafficSplitChanged] | None:
    """Return key and fact that share out traffic anew; None: it is shared out so already.

    Args:
        routes: of the handler.
        parts: version id to its part of 10 000. One with all of it is promoted.
        salt: of a new split; one that is adjusted keeps its own.
        now_us: the time.
        by: who wants it.

    Raises:
        SplitError: the sum, a part, or a version that cannot take traffic.
    """
    for version, part in parts.items():
        _check_part(routes, version, part, now_us)
    total = sum(parts.values())
    if total != WHOLE:
        raise SplitError(
            problem=f"The parts make {total} of {WHOLE}.", remedy=f"Let them make {WHOLE}."
        )
    if len(parts) == 1:
        _check_lasting(routes, *parts)
    ordered = sorted(parts.items(), key=lambda each: routes.versions[each[0]].order)
    if routes.split is not None:
        salt = routes.split.salt
        if routes.split.parts == tuple(ordered):
            return None
    elif len(ordered) == 1 and routes.current(now_us) == routes.versions[ordered[0][0]]:
        return None
    return routes.handler, TrafficSplitChanged(tuple(ordered), salt, by)


def promote(
    routes: HandlerRoutes, version: Version, *, salt: str, now_us: int, by: str = ""
) -> tuple[str, TrafficSplitChanged] | None:
    """Return key and fact that make *version* current; None: it is, for everybody.

    Raises:
        SplitError: it cannot take traffic.
    """
    return split(routes, {str(version.id): WHOLE}, salt=salt, now_us=now_us, by=by)


def _check_lasting(routes: HandlerRoutes, version: str) -> None:
    """Refuse to make current what is announced to end: a current version never does (VL-6)."""
    sunset_us = routes.retirement(version).sunset_us
    if sunset_us is not None:
        raise SplitError(
            problem=f"{version} is announced to end at {rfc3339(sunset_us)}.",
            remedy="Take that back: `timescape versions deprecate VERSION`, without --sunset.",
        )


def _check_part(routes: HandlerRoutes, version: str, part: int, now_us: int) -> None:
    known = routes.versions.get(version)
    if known is None or known.effective_us > now_us:
        problem = f"{routes.handler} has no version {version[:80]} that could take traffic."
        raise SplitError(problem, "`timescape versions` lists those there are.")
    if isinstance(part, bool) or not isinstance(part, int) or part < 1:
        problem = f"{part!r:.80} is no part of {WHOLE}."
        raise SplitError(problem, "Give each version a whole number, 1 or more.")
    retirement = routes.retirement(version)
    ended = retirement.sunset_us is not None and retirement.sunset_us <= now_us
    if retirement.deactivated is not None or ended:
        problem = f"{version} {'has ended' if ended else 'is deactivated'}."
        raise SplitError(problem, "Share traffic among active versions.")

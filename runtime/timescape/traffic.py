"""Share out traffic, promote versions, pin callers (DP-5, TG-4). Pure."""

from collections.abc import Mapping

from runtime.errors import PinError, SplitError
from runtime.timescape import selectors as forms
from runtime.timescape.folding import EVERY_HANDLER
from runtime.timescape.resolve import Refusal, meaning
from runtime.timescape.selectors import Selector
from runtime.timescape.table import WHOLE, HandlerRoutes, Pin, RouteTable, Version
from runtime.version_facts import TrafficSplitChanged, VersionPinned, VersionUnpinned

PIN_KINDS = ("credential", "principal", "tenant")
"""Who can be pinned, in the order in which pins are looked for."""


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


def _check_part(routes: HandlerRoutes, version: str, part: int, now_us: int) -> None:
    known = routes.versions.get(version)
    if known is None or known.effective_us > now_us:
        problem = f"{routes.handler} has no version {version[:80]} that could take traffic."
        raise SplitError(problem, "`timescape versions` lists those there are.")
    if part < 1:
        problem = f"{part} is no part of {WHOLE}."
        raise SplitError(problem, "Give each version 1 or more.")
    retirement = routes.retirement(version)
    ended = retirement.sunset_us is not None and retirement.sunset_us <= now_us
    if retirement.deactivated is not None or ended:
        problem = f"{version} {'has ended' if ended else 'is deactivated'}."
        raise SplitError(problem, "Share traffic among active versions.")


def pin_of(table: RouteTable, handler: str, who: Mapping[str, str | None]) -> Selector | None:
    """Return what a caller is pinned to: credential, principal, tenant; handler before `*`.

    Args:
        table: the route table.
        handler: its id.
        who: of each kind the caller's id, where it has one.
    """
    routes = table.handlers.get(handler)
    for kind in PIN_KINDS:
        subject = who.get(kind)
        for pins in (routes.pins if routes else (), table.pins):
            for each in pins:
                if subject is not None and (each.kind, each.subject) == (kind, subject):
                    return Selector("pin", f"pin of {kind} {subject}", each.selector)
    return None


def pin(
    table: RouteTable, handler: str, wanted: Pin, *, now_us: int, by: str = ""
) -> tuple[str, VersionPinned] | None:
    """Return key and fact that pin a caller; None: it is pinned so already.

    Raises:
        PinError: the kind, or a selector that selects nothing now.
    """
    if wanted.kind not in PIN_KINDS or not wanted.subject:
        raise PinError(
            problem=f"{wanted.kind[:40]!a} is nobody who can be pinned.",
            remedy=f"Pin a {', '.join(PIN_KINDS)}.",
        )
    selector = Selector("pin", "pin", wanted.selector)
    if forms.read(selector) is None:
        problem = f"{wanted.selector[:80]!a} selects no version."
        raise PinError(problem, f"Write {forms.FORMS}.")
    if handler != EVERY_HANDLER:
        answer = meaning(table.handlers[handler], selector, now_us)
        if isinstance(answer, Refusal):
            raise PinError(answer.detail, answer.remedy)
    if wanted in _pins(table, handler):
        return None
    return handler, VersionPinned(wanted.kind, wanted.subject, wanted.selector, by)


def unpin(
    table: RouteTable, handler: str, kind: str, subject: str, *, by: str = ""
) -> tuple[str, VersionUnpinned] | None:
    """Return key and fact that free a caller; None: it is not pinned."""
    known = any((each.kind, each.subject) == (kind, subject) for each in _pins(table, handler))
    return (handler, VersionUnpinned(kind, subject, by)) if known else None


def _pins(table: RouteTable, handler: str) -> tuple[Pin, ...]:
    if handler == EVERY_HANDLER:
        return table.pins
    routes = table.handlers.get(handler)
    return routes.pins if routes else ()

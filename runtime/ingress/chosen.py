"""A version that was resolved, ready to be run and told about: made once for equal requests."""

from typing import Final

import msgspec

from runtime.facts import VersionResolved
from runtime.ingress.answers import Pairs
from runtime.ingress.bridging import Placed, Unavailable, place
from runtime.ingress.endpoints import Endpoint, Served
from runtime.timescape import HandlerRoutes, Refusal, Resolution, Version
from runtime.timescape.chains import can_run
from runtime.timescape.instants import http_date
from runtime.timescape.table import Retirement
from runtime.transform_facts import VersionPlaced

_DEGRADED: Final = (b"timescape-degraded", b"?1")
_PERSONAL: Final = frozenset({"split", "pin"})
"""Sources by which the version depends on who asks."""
_VARY: Final = (b"vary", b"timescape-version, x-api-version, accept-datetime")


class Chosen(msgspec.Struct, frozen=True):
    """What runs, and what the answer and the record say of it."""

    served: Served
    resolved: VersionResolved
    headers: Pairs
    fallen_back: Pairs = ()
    """In their place, where the caller's own version ran because a transformer failed."""
    placed: VersionPlaced | None = None
    """Told, where it runs because what was to run is unhealthy."""

    @property
    def is_personal(self) -> bool:
        """Whether another caller might have got another version (TR-9)."""
        return self.resolved.source in _PERSONAL

    def telling(self, more: Pairs) -> "Chosen":
        """Return it with *more* fields of the answer."""
        told, back = (*self.headers, *more), (*self.fallen_back, *more)
        return msgspec.structs.replace(self, headers=told, fallen_back=back)


def choose(  # noqa: PLR0913 - what is known where it is chosen
    endpoint: Endpoint,
    routes: HandlerRoutes,
    resolution: Resolution,
    *,
    table: int,
    asked: str | None,
    now_us: int,
    unhealthy: frozenset[str] = frozenset(),
    suspected: frozenset[str] = frozenset(),
) -> Chosen | Refusal:
    """Make ready what *resolution* found; refuse it if nothing can run.

    Args:
        endpoint: what can run.
        routes: of its handler.
        resolution: as it was found.
        table: position of the table it was found in.
        asked: the first selector as sent.
        now_us: when the request came.
        unhealthy: ids of versions that are to get no requests.
        suspected: ids of versions that are unhealthy in other processes.
    """
    meant = resolution.version
    placed = place(endpoint, routes, resolution, now_us, unhealthy, suspected)
    if isinstance(placed, Unavailable):
        return _unavailable(str(meant.id), placed.reason)
    is_other = placed.version.id != meant.id
    fact = VersionResolved(
        edition=placed.version.edition,
        source=resolution.source,
        asked=asked,
        table=table,
        bucket=resolution.bucket,
        contract=str(meant.id) if is_other else None,
        chain=_fingerprints(placed),
    )
    ending = _ending(routes, meant, now_us)
    own = (*_headers(str(meant.id), resolution), *ending)
    told = VersionPlaced("unhealthy", fact.edition) if placed.failed_over else None
    if told is not None:
        ending = (_DEGRADED, *ending)
    if not is_other:
        return Chosen(placed.served, fact, (*own, _DEGRADED) if told else own, placed=told)
    spoken = (b"timescape-contract", str(meant.id).encode())
    headers = (*_headers(str(placed.version.id), resolution), spoken, *ending)
    return Chosen(placed.served, fact, headers, own, told)


def _fingerprints(placed: Placed) -> tuple[str, ...]:
    crossing = placed.served.version.crossing
    return () if crossing is None else tuple(hop.joint.fingerprint for hop in crossing.hops)


def _unavailable(version: str, reason: str) -> Refusal:
    """Refuse a version whose code is gone, or does badly (PL-3)."""
    detail, remedy = _WHY[reason]
    return Refusal(503, "version-unavailable", f"{version} {detail}", remedy, {"reason": reason})


_WHY: Final = {
    "absent": (
        "is not served here: its code is not in the running app.",
        "Deploy it again, or name another version.",
    ),
    "unhealthy": (
        "fails too often, and nothing else can answer for it.",
        "Send it again after some seconds, or name another version.",
    ),
}


def _headers(version: str, resolution: Resolution) -> Pairs:
    source = resolution.source
    headers = [
        (b"timescape-version", version.encode()),
        (b"timescape-resolved-by", source.encode()),
        _VARY,
    ]
    if source == "datetime" and resolution.since_us is not None:
        headers.append((b"memento-datetime", http_date(resolution.since_us).encode()))
    if source in _PERSONAL:
        headers.append((b"cache-control", b"private"))
    return tuple(headers)


def _ending(routes: HandlerRoutes, version: Version, now_us: int) -> Pairs:
    """Tell of the end of a version that is announced to end (VL-6).

    Source: RFC 9745 (Deprecation), RFC 8594 (Sunset), RFC 5829 (successor-version).
    """
    retirement: Retirement = routes.retirement(str(version.id))
    if retirement.deprecated_us is None:
        return ()
    headers = [(b"deprecation", b"@%d" % (retirement.deprecated_us // 1_000_000))]
    if retirement.sunset_us is not None:
        headers.append((b"sunset", http_date(retirement.sunset_us).encode()))
    links = []
    if retirement.link is not None:
        links.append(f'<{retirement.link}>; rel="deprecation"')
    successor = _successor(routes, version, now_us)
    if successor is not None:
        links.append(f'<?version={successor.id}>; rel="successor-version"')
    if links:
        headers.append((b"link", ", ".join(links).encode()))
    return tuple(headers)


def _successor(routes: HandlerRoutes, version: Version, now_us: int) -> Version | None:
    """Return the next active version on the line that is seen, the last of its edition."""
    later = [
        each for each in routes.line if each.order > version.order and can_run(routes, each, now_us)
    ]
    first = next((each for each in later if each.edition != version.edition), None)
    same = [each for each in later if first is not None and each.edition == first.edition]
    return same[-1] if same else (later[-1] if later else None)

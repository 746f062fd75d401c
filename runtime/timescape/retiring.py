"""Take versions out of service, and back: guards, deprecation, sunset (VL-4 to VL-6). Pure."""

from collections.abc import Sequence

from runtime.errors import SunsetError, VersionProtectedError
from runtime.timescape.chains import instead
from runtime.timescape.ending import announced
from runtime.timescape.instants import rfc3339
from runtime.timescape.pins import selector_of
from runtime.timescape.resolve import Meant, meaning
from runtime.timescape.table import DEFAULT_TAG, HandlerRoutes, Pin, Version
from runtime.version_facts import VersionDeactivated, VersionDeprecated, VersionReactivated

PROTECTED_TAGS = frozenset({"stable", "production", DEFAULT_TAG})
YOUNG_US = 24 * 3_600 * 1_000_000
NOTICE_US = 30 * 24 * 3_600 * 1_000_000
"""What lies at least between the announcement of a sunset and the sunset."""


def guards(
    routes: HandlerRoutes, version: Version, now_us: int, pins: Sequence[Pin] = ()
) -> list[str]:
    """Say what keeps *version* in service and only `force` overrides (VL-4).

    Args:
        routes: of the handler.
        version: one of its versions.
        now_us: the time.
        pins: that callers of the handler may have.
    """
    held = []
    if routes.line[-1] == version:
        held.append("it is the newest")
    retirement = routes.retirement(str(version.id))
    ended = retirement.sunset_us is not None and retirement.sunset_us <= now_us
    last = version.edition and _last_active(routes, version.edition) == version
    if last and not ended and instead(routes, version, now_us) is None:
        held.append(f"it is the last of edition {version.edition}")
    deployed_us = version.id.seconds * 1_000_000
    if now_us - max(version.effective_us, deployed_us) < YOUNG_US:
        held.append("it is younger than 24 h")
    held += [f"the tag {tag!r} points to it" for tag in _protecting(routes, version, now_us)]
    if routes.share(str(version.id)):
        held.append("it has a part of the traffic")
    held += [
        f"{pin.kind} {pin.subject} is pinned to it"
        for pin in pins
        if _means(routes, pin.selector, version, now_us)
    ]
    return held


def _means(routes: HandlerRoutes, selector: str, version: Version, now_us: int) -> bool:
    meant = meaning(routes, selector_of(selector), now_us)
    return isinstance(meant, Meant) and meant.version == version


def deactivate(  # noqa: PLR0913 - what is said of it
    routes: HandlerRoutes,
    version: Version,
    *,
    now_us: int,
    reason: str = "manual",
    note: str = "",
    by: str = "",
    force: bool = False,
    stop: bool = False,
    pins: Sequence[Pin] = (),
) -> tuple[str, VersionDeactivated] | None:
    """Return key and fact that take *version* out of service; None: it is out.

    Args:
        routes: of the handler.
        version: one of its versions.
        now_us: the time.
        reason: manual, or security, which overrides the guards.
        note: what is to be kept about it.
        by: who wants it.
        force: override the guards that can be.
        stop: with security: even if nothing takes its place.
        pins: that callers of the handler may have.

    Raises:
        VersionProtectedError: names every guard that holds it.
    """
    if not routes.is_active(str(version.id)):
        return None
    fact = str(version.id), VersionDeactivated(reason, note, by)
    if routes.current(now_us) == version and not (reason == "security" and stop):
        raise VersionProtectedError(
            problem=f"{version.id} is current: callers who name nothing get it.",
            remedy="Promote another first: `timescape traffic HANDLER --promote VERSION`.",
        )
    if reason == "security":
        return fact
    if sum(routes.is_active(str(each.id)) for each in routes.line) == 1:
        raise VersionProtectedError(
            problem=f"{version.id} is the only active version of {routes.handler}.",
            remedy="Deploy or reactivate another first.",
        )
    held = guards(routes, version, now_us, pins)
    if held and not force:
        raise VersionProtectedError(
            problem=f"{version.id} stays in service: {'; '.join(held)}.",
            remedy="Add --force if it is meant all the same.",
        )
    return fact


def reactivate(
    routes: HandlerRoutes, version: Version, *, by: str = ""
) -> tuple[str, VersionReactivated] | None:
    """Return key and fact that put *version* back into service; None: it is in."""
    if routes.is_active(str(version.id)):
        return None
    return str(version.id), VersionReactivated(by)


def deprecate(
    routes: HandlerRoutes,
    version: Version,
    *,
    now_us: int,
    sunset_us: int | None = None,
    link: str | None = None,
    by: str = "",
    force: bool = False,
) -> tuple[str, VersionDeprecated]:
    """Return key and fact that announce the end of *version*.

    Raises:
        SunsetError: of the current version; without *force* sooner than 30 days, or than
            was announced.
    """
    if sunset_us is not None:
        if routes.current(now_us) == version:
            raise SunsetError(
                problem=f"{version.id} is current and cannot end.",
                remedy="Promote another first: `timescape traffic HANDLER --promote VERSION`.",
            )
        if any(e.version == str(version.id) and e.from_us > now_us for e in routes.timeline):
            raise SunsetError(
                problem=f"{version.id} is scheduled to become current.",
                remedy="Call that off first: `timescape versions deactivate VERSION --force`.",
            )
        if sunset_us < now_us + NOTICE_US and not force:
            raise SunsetError(
                problem=f"{rfc3339(sunset_us)} is less than 30 days ahead.",
                remedy=f"Give {rfc3339(now_us + NOTICE_US)} or later, or --force.",
            )
    broken = announced(routes.retirement(str(version.id)), sunset_us)
    if broken.breaking and not force:
        raise SunsetError(
            problem=f"Callers were told otherwise: {broken.changes[0].sentence} (BR-49).",
            remedy="Give the time they were told or a later one, or --force.",
        )
    return str(version.id), VersionDeprecated(sunset_us, link, by)


def _protecting(routes: HandlerRoutes, version: Version, now_us: int) -> list[str]:
    name = str(version.id)
    return [
        tag
        for tag in sorted(PROTECTED_TAGS)
        if name in (routes.tagged(tag), routes.meant(tag, None, now_us))
    ]


def _last_active(routes: HandlerRoutes, edition: str) -> Version | None:
    active = [v for v in routes.line if v.edition == edition and routes.is_active(str(v.id))]
    return active[-1] if active else None

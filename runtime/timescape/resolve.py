"""Which version of a handler a caller means (TR-1 to TR-6, TR-8).

`resolve` is pure and never raises: it reads a handler's routes, the selectors as sent and
the time, and answers with a version or with the reason why there is none. It sees no
health and no code: what can run is placed afterwards.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from runtime.timescape import selectors as forms
from runtime.timescape.chains import Chain, instead, running
from runtime.timescape.instants import rfc3339
from runtime.timescape.selectors import Edition, Instant, Latest, Selector, Tag
from runtime.timescape.splits import chosen
from runtime.timescape.table import DEFAULT_TAG, HandlerRoutes, Version
from runtime.timescape.timeline import entry_at
from runtime.timescape.version_ids import VersionId

AHEAD_US = 5_000_000
"""How far an instant may lie in the future, for clocks that go fast (TR-3)."""
_MAX_ECHO = 32


class Resolution(msgspec.Struct, frozen=True):
    """The version that was meant, and why."""

    version: Version
    source: str
    """query, header, datetime, pin, split, default or latest."""
    since_us: int | None = None
    """Of an instant: from when on that version was current."""
    bucket: int | None = None
    """Of a split: where the caller stands."""
    chain: Chain = Chain()
    """The way of its data to the version whose code runs; without steps that is *version*."""

    @property
    def runs(self) -> Version:
        """The version whose code runs, if it is there (TR-6)."""
        return self.chain.end if self.chain.steps else self.version


class Refusal(msgspec.Struct, frozen=True):
    """Why no version fits, as it is answered."""

    status: int
    code: str
    detail: str
    remedy: str
    members: dict[str, object] = {}
    """The code's own members of the problem document."""


class Meant(msgspec.Struct, frozen=True):
    """What one selector means."""

    version: Version
    since_us: int | None = None


Answer: TypeAlias = Resolution | Refusal


def resolve(
    routes: HandlerRoutes,
    selectors: Sequence[Selector],
    *,
    now_us: int,
    bucket: int | None = None,
) -> Resolution | Refusal:
    """Say which version *selectors* mean.

    Args:
        routes: of the handler, at a position of the log.
        selectors: as sent, in the order of precedence; all must mean the same (TR-4).
        now_us: when the request came.
        bucket: where the caller stands in a split; None: it takes part in none.
    """
    if selectors:
        return _named(routes, selectors, now_us)
    if routes.split is not None and bucket is not None:
        version = routes.versions[chosen(routes.split, bucket)]
        return _served(routes, Resolution(version, "split", bucket=bucket), now_us)
    default = default_of(routes, now_us)
    if default is not None:
        return _served(routes, Resolution(default, "default"), now_us)
    current = routes.current(now_us)
    if current is None:
        return _before_first(routes, now_us, "now")
    return _served(routes, Resolution(current, "latest"), now_us)


def default_of(routes: HandlerRoutes, now_us: int) -> Version | None:
    """Return what the default tag means; None: there is none, or it is not seen yet."""
    named = routes.meant(DEFAULT_TAG, None, now_us)
    version = None if named is None else routes.versions[named]
    return version if version is not None and version.effective_us <= now_us else None


def _named(routes: HandlerRoutes, selectors: Sequence[Selector], now_us: int) -> Answer:
    twice = _twice(routes, selectors, now_us)
    if twice is not None:
        return twice
    meant: list[Meant] = []
    for selector in selectors:
        answer = meaning(routes, selector, now_us)
        if isinstance(answer, Refusal):
            return answer
        meant.append(answer)
    first = meant[0]
    if any(other.version.id != first.version.id for other in meant):
        said = [(s.name, str(m.version.id)) for s, m in zip(selectors, meant, strict=True)]
        return _conflict(routes, said, now_us)
    return _served(routes, Resolution(first.version, selectors[0].source, first.since_us), now_us)


def _twice(routes: HandlerRoutes, selectors: Sequence[Selector], now_us: int) -> Refusal | None:
    names = [selector.name for selector in selectors]
    if len(set(names)) == len(names):
        return None
    said = [(s.name, _shown(s.text)) for s in selectors if names.count(s.name) > 1]
    return _conflict(routes, said, now_us)


def meaning(routes: HandlerRoutes, selector: Selector, now_us: int) -> Meant | Refusal:
    """Say which version one selector means, whatever became of it (TR-3)."""
    match forms.read(selector):
        case None:
            return _malformed(selector)
        case VersionId() as version_id:
            return _by_id(routes, version_id, now_us)
        case Edition(date):
            return _by_edition(routes, date, now_us)
        case Instant(at_us):
            return _by_instant(routes, at_us, now_us, selector)
        case Tag(name, at_us):
            return _by_tag(routes, name, at_us, now_us)
        case Latest():
            current = routes.current(now_us)
            return _before_first(routes, now_us, "now") if current is None else Meant(current)


def _by_id(routes: HandlerRoutes, wanted: VersionId, now_us: int) -> Meant | Refusal:
    version = routes.versions.get(str(wanted))
    if version is None:
        detail = f"{routes.handler} has no version {wanted}."
        return _unknown(routes, 404, "version-not-found", detail, now_us)
    if version.effective_us > now_us:
        when = rfc3339(version.effective_us)
        detail = f"{wanted} is seen from {when} on."
        return _unknown(routes, 404, "version-not-found", detail, now_us, {"effective-at": when})
    return Meant(version)


def _by_edition(routes: HandlerRoutes, date: str, now_us: int) -> Meant | Refusal:
    line = routes.line
    if not line or line[-1].edition is None:
        current = routes.current(now_us)
        return _before_first(routes, now_us, date) if current is None else Meant(current)
    for at in range(bisect_right(line, date, key=_edition), 0, -1):
        if line[at - 1].effective_us <= now_us:
            return Meant(line[at - 1])
    return _before_first(routes, now_us, date)


def _by_instant(
    routes: HandlerRoutes, at_us: int, now_us: int, selector: Selector
) -> Meant | Refusal:
    if at_us > now_us + AHEAD_US:
        return _in_future(routes, selector.name, now_us)
    entry = entry_at(routes.timeline, min(at_us, now_us))
    if entry is None:
        return _before_first(routes, now_us, rfc3339(at_us))
    return Meant(routes.versions[entry.version], entry.from_us)


def _by_tag(routes: HandlerRoutes, name: str, at_us: int | None, now_us: int) -> Meant | Refusal:
    if at_us is not None and at_us > now_us + AHEAD_US:
        return _in_future(routes, f"tag {name!r}", now_us)
    version = routes.meant(name, at_us, now_us)
    if version is None:
        then = "" if at_us is None else f" at {rfc3339(at_us)}"
        detail = f"{routes.handler} has no tag {name!r}{then}."
        return _unknown(routes, 404, "tag-not-found", detail, now_us)
    return _by_id(routes, VersionId.parse(version), now_us)


def _served(routes: HandlerRoutes, found: Resolution, now_us: int) -> Answer:
    """Say whose code runs; refuse a version that has gone (TR-7, TR-8)."""
    version = str(found.version.id)
    retirement = routes.retirement(version)
    if retirement.sunset_us is not None and retirement.sunset_us <= now_us:
        when = rfc3339(retirement.sunset_us)
        return _gone(routes, 410, "version-sunset", f"{version} ended at {when}.", now_us)
    if retirement.deactivated is None:
        way = running(routes, found.version, now_us)
        return msgspec.structs.replace(found, chain=way) if way.steps else found
    if retirement.deactivated != "security":
        there = instead(routes, found.version, now_us)
        if there is not None:
            return msgspec.structs.replace(found, chain=there)
    elif routes.current(now_us) == found.version:
        detail = f"{version} was stopped, and nothing has taken its place."
        return Refusal(503, "version-unavailable", detail, "Try again later.")
    return _gone(routes, 410, "version-deactivated", f"{version} is not served any more.", now_us)


# --- refusals ---


def _members(routes: HandlerRoutes, now_us: int) -> dict[str, object]:
    current = routes.current(now_us)
    return {} if current is None else {"latest": str(current.id)}


def _unknown(
    routes: HandlerRoutes,
    status: int,
    code: str,
    detail: str,
    now_us: int,
    more: dict[str, object] | None = None,
) -> Refusal:
    members = {**(more or {}), **_members(routes, now_us)}
    return Refusal(status, code, detail, f"Name {forms.FORMS}.", members)


def _gone(routes: HandlerRoutes, status: int, code: str, detail: str, now_us: int) -> Refusal:
    return Refusal(status, code, detail, "Use a later version.", _members(routes, now_us))


def _before_first(routes: HandlerRoutes, now_us: int, asked: str) -> Refusal:
    seen = [version for version in routes.line if version.effective_us <= now_us]
    editions = [version.edition for version in seen if version.edition]
    first = editions[0] if editions and asked != "now" and "T" not in asked else None
    if first is None and routes.timeline:
        first = rfc3339(routes.timeline[0].from_us)
    detail = f"{routes.handler} has no version of {asked} or before; its first is of {first}."
    members = {"first-available": first, **_members(routes, now_us)}
    return Refusal(404, "version-before-first", detail, f"Name {first} or a later date.", members)


def _in_future(routes: HandlerRoutes, name: str, now_us: int) -> Refusal:
    detail = f"The {name} names an instant in the future; it is {rfc3339(now_us)} here."
    remedy = "Name an instant that has been, or an edition."
    return Refusal(400, "version-in-future", detail, remedy, _members(routes, now_us))


def _conflict(routes: HandlerRoutes, said: list[tuple[str, str]], now_us: int) -> Refusal:
    told = "; ".join(f"{name} means {what}" for name, what in said)
    members: dict[str, object] = {"sources": [name for name, _ in said]}
    members |= _members(routes, now_us)
    detail = f"The request names different versions: {told}."
    return Refusal(400, "version-conflict", detail, "Name the version in one place.", members)


def _malformed(selector: Selector) -> Refusal:
    form = forms.DATE_FORM if selector.source == "datetime" else forms.FORMS
    detail = f"The {selector.name} holds {_shown(selector.text)!r}, which selects no version."
    return Refusal(400, "version-malformed", detail, f"Write {form}.")


def _shown(text: str) -> str:
    return text[:_MAX_ECHO].encode("unicode_escape").decode()[:_MAX_ECHO]


def _edition(version: Version) -> str:
    return version.edition or ""

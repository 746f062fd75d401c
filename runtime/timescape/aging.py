"""Hot, warm, cold: what becomes of versions by how they are used (VL-2, VL-3). Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from runtime.care_facts import PolicyChanged
from runtime.errors import RetirementError
from runtime.timescape.chains import instead
from runtime.timescape.finding import handler_of, version_of
from runtime.timescape.pins import pins_of
from runtime.timescape.retiring import guards
from runtime.timescape.table import HandlerRoutes, Policy, Retirement, RouteTable, Version
from runtime.timescape.usage import WEEK_US, Use
from runtime.version_facts import VersionDeactivated

Status: TypeAlias = Literal["hot", "warm", "cold"]
RETIREMENT: Final = "retirement"
"""Key of `policy.changed`."""
OVERRIDES: Final = ("keep", "deactivate")
_HOUR_S: Final = 3_600
_WEEK_S: Final = 7 * 24 * 3_600
_TEN_YEARS_S: Final = 3_650 * 24 * 3_600
UseOf: TypeAlias = Callable[[str], Use]


class Judged(msgspec.Struct, frozen=True):
    """What becomes of a version."""

    handler: str
    version: str
    status: Status
    use: Use
    retires: str | None
    """cold, low-use or manual; None: it stays."""
    held: str = ""
    """Why it stays."""


def status_of(
    routes: HandlerRoutes, version: Version, use: Use, policy: Policy, now_us: int
) -> Status:
    """Say whether *version* is hot, warm or cold. Nothing is kept of it."""
    idle_since_us = _since(routes, version) if use.last_us is None else use.last_us
    if now_us - idle_since_us > policy.idle_s * 1_000_000:
        return "cold"
    return "hot" if use.day >= policy.hot else "warm"


def judge(
    table: RouteTable,
    use_of: UseOf,
    now_us: int,
    *,
    in_flight: frozenset[str] = frozenset(),
    spared: frozenset[str] = frozenset(),
) -> list[Judged]:
    """Say of each active version what becomes of it, in the order of handlers and lines.

    Each is looked at as if those before it had gone already.

    Args:
        table: as it is.
        use_of: how a version was used.
        now_us: the time.
        in_flight: versions whose requests run.
        spared: handlers that are let be, whatever the policy says.
    """
    judged = []
    for routes in table:
        let_be = routes.handler in spared or routes.handler in table.policy.excluded
        for version in routes.line:
            name = str(version.id)
            if not routes.is_active(name) or version.effective_us > now_us:
                continue
            use = use_of(name)
            looked = _Looked(table, routes, version, use, now_us)
            free = not let_be and name not in in_flight
            why = "its handler is let be" if let_be else "requests of it run"
            retires, held = looked.verdict() if free else (None, why)
            status = status_of(routes, version, use, table.policy, now_us)
            judged.append(Judged(routes.handler, name, status, use, retires, held))
            if retires is not None:
                gone = {**routes.retired, name: Retirement(deactivated=retires)}
                routes = msgspec.structs.replace(routes, retired=gone)  # noqa: PLW2901
    return judged


class _Looked(msgspec.Struct, frozen=True):
    """A version, and all that counts of it."""

    table: RouteTable
    routes: HandlerRoutes
    version: Version
    use: Use
    now_us: int

    def verdict(self) -> tuple[str | None, str]:
        """Return why it retires, or why not (VL-3)."""
        name, policy = str(self.version.id), self.table.policy
        override = policy.overrides.get(name)
        if override == "keep":
            return None, "it is to be kept"
        never = self._never()
        if never or override == "deactivate":
            return (None, never) if never else ("manual", "")
        held = guards(
            self.routes, self.version, self.now_us, pins_of(self.table, self.routes.handler)
        )
        if self.use.keyed:
            held.append("idempotency keys of it are kept")
        if held:
            return None, "; ".join(held)
        if status_of(self.routes, self.version, self.use, policy, self.now_us) == "cold":
            return "cold", ""
        return ("low-use", "") if self._is_little_used() else (None, "it is used")

    def _never(self) -> str:
        if self.routes.current(self.now_us) == self.version:
            return "it is current"
        active = [each for each in self.routes.line if self.routes.is_active(str(each.id))]
        return "it is the only active version" if active == [self.version] else ""

    def _is_little_used(self) -> bool:
        """Say whether the few who call it lose nothing."""
        week_ago_us = self.now_us - WEEK_US
        few = self.use.week < self.table.policy.low and not self.use.day
        known = _since(self.routes, self.version) <= week_ago_us
        return few and known and instead(self.routes, self.version, self.now_us) is not None


def retirement(judged: Judged, policy: Policy, by: str) -> tuple[str, VersionDeactivated]:
    """Return key and fact of a version that retires."""
    reason = judged.retires or ""
    window_s = _WEEK_S if reason == "low-use" else policy.idle_s
    requests = judged.use.week if reason == "low-use" else 0
    if reason == "manual":
        return judged.version, VersionDeactivated(reason, by=by)
    return judged.version, VersionDeactivated(reason, by=by, requests=requests, window_s=window_s)


def change_policy(
    table: RouteTable,
    *,
    hot: int | None = None,
    idle_s: int | None = None,
    low: int | None = None,
    excluded: Sequence[str] | None = None,
    overrides: Mapping[str, str | None] | None = None,
    by: str = "",
) -> tuple[str, PolicyChanged] | None:
    """Return key and fact of a policy that is changed in what is given; None: it is so already.

    Args:
        table: as it is.
        hot: requests in 24 hours.
        idle_s: seconds, an hour or more.
        low: requests in 7 days.
        excluded: handler ids, all of them.
        overrides: by version id keep, deactivate, or None to take it back.
        by: who wants it.

    Raises:
        RetirementError: a number or an override that cannot be.
        VersionNotFound: there is no such handler or version.
    """
    before = table.policy
    for handler in excluded or ():
        handler_of(table, handler)
    for version, override in (overrides or {}).items():
        version_of(table, version)
        if override not in (None, *OVERRIDES):
            raise RetirementError(
                problem=f"{override!r:.40} is no override.",
                remedy=f"Use {', '.join(OVERRIDES)} or none.",
            )
    wanted = {**before.overrides, **(overrides or {})}
    kept = {version: what for version, what in wanted.items() if what is not None}
    after = Policy(
        before.hot if hot is None else hot,
        before.idle_s if idle_s is None else idle_s,
        before.low if low is None else low,
        before.excluded if excluded is None else tuple(excluded),
        kept,
    )
    if after.hot < 1 or after.low < 0 or not _HOUR_S <= after.idle_s <= _TEN_YEARS_S:
        raise RetirementError(
            problem=f"hot={after.hot}, low={after.low}, idle={after.idle_s} s is no policy.",
            remedy="Let hot be 1 or more, low 0 or more, idle from an hour to ten years.",
        )
    if after == before:
        return None
    told = PolicyChanged(
        after.hot, after.idle_s, after.low, after.excluded, tuple(sorted(kept.items())), by
    )
    return RETIREMENT, told


def _since(routes: HandlerRoutes, version: Version) -> int:
    """Say since when *version* could have been used, without a break."""
    return max(version.effective_us, routes.retirement(str(version.id)).reactivated_us or 0)

"""Versions that count from another time than that of their deployment (TS-7). Decides only."""

import datetime as dt
from collections.abc import Collection

import msgspec

from runtime.errors import BackfillError, PolicySyntaxError, ScheduleError
from runtime.timescape import HandlerRoutes, RouteTable
from runtime.timescape.instants import parse_instant, rfc3339
from runtime.timescape.joining import separated, shown
from runtime.timescape.stranded import unserved

_FORMS = 'Write "2026-12-01T08:00:00Z", or a datetime with a time zone'
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Since(msgspec.Struct, frozen=True):
    """From when on a version is to be seen, as declared."""

    at_us: int
    backfill: bool = False
    """Whether that may lie before its deployment; else such a time means its deployment."""

    def backdates(self, now_us: int) -> bool:
        """Say whether a deployment at *now_us* changes what was current before."""
        return self.backfill and self.at_us < now_us


def read_since(effective_at: object, backfill: object) -> Since | None:
    """Return what `effective_at=` and `backfill=` say; None: nothing.

    Raises:
        PolicySyntaxError: no time of ours, or `backfill` without one.
    """
    if not isinstance(backfill, bool):
        raise PolicySyntaxError(
            problem=f"backfill={backfill!r:.40} is not known.", remedy="Write True or False."
        )
    if effective_at is None:
        if backfill:
            raise PolicySyntaxError(
                problem="backfill=True does not say from when on.", remedy="Add effective_at=."
            )
        return None
    at_us = _instant(effective_at)
    if at_us is None or at_us < 0:
        raise PolicySyntaxError(
            problem=f"effective_at={effective_at!r:.80} is no time.", remedy=f"{_FORMS}."
        )
    return Since(at_us, backfill)


def _instant(said: object) -> int | None:
    if isinstance(said, dt.datetime):
        aware = said.utcoffset() is not None
        return (said - _EPOCH) // dt.timedelta(microseconds=1) if aware else None
    return parse_instant(said) if isinstance(said, str) else None


def refuse_alone(route: str, place: str, since: Since) -> None:
    """Refuse to back-date a version where no operator asks for it.

    Raises:
        BackfillError: always.
    """
    raise BackfillError(
        problem=f"{route} ({place}) is to count from {rfc3339(since.at_us)} on, which has passed, "
        "and no operator said so.",
        remedy="Say so once: `timescape versions backfill APP --by NAME`; then start it.",
    )


def refuse_between(before: HandlerRoutes | None, after: HandlerRoutes, version: str) -> None:
    """Refuse a back-dated version that comes between two that a transformer joins.

    Raises:
        BackfillError: names them.
    """
    pair = None if before is None else separated(before, after)
    if pair is not None:
        raise BackfillError(
            problem=f"{version} would stand between {shown(pair.older)} and {shown(pair.newer)} "
            f"of {after.handler}, which a transformer joins.",
            remedy="Give it an edition that is not between theirs.",
        )


def refuse_unserved(
    table: RouteTable, code: Collection[str], handlers: Collection[str], now_us: int
) -> None:
    """Refuse to leave callers without code until a version is seen, or because it counts earlier.

    Args:
        table: as it will be.
        code: ids of the versions that some process has the code of.
        handlers: that get a version which does not count from now on.
        now_us: the time.

    Raises:
        ScheduleError: names the handler.
    """
    for routes in unserved(table, code, now_us):
        if routes.handler in handlers:
            current = routes.current(now_us)
            raise ScheduleError(
                problem=f"Callers of {routes.handler} get {current.id if current else 'nothing'} "
                "now, and its code would be gone.",
                remedy="Keep that code in the app, and give the new one a version= of its own.",
            )

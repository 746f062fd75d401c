"""Which callers nobody can serve, because the code of the version they get is gone. Pure.

Where several processes serve one app, each has the versions that its code declares. While new
code goes round, some have what others lack.
"""

from collections.abc import Collection, Iterator

from runtime.timescape.chains import Chain, chain
from runtime.timescape.table import HandlerRoutes, RouteTable, Version


def unserved(table: RouteTable, code: Collection[str], now_us: int) -> Iterator[HandlerRoutes]:
    """Give the handlers whose callers get nothing if they name no version.

    A handler that *code* has nothing of is not looked at, nor one whose current version
    somebody took out of service or shares with others.

    Args:
        table: as it is.
        code: ids of the versions that can be run.
        now_us: the time.
    """
    for routes in table:
        current = routes.current(now_us)
        there = [each for each in routes.line if str(each.id) in code]
        able = [each for each in there if each.effective_us <= now_us]
        if not there or current is None or routes.split is not None:
            continue
        if routes.in_service(str(current.id), now_us) and not _served(routes, current, able):
            yield routes


def stranded(
    table: RouteTable, here: Collection[str], elsewhere: Collection[str], now_us: int
) -> list[str]:
    """Name the versions that are to become current, because no process has what is.

    Of each such handler the newest that can be run here, if that is the newest anywhere.
    """
    found = []
    for routes in unserved(table, {*here, *elsewhere}, now_us):
        able = [
            str(each.id)
            for each in routes.line
            if str(each.id) in {*here, *elsewhere}
            and each.effective_us <= now_us
            and routes.in_service(str(each.id), now_us)
        ]
        if able and able[-1] in here:
            found.append(able[-1])
    return found


def _served(routes: HandlerRoutes, current: Version, there: list[Version]) -> bool:
    """Say whether one of those serves the callers of *current* without a transformer."""
    for each in there:
        way = chain(routes, *((each, current) if each.order < current.order else (current, each)))
        if isinstance(way, Chain) and not way.hops:
            return True
    return False

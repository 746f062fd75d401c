"""Months of streams: which partitions `commits` needs, and what its partitions tell (TB-5).

A UUIDv7 begins with its time, so a range of ids is a range of times.
"""

import datetime as dt
import re
from collections.abc import Collection
from uuid import UUID

import msgspec
import sqlalchemy as sa

MONTHS_AHEAD = 6
WARN_DAYS = 45
WARN_ATTACHED = 40
DEFAULT = "commits_default"
_MONTH = re.compile(r"commits_(\d{4})_(\d\d)")
_ATTACHED = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'commits'::regclass ORDER BY c.relname"
)
_LEFT = (
    "SELECT NOT EXISTS (SELECT FROM commits WHERE stream >= %s AND stream < %s)"
    " AND NOT EXISTS (SELECT FROM commits WHERE parent >= %s AND parent < %s)"
)
_TRIGGER = (
    "CREATE TRIGGER commits_no_truncate BEFORE TRUNCATE ON {name} FOR EACH STATEMENT"
    " WHEN (current_setting('timescape.maintenance', true) IS DISTINCT FROM 'on')"
    " EXECUTE FUNCTION refuse('append-only')"
)


class Month(msgspec.Struct, frozen=True):
    """A partition for the streams that begin in one month, UTC."""

    name: str
    first: UUID
    """The least id of the month."""
    end: UUID
    """The least id after it."""


def months(now_us: int, ahead: int = MONTHS_AHEAD) -> list[Month]:
    """Return this month and those *ahead* of it."""
    now = dt.datetime.fromtimestamp(now_us // 1_000_000, dt.UTC)
    first = now.year * 12 + now.month - 1
    return [_month(number) for number in range(first, first + ahead + 1)]


def _month(number: int) -> Month:
    start, end = _start(number), _start(number + 1)
    return Month(f"commits_{start:%Y_%m}", _least(start), _least(end))


def _start(number: int) -> dt.datetime:
    return dt.datetime(number // 12, number % 12 + 1, 1, tzinfo=dt.UTC)


def _least(instant: dt.datetime) -> UUID:
    """Return the least id with a time of *instant* or later."""
    return UUID(int=int(instant.timestamp()) * 1_000 << 80)


def statements(month: Month) -> list[str]:
    """Return what makes the partition of *month*, with the guard that it does not inherit."""
    return [
        f"CREATE TABLE {month.name} PARTITION OF commits"
        f" FOR VALUES FROM ('{month.first}') TO ('{month.end}')",
        _TRIGGER.format(name=month.name),
    ]


def warnings(attached: Collection[str], now_us: int, *, default_in_use: bool) -> list[str]:
    """Say what of the partitions wants looking after."""
    said = []
    soon = now_us + WARN_DAYS * 86_400 * 1_000_000
    if not {month.name for month in (*months(now_us, 0), *months(soon, 0))} <= set(attached):
        said.append(f"Partitions are made for less than {WARN_DAYS} days ahead.")
    if len(attached) > WARN_ATTACHED:
        said.append(f"{len(attached)} partitions are attached, more than {WARN_ATTACHED}.")
    if default_in_use:
        said.append(f"Rows are in {DEFAULT}, as their month had no partition.")
    return said


def attached(connection: sa.Connection) -> list[str]:
    """Return the names of all partitions."""
    return list(connection.exec_driver_sql(_ATTACHED).scalars())


def is_default_in_use(connection: sa.Connection) -> bool:
    """Say whether rows fell outside of all months."""
    return bool(connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {DEFAULT})").scalar())


def make_missing(connection: sa.Connection, now_us: int) -> list[str]:
    """Make the partitions from this month on that are not there; return their names.

    A month that has rows in the default partition already goes on there.
    """
    there = set(attached(connection))
    made = []
    for month in months(now_us):
        if month.name in there or _has_rows(connection, month):
            continue
        for statement in statements(month):
            connection.exec_driver_sql(statement)
        made.append(month.name)
    return made


def make_for(connection: sa.Connection, times_ms: Collection[int]) -> None:
    """Make the partitions of the months that *times_ms* of streams are in, if they are not many.

    Other streams come to the default one.
    """
    found = {dt.datetime.fromtimestamp(time / 1_000, dt.UTC) for time in times_ms}
    wanted = {_month(at.year * 12 + at.month - 1).name for at in found}
    there = set(attached(connection))
    if len(wanted | there) > WARN_ATTACHED:
        return
    for month in _of(sorted(wanted - there)):
        if not _has_rows(connection, month):
            for statement in statements(month):
                connection.exec_driver_sql(statement)


def _has_rows(connection: sa.Connection, month: Month) -> bool:
    query = f"SELECT EXISTS (SELECT FROM {DEFAULT} WHERE stream >= %s AND stream < %s)"
    return bool(connection.exec_driver_sql(query, (month.first, month.end)).scalar())


def drop_left(connection: sa.Connection, now_us: int) -> list[str]:
    """Drop the partitions of months that are over, and which all streams left; return their names.

    In a transaction of its own: who appends must not wait for it with the log taken.
    """
    over = [month for month in _of(attached(connection)) if month.end < months(now_us, 0)[0].end]
    if not any(_is_left(connection, month) for month in over):
        return []
    # What appends comes behind this, and does not wait long if a reader is in the way.
    connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
    connection.exec_driver_sql("LOCK TABLE commits IN ACCESS EXCLUSIVE MODE")
    left = [month.name for month in over if _is_left(connection, month)]
    for name in left:
        connection.exec_driver_sql(f"DROP TABLE {name}")
    return left


def _of(names: Collection[str]) -> list[Month]:
    """Return the months among the partitions called *names*."""
    found = [_MONTH.fullmatch(name) for name in names]
    return [_month(int(match[1]) * 12 + int(match[2]) - 1) for match in found if match]


def _is_left(connection: sa.Connection, month: Month) -> bool:
    """Say whether nothing is in a month, and no fork elsewhere goes on from it."""
    values = (month.first, month.end) * 2
    return bool(connection.exec_driver_sql(_LEFT, values).scalar())

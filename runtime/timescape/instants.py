"""Instants as callers write them, in µs since 1970 (TR-2)."""

import datetime as dt
import re

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_UNIX = re.compile(r"@(-?)(\d+)(?:\.(\d+))?", re.ASCII)
_HTTP = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" (\d{4}) (\d\d):(\d\d):(\d\d) GMT",
    re.ASCII,
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SECOND = 1_000_000
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - all here is UTC
_FIRST_US = (dt.datetime(1, 1, 1) - _EPOCH) // dt.timedelta(microseconds=1)  # noqa: DTZ001
_LAST_US = (dt.datetime.max - _EPOCH) // dt.timedelta(microseconds=1)  # noqa: DTZ901


def parse_instant(text: str) -> int | None:
    """Read RFC 3339 with `T` and `Z` or an offset, or `@<unix seconds>`; None: it is neither.

    Fractions are floored to µs. Only years 1 to 9999, in UTC.
    """
    at_us = _unix(text) if text.startswith("@") else _rfc3339(text)
    return at_us if at_us is not None and _FIRST_US <= at_us <= _LAST_US else None


def parse_http_date(text: str) -> int | None:
    """Read the date of an `Accept-Datetime`; None: it is none.

    Source: RFC 9110 section 5.6.7 (IMF-fixdate), the only form of RFC 7089.
    """
    found = _HTTP.fullmatch(text)
    if found is None:
        return None
    day, number, month, year, *clock = found.groups()
    at = _date_time(int(year), _MONTHS.index(month) + 1, int(number), *map(int, clock))
    return None if at is None or _DAYS[at.weekday()] != day else _since(at)


def http_date(at_us: int) -> str:
    """Write an instant as an HTTP-date; fractions of a second are cut off."""
    at = _EPOCH + dt.timedelta(seconds=at_us // _SECOND)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"{day}, {at.day:02} {month} {at.year:04} {at:%H:%M:%S} GMT"


def rfc3339(at_us: int) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return (_EPOCH + dt.timedelta(microseconds=at_us)).isoformat() + "Z"


def _rfc3339(text: str) -> int | None:
    found = _RFC3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    at = _date_time(*map(int, (year, month, day, hour, minute, second)))
    if at is None or (sign and (int(hours) > 23 or int(minutes) > 59)):
        return None
    offset_s = (int(hours) * 60 + int(minutes)) * 60 if sign else 0
    if sign == "-":
        offset_s = -offset_s
    return _since(at) - offset_s * _SECOND + _micros(fraction)


def _unix(text: str) -> int | None:
    found = _UNIX.fullmatch(text)
    if found is None or len(found[2]) > 15:
        return None
    micros = int(found[2]) * _SECOND + _micros(found[3])
    if not found[1]:
        return micros
    # Floored: what is cut off a negative number takes it down.
    return -micros - (1 if (found[3] or "")[6:].strip("0") else 0)


def _micros(fraction: str | None) -> int:
    return int((fraction or "")[:6].ljust(6, "0"))


def _date_time(
    year: int, month: int, day: int, hour: int, minute: int, second: int
) -> dt.datetime | None:
    try:
        return dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def _since(at: dt.datetime) -> int:
    return (at - _EPOCH) // dt.timedelta(microseconds=1)

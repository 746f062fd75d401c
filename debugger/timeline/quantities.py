"""Numbers, durations and times as people type them."""

import datetime as dt
import re

_UNITS_US = {
    "us": 1,
    "µs": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "": 1_000_000,
    "m": 60_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_SPAN = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(us|µs|ms|s|min|m|h|d)?", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?Z?", re.ASCII)
_DAY_US = 86_400_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def number(text: str) -> float | None:
    """Read a number; None: it is none."""
    return float(text) if re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text, re.ASCII) else None


def span_us(text: str) -> int | None:
    """Read a duration, `10ms`, `1.5s`, `2h`; a bare number is seconds. None: it is none."""
    match = _SPAN.fullmatch(text)
    return round(float(match[1]) * _UNITS_US[match[2] or ""]) if match else None


def time_of_day_us(text: str) -> int | None:
    """Read `12:03` or `12:03:04.3`, in µs since midnight. None: it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    micro = int((match[4] or "").ljust(6, "0"))
    return (hour * 3600 + minute * 60 + second) * 1_000_000 + micro


def instant_us(text: str, now_us: int) -> int | None:
    """Read a time: `15m` ago, `12:03` at its last occurrence, a date, an ISO 8601 time.

    Without offset it is UTC. None: it is no time.
    """
    ago = span_us(text) if text[-1:].isalpha() else None
    if ago is not None:
        return now_us - ago
    of_day = time_of_day_us(text)
    if of_day is not None:
        today = now_us - now_us % _DAY_US
        return today + of_day if today + of_day <= now_us else today + of_day - _DAY_US
    return _iso_us(text)


def _iso_us(text: str) -> int | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return (aware - _EPOCH) // dt.timedelta(microseconds=1)

"""Datetimes and times as text: wall time, offset, and the zone's key in brackets.

`2026-10-25T02:30:00+01:00[Europe/Paris]`; `Z` is `timezone.utc`, other offsets are to
the µs; naive ones end with the wall time. The wall time and the key are what is read
back, the offset beside a key is for people. `fold` stands beside the text.
"""

import datetime as dt
import re
import zoneinfo
from typing import Any

_TEXT = re.compile(r"(?P<wall>[T0-9:.]+)(?P<offset>Z|[+-][0-9:.]+)?(?:\[(?P<key>.+)\])?")


def datetime_json(value: dt.datetime) -> Any:
    """Return the JSON that stands for *value*.

    Raises:
        ValueError: its tzinfo cannot be named.
    """
    text = value.replace(tzinfo=None).isoformat() + _zone(value.tzinfo, value.utcoffset)
    return [text, 1] if value.fold else text


def time_json(value: dt.time) -> Any:
    """Return the JSON that stands for *value*.

    Raises:
        ValueError: its tzinfo cannot be named.
    """
    text = value.replace(tzinfo=None).isoformat() + _zone(value.tzinfo, value.utcoffset)
    return [text, 1] if value.fold else text


def _zone(zone: dt.tzinfo | None, utcoffset: Any) -> str:
    if zone is None:
        return ""
    if zone is dt.UTC:
        return "Z"
    if type(zone) is dt.timezone:
        if len(zone.__getinitargs__()) > 1:  # type: ignore[attr-defined]
            msg = "a fixed offset with a name of its own"
            raise ValueError(msg)
        return _offset(zone.utcoffset(None))
    if type(zone) is zoneinfo.ZoneInfo and zone.key:
        _zone_of(zone.key)  # one made from a file may be called anything
        offset = utcoffset()
        return ("" if offset is None else _offset(offset)) + f"[{zone.key}]"
    msg = f"a tzinfo of class {type(zone).__qualname__}"
    raise ValueError(msg)


def _offset(offset: dt.timedelta) -> str:
    # As isoformat writes it: seconds and µs only where they are not 0.
    return dt.datetime(2000, 1, 1, tzinfo=dt.timezone(offset)).isoformat()[19:]


def read_datetime(json: Any) -> dt.datetime:
    """Return the datetime that *json* stands for.

    Raises:
        ValueError: none does, or its zone is not known here.
    """
    wall, zone, fold = _parts(json, date=True)
    return dt.datetime.fromisoformat(wall).replace(tzinfo=zone, fold=fold)


def read_time(json: Any) -> dt.time:
    """Return the time that *json* stands for.

    Raises:
        ValueError: none does, or its zone is not known here.
    """
    wall, zone, fold = _parts(json, date=False)
    return dt.time.fromisoformat(wall).replace(tzinfo=zone, fold=fold)


def _parts(json: Any, *, date: bool) -> tuple[str, dt.tzinfo | None, int]:
    fold = 0
    if isinstance(json, list):
        json, fold = json
        if fold != 1:
            msg = "fold beside a time is 1"
            raise ValueError(msg)
    split = _TEXT.fullmatch(json[10:] if date else json)
    if split is None:
        msg = "not a time"
        raise ValueError(msg)
    wall = (json[:10] if date else "") + split["wall"]
    return wall, _read_zone(split["offset"], split["key"]), fold


def _read_zone(offset: str | None, key: str | None) -> dt.tzinfo | None:
    if key is not None:
        return _zone_of(key)
    if offset is None:
        return None
    if offset == "Z":
        return dt.UTC
    # CPython's own reader takes an offset of less than a second for none.
    size = dt.datetime.fromisoformat(f"2000-01-01T{offset[1:]}") - _MIDNIGHT
    return dt.timezone(size if offset[0] == "+" else -size)


def _zone_of(key: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(key)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        msg = f"no time zone {key[:80]!a} is known here"
        raise ValueError(msg) from error


_MIDNIGHT = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - a difference has no zone

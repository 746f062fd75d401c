"""Envelopes of scalars, read back. Each value has one spelling; any other is corrupt."""

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from eventstore.values import text, times
from eventstore.values.frozen import Redacted, Sealed

T = TypeVar("T")


def read_scalar(tag: str, json: Any) -> Any:
    """Return the value of the envelope `{tag: json}`.

    Raises:
        ValueError: none was written so.
        TypeError, LookupError, ArithmeticError: likewise.
    """
    return _READERS[tag](json)


def read_int(json: Any) -> int:
    """Return the integer that `$int` holds."""
    value = int(json, 16)
    if -(2**63) <= value < 2**63:
        _refuse(json)
    return _canonical(value, json, hex)


def _float(json: Any) -> float:
    # A new object each: two NaN in a set or dict are two keys.
    return float(json) if json in ("nan", "inf", "-inf") else _refuse(json)


def _text(json: Any) -> str:
    return text.unwrap({text.STR: json})


def _date(json: Any) -> dt.date:
    return _canonical(dt.date.fromisoformat(json), json, dt.date.isoformat)


def _datetime(json: Any) -> dt.datetime:
    return times.read_datetime(json)


def _time(json: Any) -> dt.time:
    return times.read_time(json)


def _timedelta(json: Any) -> dt.timedelta:
    days, seconds, us = json
    value = dt.timedelta(days, seconds, us)
    return _canonical(value, json, lambda delta: [delta.days, delta.seconds, delta.microseconds])


def _decimal(json: Any) -> decimal.Decimal:
    if not isinstance(json, str):
        _refuse(json)
    return _canonical(decimal.Decimal(json), json, str)


def _uuid(json: Any) -> uuid.UUID:
    return _canonical(uuid.UUID(json), json, str)


def _redacted(json: Any) -> Redacted:
    return Redacted() if json is True else _refuse(json)


def _sealed(json: Any) -> Sealed:
    key, box = json
    return Sealed(key, text.from_base64(box))


def _canonical(value: T, json: Any, write: Callable[[T], Any]) -> T:
    if write(value) != json:
        _refuse(json)
    return value


def _refuse(json: object) -> NoReturn:
    msg = f"{str(json)[:80]!a} was not written so"
    raise ValueError(msg)


_READERS: dict[str, Callable[[Any], Any]] = {
    "$int": read_int,
    "$float": _float,
    "$str": _text,
    "$bytes": text.from_base64,
    "$date": _date,
    "$datetime": _datetime,
    "$time": _time,
    "$timedelta": _timedelta,
    "$decimal": _decimal,
    "$uuid": _uuid,
    "$redacted": _redacted,
    "$sealed": _sealed,
}

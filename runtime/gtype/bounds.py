"""Rules for single values: numeric bounds, sizes, and what msgspec leaves unchecked (GT-6)."""

import datetime as dt
import decimal
from typing import Any

from runtime.errors import ConstraintError
from runtime.gtype.leaves import Bound

_MAX_DIGITS = 34
_MAX_EXPONENT = 6_144


def number(info: Any, place: str) -> list[Bound]:
    """Read the bounds of a number.

    Raises:
        ConstraintError: no number can satisfy them.
    """
    low = max((b for b in (info.gt, info.ge) if b is not None), default=None)
    high = min((b for b in (info.lt, info.le) if b is not None), default=None)
    if low is not None and high is not None and low > high:
        raise ConstraintError(
            problem=f"{place} must be above {low} and below {high}.", remedy="Swap the bounds."
        )
    found: list[Bound] = []
    if info.gt is not None:
        found.append(("minimum", f"more than {info.gt}", lambda v: v > info.gt))
    if info.ge is not None:
        found.append(("minimum", f"at least {info.ge}", lambda v: v >= info.ge))
    if info.lt is not None:
        found.append(("maximum", f"less than {info.lt}", lambda v: v < info.lt))
    if info.le is not None:
        found.append(("maximum", f"at most {info.le}", lambda v: v <= info.le))
    step = getattr(info, "multiple_of", None)
    if step is not None:
        found.append(("multiple", f"a multiple of {step}", lambda v: v % step == 0))
    return found


def sizes(info: Any, place: str) -> None:
    """Refuse a least length above the greatest.

    Raises:
        ConstraintError: no value can satisfy both.
    """
    low, high = info.min_length, info.max_length
    if low is not None and high is not None and low > high:
        raise ConstraintError(
            problem=f"{place} must be at least {low} and at most {high} long.", remedy="Swap."
        )


def decimal_holds(value: decimal.Decimal) -> bool:
    """Say whether a decimal is finite, of at most 34 digits, exponent within ±6 144."""
    _, digits, exponent = value.as_tuple()
    return (
        isinstance(exponent, int)
        and len(digits) <= _MAX_DIGITS
        and -_MAX_EXPONENT <= exponent <= _MAX_EXPONENT
    )


def datetime_holds(value: dt.datetime) -> bool:
    """Say whether a time has an offset and exists in UTC."""
    if value.tzinfo is None:
        return False
    try:
        value.astimezone(dt.UTC)
    except OverflowError:
        return False
    return True

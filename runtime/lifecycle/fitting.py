"""Lets people write numbers as they see them: `30.84` in the place of a decimal is a decimal."""

import datetime as dt
import decimal
from collections.abc import Mapping
from typing import Any

from eventstore.values import Tree


def fitted(value: Any, old: Tree) -> Any:
    """Return *value* with its numbers and texts of the kind that *old*, encoded, has there."""
    if isinstance(old, dict) and "$decimal" in old and _is_number(value):
        return decimal.Decimal(str(value))
    if isinstance(old, dict) and "$datetime" in old and isinstance(value, str):
        return _instant(value)
    if isinstance(value, decimal.Decimal):
        return float(value) if not (isinstance(old, dict) and "$decimal" in old) else value
    if isinstance(value, Mapping) and isinstance(old, dict):
        return {key: fitted(item, old.get(key)) for key, item in value.items()}
    if isinstance(value, list):
        olds = old if isinstance(old, list) else []
        like = olds[-1] if olds else None
        return [fitted(item, olds[n] if n < len(olds) else like) for n, item in enumerate(value)]
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool)


def _instant(text: str) -> Any:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return text

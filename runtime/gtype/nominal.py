"""Reads the nominal names of hints: those of `NewType`, which msgspec sees through, and brands.

The hint as it was written is walked beside what msgspec made of it (GT-2). What cannot be
followed has no name; whether it can be checked is said elsewhere.
"""

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NewType, TypeVar, get_args, get_origin

import msgspec
from msgspec import inspect as mi

from runtime.errors import UnsupportedTypeError
from runtime.gtype.hints import inspect, strip
from runtime.gtype.marks import BRAND

UNKNOWN: Final = Any
"""A hint that cannot be followed."""
_WRAPPERS: Final = (typing.Required, typing.NotRequired, typing.Final)


def brand_of(hint: Any) -> str | None:
    """Return the outermost name that *hint* gives its values: of a `NewType` or a `Brand`."""
    while True:
        if isinstance(hint, NewType):
            return hint.__name__
        for mark in reversed(getattr(hint, "__metadata__", ())):
            if isinstance(mark, msgspec.Meta) and BRAND in (mark.extra or {}):
                return str((mark.extra or {})[BRAND])
        inner = _inside(hint)
        if inner is hint:
            return None
        hint = inner


def nth(hint: Any, n: int) -> Any:
    """Return the *n*-th argument of *hint*; `UNKNOWN` where there is none."""
    given = get_args(_bare(hint))
    return given[n] if n < len(given) else UNKNOWN


def members(hint: Any, infos: Sequence[mi.Type]) -> list[Any]:
    """Return the hint of each member of a union, as *infos* has them."""
    written = list(_flat(_bare(hint)))
    return [_written(info, written) for info in infos]


def fields_of(cls: Any) -> Mapping[str, Any]:
    """Return the hints of a class's fields, with what a generic one is given put in."""
    origin = get_origin(cls) or cls
    try:
        hints = typing.get_type_hints(origin, include_extras=True)
    except (NameError, TypeError):
        return {}
    given = dict(zip(getattr(origin, "__parameters__", ()), get_args(cls), strict=False))
    return {name: _filled(hint, given) for name, hint in hints.items()}


def _bare(hint: Any) -> Any:
    """Return *hint* without what only names or marks it."""
    while (inner := _inside(hint)) is not hint:
        hint = inner
    return hint


def _inside(hint: Any) -> Any:
    if isinstance(hint, NewType):
        return hint.__supertype__
    origin = get_origin(hint)
    if origin is Annotated or origin in _WRAPPERS:
        return get_args(hint)[0]
    return hint


def _flat(hint: Any) -> typing.Iterator[Any]:
    if get_origin(hint) in (typing.Union, types.UnionType):
        for member in get_args(hint):
            if brand_of(member) is None:
                yield from _flat(_bare(member))
            else:
                yield member
    else:
        yield hint


def _written(info: mi.Type, written: list[Any]) -> Any:
    wanted = strip(info)[0]
    for hint in written:
        try:
            if strip(inspect(hint))[0] == wanted:
                return hint
        except (UnsupportedTypeError, RecursionError):
            continue
    return UNKNOWN


def _filled(hint: Any, given: Mapping[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return given.get(hint, UNKNOWN)
    open_: tuple[Any, ...] = getattr(hint, "__parameters__", ())
    if not open_ or not given:
        return hint
    return hint[tuple(given.get(each, UNKNOWN) for each in open_)]

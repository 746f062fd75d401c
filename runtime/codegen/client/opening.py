"""Reads what a newer server answers: members that are not known here are plain data (CG-9).

It is asked only after the strict decoder refused an answer. Whatever else is wrong with it is
refused here as well.
"""

import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec.structs import fields


def opened(body: bytes, hint: Any) -> tuple[Any, tuple[str, ...]]:
    """Read an answer; return its value, and pointers of what is not known in it.

    Args:
        body: JSON.
        hint: a type of the generated module.

    Raises:
        msgspec.ValidationError: something else is wrong with it.
    """
    unknown: list[str] = []
    value = _read(msgspec.json.decode(body), hint, "", unknown)
    return value, tuple(unknown)


def _read(value: Any, hint: Any, at: str, unknown: list[str]) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _limited(value, args, at, unknown)
    if origin is Literal:
        return _member(value, hint, at, unknown)
    if origin in {Union, types.UnionType}:
        return _either(value, args, at, unknown)
    if origin in {list, tuple, dict}:
        return _held(value, hint, at, unknown)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(value, hint, at, unknown)
    return msgspec.convert(value, hint)


def _limited(value: Any, args: tuple[Any, ...], at: str, unknown: list[str]) -> Any:
    inner, *limits = args
    origin = get_origin(inner)
    if origin is None:
        return msgspec.convert(value, _annotated(inner, limits))
    # Of what holds others the limits are of its size: what is in it does not matter to them.
    anything: Any = dict[str, Any] if origin is dict else list
    msgspec.convert(value, _annotated(anything, limits))
    return _read(value, inner, at, unknown)


def _annotated(hint: Any, limits: Sequence[Any]) -> Any:
    return Annotated[(hint, *limits)]


def _member(value: Any, hint: Any, at: str, unknown: list[str]) -> Any:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return msgspec.convert(value, hint)
    if not any(type(each) is type(value) and each == value for each in get_args(hint)):
        unknown.append(at)
    return value


def _held(value: Any, hint: Any, at: str, unknown: list[str]) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is dict:
        named = msgspec.convert(value, dict[str, Any])
        of_keys: Any = types.GenericAlias(dict, (args[0], None))
        keys = msgspec.convert(dict.fromkeys(named), of_keys, str_keys=True)
        return {
            key: _read(each, args[1], f"{at}/{name}", unknown)
            for key, (name, each) in zip(keys, named.items(), strict=True)
        }
    items = msgspec.convert(value, list[Any])
    if origin is list:
        return [_read(each, args[0], f"{at}/{n}", unknown) for n, each in enumerate(items)]
    if len(items) != len(args):
        msg = f"Expected `array` of length {len(args)} at {at}"
        raise msgspec.ValidationError(msg)
    return tuple(
        _read(each, kind, f"{at}/{n}", unknown)
        for n, (each, kind) in enumerate(zip(items, args, strict=True))
    )


def _either(value: Any, members: tuple[Any, ...], at: str, unknown: list[str]) -> Any:
    rest = [each for each in members if each is not msgspec.UnsetType]
    tagged = [each for each in rest if _tag_of(each) is not None]
    if tagged and isinstance(value, dict | list):
        named = _named(value, tagged[0])
        for each in tagged:
            if named == _tag_of(each):
                return _struct(value, each, at, unknown)
        if isinstance(named, str | int) and len(tagged) > 1:
            unknown.append(at)
            return value
    error: Exception | None = None
    for each in rest:
        found: list[str] = []
        try:
            read = _read(value, each, at, found)
        except msgspec.ValidationError as refused:
            error = refused
            continue
        unknown += found
        return read
    raise error or msgspec.ValidationError(at)


def _tag_of(hint: Any) -> Any:
    is_struct = isinstance(hint, type) and issubclass(hint, msgspec.Struct)
    return hint.__struct_config__.tag if is_struct else None


def _named(value: Any, cls: Any) -> Any:
    """Return the tag that a value has; None: none."""
    if isinstance(value, list):
        return value[0] if value else None
    return value.get(cls.__struct_config__.tag_field)


def _struct(value: Any, cls: type[msgspec.Struct], at: str, unknown: list[str]) -> Any:
    if cls.__struct_config__.array_like:
        items = msgspec.convert(value, list[Any])
        if cls.__struct_config__.tag is not None:
            items = items[1:]
        given = dict(zip((each.encode_name for each in fields(cls)), items, strict=False))
    else:
        given = msgspec.convert(value, dict[str, Any])
    made = {}
    for each in fields(cls):
        if each.encode_name in given:
            inner = given[each.encode_name]
            made[each.name] = _read(inner, each.type, f"{at}/{each.encode_name}", unknown)
        elif each.required:
            msg = f"Object missing required field `{each.encode_name}` at {at}"
            raise msgspec.ValidationError(msg)
    return cls(**made)

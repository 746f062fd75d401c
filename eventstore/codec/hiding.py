"""Payloads with what must be hidden in them replaced: the parts around are copied, no others."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeAlias

import msgspec

from eventstore.errors import EventStoreError
from eventstore.keyring import sealed_invalid
from eventstore.values import Hidden, Sealed, text

Replace: TypeAlias = Callable[[Any, str], Any]
"""Given a value that is to be replaced and its JSON pointer, returns what stands there then."""


def with_hidden(payload: Any, replace: Replace) -> Any:
    """Return *payload* with each `Hidden` in it replaced; itself if there is none.

    The pointers are those of the payload as it is stored.
    """
    return _within(payload, "", lambda part, _: isinstance(part, Hidden), replace)


def with_sealed(payload: Any, replace: Replace) -> Any:
    """Return *payload* with each envelope `{"$sealed": [key, box]}` in it replaced."""
    return _within(payload, "", lambda part, _: is_sealed(part), replace)


def with_parts(payload: Any, places: Collection[str], replace: Replace) -> Any:
    """Return *payload* with what stands at *places*, JSON pointers, replaced."""
    return _within(payload, "", lambda _, pointer: pointer in places, replace)


def is_sealed(part: object) -> bool:
    """Say whether *part* has the form of an encrypted value."""
    if not isinstance(part, dict) or part.keys() != {"$sealed"}:
        return False
    inner = part["$sealed"]
    return isinstance(inner, list) and [type(each) for each in inner] == [int, str]


def _within(part: Any, pointer: str, wanted: Callable[[Any, str], bool], replace: Replace) -> Any:
    if wanted(part, pointer):
        return replace(part, pointer)
    changed = {}
    for name, step, inner in _parts(part):
        now = _within(inner, f"{pointer}/{step}", wanted, replace)
        if now is not inner:
            changed[name] = now
    return _changed(part, changed) if changed else part


def _parts(part: Any) -> Iterable[tuple[Any, str, Any]]:
    """Give the parts of a container: how it calls each, its step in a pointer, and itself."""
    if isinstance(part, dict):
        return [(k, str(k).replace("~", "~0").replace("/", "~1"), v) for k, v in part.items()]
    if isinstance(part, list | tuple):
        return [(i, str(i), inner) for i, inner in enumerate(part)]
    if isinstance(part, msgspec.Struct):
        names = zip(part.__struct_fields__, part.__struct_encode_fields__, strict=True)
        return [(name, stored, getattr(part, name)) for name, stored in names]
    return ()


def _changed(part: Any, changed: dict[Any, Any]) -> Any:
    if isinstance(part, dict):
        return part | changed
    if isinstance(part, msgspec.Struct):
        return msgspec.structs.replace(part, **changed)
    items = [changed.get(i, inner) for i, inner in enumerate(part)]
    return items if isinstance(part, list) else tuple(items)


def sealed_at(data: str, index: int, pointer: str) -> Sealed:
    """Return the encrypted value at *pointer* in event *index* of a row.

    Args:
        data: the text of the row.
        index: of the event in it, from 0.
        pointer: into the event's payload as stored.

    Raises:
        EventStoreError: `no-such-value`: there is nothing, or something else;
            `sealed-invalid`.
    """
    item = msgspec.json.decode(data, type=list[list[Any]])[index]
    part: Any = item[_DATA] if len(item) > _DATA else None
    for step in pointer.split("/")[1:]:
        part = _part(part, step.replace("~1", "/").replace("~0", "~"))
    if not is_sealed(part) or (pointer and not pointer.startswith("/")):
        raise EventStoreError(
            "no-such-value",
            f"The event has no sealed value at {pointer[:200]!r}.",
            "Give the JSON pointer of one in its payload, such as /body/email.",
            {"pointer": pointer},
        )
    key, box = part["$sealed"]
    try:
        return Sealed(key, text.from_base64(box))
    except ValueError as error:
        what = f"value at {pointer[:200]!r}"
        raise sealed_invalid(what) from error


def _part(container: Any, step: str) -> Any:
    if isinstance(container, dict):
        return container.get(step)
    if isinstance(container, list) and _INDEX.fullmatch(step) and int(step) < len(container):
        return container[int(step)]
    return None


_INDEX = re.compile("0|[1-9][0-9]{0,17}")
"""As RFC 6901 has it: what is sealed is bound to the one spelling of its place."""
_DATA = 3
"""Of an event in a row: type, dt, key, data, site."""

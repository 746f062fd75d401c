"""One form for equal types, whatever classes, machines and spellings they came from (GT-16).

Objects that look alike to every depth are one object; then they are numbered in the order
in which they are met. What looks alike is found by refining: two objects are told apart by
what they hold, then by what that holds, until a round tells no more apart.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from runtime.gtype.kinds import Any_, Array, Field, Map, Object, Ref, Tuple, Union

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(root: Any_, objects: Sequence[Object]) -> bytes:
    """Write a type in its canonical form: sorted keys, no blanks, refs by position."""
    looks = _looks(objects)
    alike = dict(zip(reversed(looks), reversed(objects), strict=True))
    met: list[str] = []
    written = [_numbered(root, looks, met)]
    for look in met:  # grows as long as new ones are met
        written.append(_numbered(alike[look], looks, met))  # noqa: PERF401
    return _encode({"root": written[0], "types": written[1:]})


def _looks(objects: Sequence[Object]) -> list[str]:
    """Give each object a digest of all that can be seen from it."""
    looks = [""] * len(objects)
    told_apart = 0
    while True:
        looks = [_digest(_plain(each, looks)) for each in objects]
        if len(set(looks)) <= told_apart or len(objects) == 0:
            return looks
        told_apart = len(set(looks))


def _digest(plain: Any) -> str:
    return hashlib.sha256(_encode(plain)).hexdigest()


def _numbered(part: Any_, looks: Sequence[str], met: list[str]) -> Any:
    """Write *part*, numbering the objects it names in the order in which they are met."""

    def number(plain: Any) -> Any:
        if isinstance(plain, list):
            return [number(inner) for inner in plain]
        if not isinstance(plain, dict):
            return plain
        if plain.get("kind") == "ref":
            look = plain.pop("look")
            if look not in met:
                met.append(look)
            return {**plain, "to": met.index(look)}
        return {k: v if k == "default" else number(v) for k, v in sorted(plain.items())}

    return number(_plain(part, looks))


def _plain(part: Any_, looks: Sequence[str]) -> dict[str, Any]:
    """Write what counts of *part*; refs as the looks of what they name."""
    own = msgspec.structs.replace(part, doc={}, **_BARE.get(type(part), {}))
    plain: dict[str, Any] = msgspec.to_builtins(own)
    match part:
        case Ref():
            plain.pop("to", None)
            plain["look"] = looks[part.to]
        case Array():
            plain["item"] = _plain(part.item, looks)
        case Tuple():
            plain["items"] = [_plain(item, looks) for item in part.items]
        case Map():
            plain["key"], plain["value"] = _plain(part.key, looks), _plain(part.value, looks)
        case Union():
            plain["members"] = sorted((_plain(m, looks) for m in part.members), key=_encode)
        case Object():
            fields = [_field(field, looks) for field in part.fields]
            plain["fields"] = fields if part.as_array else sorted(fields, key=_name)
        case _:
            pass
    return plain


_BARE: Mapping[type, dict[str, Any]] = {
    Array: {"item": Ref()},
    Tuple: {"items": ()},
    Map: {"key": Ref(), "value": Ref()},
    Union: {"members": ()},
    Object: {"fields": (), "name": ""},
}
"""What stands for the children of a part while the part itself is written."""


def _field(field: Field, looks: Sequence[str]) -> dict[str, Any]:
    bare: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(field, type=Ref()))
    return {**bare, "type": _plain(field.type, looks)}


def _name(plain: dict[str, Any]) -> str:
    name: str = plain["name"]
    return name

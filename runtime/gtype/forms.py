"""Reads the fields of a form as plain data of a declared type (IN-9)."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect as mi

from runtime.errors import UnsupportedTypeError
from runtime.gtype.hints import inspect
from runtime.gtype.text_fields import TextField, field_of, kinds_of, members_of, value_of

_TEXT: Final[TextField] = frozenset({str}), False
_BYTES: Final = (mi.BytesType,)


class FormReader(msgspec.Struct, frozen=True):
    """Turns fields into plain data; whether that is of the type is not looked at.

    A field for `bytes` becomes base64, as JSON has it.
    """

    known: Mapping[str, TextField] = {}
    rest: TextField = _TEXT
    """How a field of any other name is read."""

    def plain(self, fields: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
        """Give the values by name, of a name that is repeated a list.

        Raises:
            UnicodeDecodeError: what should be text is not UTF-8.
        """
        found: dict[str, Any] = {}
        for name, raw in fields:
            kinds, many = self.known.get(name, self.rest)
            value = b64encode(raw).decode() if bytes in kinds else value_of(kinds, raw.decode())
            if many or isinstance(found.get(name), list):
                found.setdefault(name, []).append(value)
            elif name in found:
                found[name] = [found[name], value]
            else:
                found[name] = value
        return found


def form_reader(hint: Any) -> FormReader | None:
    """Make what reads forms into *hint*; None: its values cannot be written as a form."""
    members = [each for each in members_of(inspect(hint)) if not isinstance(each, mi.NoneType)]
    info = members[0] if len(members) == 1 else None
    if info is None or getattr(info, "array_like", False):
        return None  # Of an array the fields have places, and no names.
    try:
        if isinstance(info, mi.AnyType):
            return FormReader()
        if isinstance(info, mi.DictType):
            return FormReader(rest=kinds_of(info.value_type, "It", _BYTES))
        if isinstance(info, mi.StructType | mi.DataclassType | mi.TypedDictType):
            of = str(hint)
            return FormReader({f.encode_name: field_of(f, of, _BYTES) for f in info.fields})
    except UnsupportedTypeError:
        return None
    return None

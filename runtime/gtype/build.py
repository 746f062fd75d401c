"""Turns a hint into a `GType`, and refuses what cannot be checked.

A refusal names the place inside the type and what to write instead (GT-2, GT-13).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import inspect as mi

from runtime.errors import ConstraintError, UnsupportedTypeError
from runtime.gtype import kinds, scalars
from runtime.gtype.bounds import sizes
from runtime.gtype.defaults import EMPTY, Default, Factory, made_by
from runtime.gtype.hints import REMEDY, class_name, doc_of, extras_of, inspect, shown, strip
from runtime.gtype.kinds import Any_, Object
from runtime.gtype.marks import BRAND, PATTERN, UNIQUE
from runtime.gtype.nominal import UNKNOWN, brand_of, fields_of, members, nth
from runtime.gtype.passes import Passes
from runtime.gtype.rules import Functions, functions_of, refuse_misplaced
from runtime.gtype.schema import GType, check_limits
from runtime.gtype.unions import union


class Built(NamedTuple):
    """What a hint was read into."""

    info: mi.Type
    type: GType
    functions: Functions
    """What runs for the checks that the type names."""
    warnings: tuple[str, ...]
    defaults: tuple[Default, ...]
    """Of all fields within it, but for the usual empty ones."""


def gtype(hint: Any) -> GType:
    """Read *hint* into plain data.

    Raises:
        UnsupportedTypeError, ConstraintError, InvalidDefaultError, SchemaTooLargeError,
        PatternSyntaxError: it cannot be checked, with the place inside the type.
    """
    return build(hint).type


def build(hint: Any) -> Built:
    """Read *hint*; see `gtype`."""
    info = inspect(hint)
    builder = _Builder(shown(hint))
    root = builder.part(info, "", hint)
    made = GType(root, tuple(builder.objects))
    warnings = check_limits(builder.name, made)
    passes = Passes(made.objects, builder.functions)
    for default in builder.defaults:
        default.check(passes)
    return Built(info, made, builder.functions, warnings, tuple(builder.defaults))


class _Builder:
    def __init__(self, name: str) -> None:
        self.name = name
        self.objects: list[Object] = []
        self.numbers: dict[int, int] = {}
        """Of objects, by the id of what msgspec knows of them."""
        self.functions: Functions = {}
        self.defaults: list[Default] = []

    def place(self, path: str) -> str:
        return f"{self.name}{path}"

    def part(self, info: mi.Type, path: str, hint: Any) -> Any_:
        """Read one place of the type, and all that is below it.

        Args:
            info: what msgspec knows of it.
            path: where it stands.
            hint: as it was written; `UNKNOWN` where that is not known.
        """
        marks, doc = extras_of(info), doc_of(info)
        bare, sensitive = strip(info)
        make = _MAKERS.get(type(bare))
        if make is not None:
            found = make(self, bare, path, hint)
        else:
            known = scalars.read(bare, marks, self.place(path))
            if known is None:
                raise UnsupportedTypeError(
                    problem=f"{self.place(path)} is a {class_name(bare)}, which cannot be checked.",
                    remedy=REMEDY,
                )
            found = known
        refuse_misplaced(found, marks, self.place(path))
        if marks.get(UNIQUE) and isinstance(found, kinds.Array):
            found = msgspec.structs.replace(found, unique=True)
        rules = functions_of(marks)
        self.functions.update(rules)
        more = {"doc": doc, "rules": tuple(rules), "brand": brand_of(hint) or marks.get(BRAND)}
        return msgspec.structs.replace(found, sensitive=sensitive, **more)

    def keep(self, info: mi.Type, path: str, fields: Sequence[mi.Field], **more: Any) -> Any_:
        """Give an object a place in the table before its fields are read: it may hold itself."""
        known = self.numbers.get(id(info))
        if known is not None:
            return kinds.Ref(to=known)
        number = self.numbers[id(info)] = len(self.objects)
        empty = Object(name=class_name(info), **more)
        self.objects.append(empty)
        hints = fields_of(getattr(info, "cls", None))
        read = tuple(
            self._field(field, f"{path}.{field.name}", hints.get(field.name, UNKNOWN))
            for field in fields
        )
        self.objects[number] = msgspec.structs.replace(empty, fields=read)
        return kinds.Ref(to=number)

    def _field(self, field: mi.Field, path: str, hint: Any) -> kinds.Field:
        part = self.part(field.type, path, hint)
        default: Any = msgspec.UNSET
        made = field.default_factory is not msgspec.NODEFAULT
        if field.default is not msgspec.NODEFAULT and field.default is not msgspec.UNSET:
            given = Default(self.place(path), part, field.default, None)
            self.defaults.append(given)
            default = given.plain
        elif field.default_factory in EMPTY:
            default, made = EMPTY[field.default_factory], False
        elif made:
            factory = cast(Factory, field.default_factory)
            value = made_by(factory, self.place(path))
            self.defaults.append(Default(self.place(path), part, value, factory))
        return kinds.Field(field.encode_name, part, field.required, default, made)


_Maker: TypeAlias = Callable[[_Builder, Any, str, Any], Any_]


def _array(b: _Builder, info: Any, path: str, hint: Any) -> Any_:
    sizes(info, b.place(path))
    item = b.part(info.item_type, f"{path}[]", nth(hint, 0))
    collapse = isinstance(info, mi.SetType | mi.FrozenSetType)
    limited = info.min_length is not None or info.max_length is not None
    if collapse and limited and not isinstance(item, kinds.COUNTABLE):
        raise ConstraintError(
            problem=f"{b.place(path)} is a set of {class_name(strip(info.item_type)[0])} "
            "with a length.",
            remedy="Bound a list, or a set of text, numbers, dates or ids.",
        )
    return kinds.Array(
        item=item, min_length=info.min_length, max_length=info.max_length, collapse=collapse
    )


def _tuple(b: _Builder, info: mi.TupleType, path: str, hint: Any) -> Any_:
    return kinds.Tuple(
        items=tuple(
            b.part(item, f"{path}[{n}]", nth(hint, n)) for n, item in enumerate(info.item_types)
        )
    )


def _named_tuple(b: _Builder, info: mi.NamedTupleType, path: str, _: Any) -> Any_:
    return b.keep(info, path, info.fields, as_array=True, closed=True)


def _struct(b: _Builder, info: mi.StructType, path: str, _: Any) -> Any_:
    return b.keep(
        info,
        path,
        info.fields,
        closed=info.forbid_unknown_fields,
        as_array=info.array_like,
        omit_defaults=_omits(info.cls),
        tag=info.tag,
        tag_field=None if info.array_like else info.tag_field,
    )


def _omits(cls: Any) -> bool:
    struct = getattr(cls, "__origin__", cls)
    return bool(struct.__struct_config__.omit_defaults)


def _object(b: _Builder, info: Any, path: str, _: Any) -> Any_:
    return b.keep(info, path, info.fields)


def _map(b: _Builder, info: mi.DictType, path: str, hint: Any) -> Any_:
    sizes(info, b.place(path))
    key = b.part(info.key_type, f"{path}{{}}", nth(hint, 0))
    if not isinstance(key, kinds.KEYS):
        raise UnsupportedTypeError(
            problem=f"{b.place(path)} has keys of type {class_name(strip(info.key_type)[0])}.",
            remedy="Keys are text, whole numbers, ids, dates or enums.",
        )
    if key.rules or PATTERN in extras_of(info.key_type):
        raise ConstraintError(
            problem=f"{b.place(path)} has keys with a pattern or a check.",
            remedy="Check the keys in the handler, or take a list of pairs.",
        )
    value = b.part(info.value_type, f"{path}{{}}", nth(hint, 1))
    return kinds.Map(key=key, value=value, min_length=info.min_length, max_length=info.max_length)


def _union(b: _Builder, info: mi.UnionType, path: str, hint: Any) -> Any_:
    read = [
        b.part(member, path, written)
        for member, written in zip(info.types, members(hint, info.types), strict=True)
    ]
    return union(read, b.objects, b.place(path))


_MAKERS: dict[type, _Maker] = {
    mi.ListType: _array,
    mi.VarTupleType: _array,
    mi.SetType: _array,
    mi.FrozenSetType: _array,
    mi.TupleType: _tuple,
    mi.NamedTupleType: _named_tuple,
    mi.StructType: _struct,
    mi.DataclassType: _object,
    mi.TypedDictType: _object,
    mi.DictType: _map,
    mi.UnionType: _union,
}

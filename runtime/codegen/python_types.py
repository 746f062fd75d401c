"""Types as Python: hints, and a msgspec Struct for each object."""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runtime.codegen import syntax
from runtime.codegen.catalogue import Named, Scope
from runtime.codegen.naming import members
from runtime.codegen.syntax import call, const, either, expr, index
from runtime.errors import GenerateError
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Field, Part
from runtime.gtype.patterns import to_ecma

IMPORTS: tuple[ast.stmt, ...] = (
    syntax.imported("__future__", {"annotations": None}),
    ast.Import([ast.alias("datetime", "_dt")]),
    ast.Import([ast.alias("decimal", "_decimal")]),
    ast.Import([ast.alias("typing", "_t")]),
    ast.Import([ast.alias("uuid", "_uuid")]),
    ast.Import([ast.alias("msgspec", "_m")]),
)
"""What hints name: under names that no field or class can have."""
_INT64 = 1 << 63
_SIMPLE = (kinds.Bool, kinds.Int, kinds.Float, kinds.Text, kinds.Literal, kinds.Enum, kinds.Null)
_UNSET = "_m.UNSET"


def hint(part: Any_, scope: Scope, prefix: str = "") -> ast.expr:
    """Give the hint of one place of a type.

    Args:
        part: the place.
        scope: names what it refers to.
        prefix: stands before names of classes, such as `_types.`.
    """
    bare = _bare(part, scope, prefix)
    limits = _limits(part)
    return index("_t.Annotated", bare, call("_m.Meta", **limits)) if limits else bare


def _bare(part: Any_, scope: Scope, prefix: str) -> ast.expr:  # noqa: PLR0911 - one a kind
    match part:
        case kinds.Ref():
            return expr(prefix + scope.names[part.to])
        case kinds.Literal() | kinds.Enum():
            return index("_t.Literal", *map(const, part.values))
        case kinds.Array():
            return index("list", hint(part.item, scope, prefix))
        case kinds.Tuple():
            items = [hint(each, scope, prefix) for each in part.items]
            return index("tuple", *items) if items else index("tuple", ast.Tuple([], ast.Load()))
        case kinds.Map():
            return index("dict", hint(part.key, scope, prefix), hint(part.value, scope, prefix))
        case kinds.Union():
            # Null last: `None | None` is no hint.
            ordered = sorted(part.members, key=lambda each: isinstance(each, kinds.Null))
            return either([hint(each, scope, prefix) for each in ordered])
        case _:
            return expr(_NAMES[type(part)])


_NAMES: Mapping[type, str] = {
    kinds.Anything: "_t.Any",
    kinds.Null: "None",
    kinds.Bool: "bool",
    kinds.Int: "int",
    kinds.Float: "float",
    kinds.Decimal: "_decimal.Decimal",
    kinds.Text: "str",
    kinds.Bytes: "bytes",
    kinds.DateTime: "_dt.datetime",
    kinds.Date: "_dt.date",
    kinds.Time: "_dt.time",
    kinds.Duration: "_dt.timedelta",
    kinds.Uuid: "_uuid.UUID",
}


# --- limits: never narrower than the server's ---


def _limits(part: Any_) -> dict[str, ast.expr]:
    make = _LIMITS.get(type(part))
    found = {} if make is None else make(part)
    return {name: const(value) for name, value in found.items() if value is not None}


def _bounds(part: Any) -> dict[str, Any]:
    found = {name: getattr(part, name, None) for name in ("gt", "ge", "lt", "le", "multiple_of")}
    for strict, loose in (("gt", "ge"), ("lt", "le")):
        # msgspec takes one of the two; what the other alone refuses, the server will.
        if found[strict] is not None:
            found[loose] = None
    return {n: v for n, v in found.items() if v is not None and -_INT64 <= v < _INT64}


def _lengths(part: Any) -> dict[str, Any]:
    return {"min_length": part.min_length, "max_length": part.max_length}


def _text(part: kinds.Text) -> dict[str, Any]:
    pattern = None if part.pattern is None else rf"(?a)\A(?:{to_ecma(part.pattern)})\Z"
    return {**_lengths(part), "pattern": pattern}


def _items(part: kinds.Array) -> dict[str, Any]:
    # Equal items of a set become one there: here there may be more of them.
    return {"min_length": part.min_length, "max_length": None if part.collapse else part.max_length}


_LIMITS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    kinds.Int: _bounds,
    kinds.Float: _bounds,
    kinds.Text: _text,
    kinds.Bytes: _lengths,
    kinds.Map: _lengths,
    kinds.Array: _items,
    kinds.DateTime: lambda part: {"tz": not part.naive},
    kinds.Time: lambda part: {"tz": part.aware},
}


# --- classes ---


def struct(named: Named, classes: Sequence[str]) -> ast.ClassDef:
    """Give the class of an object.

    Args:
        named: the object.
        classes: names of all classes: no field may have one of them.
    """
    each = named.object
    refuse_unwritable(each)
    names = members([field.name for field in each.fields], classes)
    body = syntax.said(_doc(each))
    for field, name in zip(each.fields, names, strict=True):
        body += (
            _placed(field, name, named.scope)
            if each.as_array
            else field_of(field, name, named.scope)
        )
    return syntax.klass(named.name, ["_m.Struct"], body, **_options(each))


def refuse_unwritable(each: kinds.Object) -> None:
    """Refuse names that msgspec does not write, though JSON has them.

    Raises:
        GenerateError: names the field.
    """
    for field in each.fields:
        if any(c in '"\\' or c < " " for c in field.name):
            raise GenerateError(
                problem=f"Field {field.name!r} of {each.name} cannot be a field of a Struct.",
                remedy="Rename it, or generate a TypeScript client.",
            )


def _doc(part: Part) -> str:
    return " ".join(str(part.doc.get("description", "")).split())


def _options(each: kinds.Object) -> dict[str, ast.expr]:
    options: dict[str, ast.expr] = {"frozen": const(value=True), "kw_only": const(value=True)}
    if each.as_array:
        options["array_like"] = const(value=True)
    if each.omit_defaults:
        options["omit_defaults"] = const(value=True)
    if each.tag is not None:
        options["tag"] = const(each.tag)
        if each.tag_field is not None:
            options["tag_field"] = const(each.tag_field)
    return options


def field_of(field: Field, name: str, scope: Scope, prefix: str = "") -> list[ast.stmt]:
    """Give a field, and what is said of it."""
    kind, default = typed(field, scope, prefix)
    value = default
    if name != field.name:
        more = {} if default is None else {"default": default}
        value = call("_m.field", **more, name=const(field.name))
    return [syntax.declared(name, kind, value), *syntax.said(_doc(field.type))]


def _placed(field: Field, name: str, scope: Scope) -> list[ast.stmt]:
    """Give a field of what is written as an array: none may be left out before others."""
    kind = hint(field.type, scope)
    if field.required or field.default is kinds.UNSET or field.made:
        # What the server makes anew, only the server knows.
        return [syntax.declared(name, kind, None)]
    if _is_simple(field):
        return [syntax.declared(name, kind, const(field.default))]
    made = call("_m.convert", const(field.default), hint(field.type, scope))
    value = call("_m.field", default_factory=syntax.lazily(made))
    return [syntax.declared(name, kind, value)]


def typed(field: Field, scope: Scope, prefix: str = "") -> tuple[ast.expr, ast.expr | None]:
    """Give the hint of a field and its default; None: it must be given."""
    kind = hint(field.type, scope, prefix)
    if field.required:
        return kind, None
    if _is_simple(field):
        return kind, const(field.default)
    # The server knows the default; it is not sent.
    return either([kind, expr("_m.UnsetType")]), expr(_UNSET)


def _is_simple(field: Field) -> bool:
    """Say whether the default is the same in JSON and in Python."""
    part, default = field.type, field.default
    if default is kinds.UNSET or field.made:
        return False
    members_of = part.members if isinstance(part, kinds.Union) else (part,)
    if default is None:
        return True
    fits = {str: kinds.Text, bool: kinds.Bool, int: kinds.Int, float: kinds.Float}
    wanted = (fits.get(type(default), kinds.Null), kinds.Literal, kinds.Enum)
    return (
        isinstance(default, str | int | float)
        and any(isinstance(each, wanted) for each in members_of)
        and all(isinstance(each, _SIMPLE) for each in members_of)
    )

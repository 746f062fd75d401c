"""Types as Python sees decoded JSON: a TypedDict for each object (CG-12)."""

import ast
from collections.abc import Mapping

from runtime.codegen import syntax
from runtime.codegen.catalogue import Named, Scope
from runtime.codegen.operations import Service
from runtime.codegen.syntax import call, const, either, expr, index
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_

_NAMES: Mapping[type, str] = {
    kinds.Anything: "_t.Any",
    kinds.Null: "None",
    kinds.Bool: "bool",
    kinds.Int: "int",
    kinds.Float: "float",
}


def dicts_module(service: Service, head: str) -> str:
    """Write the module."""
    body = [
        *syntax.said("What is sent, and what comes back, as decoded JSON."),
        ast.Import([ast.alias("typing", "_t")]),
    ]
    # By calls, not by classes: names of fields need not be identifiers.
    body += [_made(named) for named in service.catalogue.classes]
    return syntax.module(head, body)


def _made(named: Named) -> ast.stmt:
    each = named.object
    if each.as_array:
        # Fields have places there, and no names.
        return syntax.assign(named.name, index("list", "_t.Any"), expr("_t.TypeAlias"))
    names: list[ast.expr | None] = []
    hints: list[ast.expr] = []
    if each.tag_field is not None and each.tag is not None:
        names.append(const(each.tag_field))
        hints.append(index("_t.Literal", const(each.tag)))
    for field in each.fields:
        kind = _hint(field.type, named.scope)
        # As text: what is named may stand further down, or be the object itself.
        shown = const(ast.unparse(kind))
        names.append(const(field.name))
        hints.append(shown if field.required else index("_t.NotRequired", shown))
    fields = ast.Dict(names, hints)
    return syntax.assign(named.name, call("_t.TypedDict", const(named.name), fields))


def _hint(part: Any_, scope: Scope) -> ast.expr:  # noqa: PLR0911 - one a kind
    match part:
        case kinds.Ref():
            return expr(scope.names[part.to])
        case kinds.Literal() | kinds.Enum():
            return index("_t.Literal", *map(const, part.values))
        case kinds.Array():
            return index("list", _hint(part.item, scope))
        case kinds.Tuple():
            return index("list", "_t.Any")
        case kinds.Map():
            return index("dict", "str", _hint(part.value, scope))
        case kinds.Union():
            ordered = sorted(part.members, key=lambda each: isinstance(each, kinds.Null))
            return either([_hint(each, scope) for each in ordered])
        case _:
            return expr(_NAMES.get(type(part), "str"))

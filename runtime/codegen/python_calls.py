"""The module `operations` of a Python client: for each handler the request that calls it."""

import ast
from collections.abc import Sequence

import msgspec

from runtime.codegen import syntax
from runtime.codegen.catalogue import Scope
from runtime.codegen.naming import members
from runtime.codegen.operations import Operation, Service
from runtime.codegen.python_types import IMPORTS, hint, typed
from runtime.codegen.syntax import Param, call, const, expr, index

TYPES = "_types."
_PATH = {
    "str": "str", "path": "str", "int": "int", "float": "float", "uuid": "_uuid.UUID",
    "date": "_dt.date",
}  # fmt: skip
_QUERY = index("_abc.Mapping", "str", "str")
_NONE = const(None)
RESERVED = ("body", "query", "timeout", "headers")
"""Parameters that methods have besides those of their paths and queries."""
CALLS_IMPORTS: tuple[ast.stmt, ...] = (
    *IMPORTS,
    ast.Import([ast.alias("collections.abc", "_abc")]),
    syntax.imported(None, {"calls": "_calls"}, 1),
    syntax.imported(None, {"types": "_types"}, 1),
)


class Signature(msgspec.Struct, frozen=True):
    """What a method takes and gives."""

    params: tuple[Param, ...]
    """By position or name: those of the path, then the body."""
    keywords: tuple[Param, ...]
    """By name: the query."""
    returns: ast.expr
    names: tuple[str, ...]
    """Of path and query parameters, in order."""


def signature(operation: Operation) -> Signature:
    """Say what is to be given to call *operation*, and what comes."""
    fields = operation.query_fields
    wanted = [name for name, _ in operation.params] + [field.name for field in fields]
    names = members(wanted, RESERVED)
    count = len(operation.params)
    params = [
        Param(name, expr(_PATH[kind]))
        for name, (_, kind) in zip(names, operation.params, strict=False)
    ]
    keywords = []
    for name, field in zip(names[count:], fields, strict=True):
        if operation.query is not None:
            kind, default = typed(field, operation.query, TYPES)
            keywords.append(Param(name, kind, default))
    if operation.query is None:
        keywords.append(Param("query", syntax.either([_QUERY, _NONE]), _NONE))
    return Signature(
        (*params, *_body(operation)), tuple(keywords), _returns(operation), tuple(names)
    )


def _body(operation: Operation) -> tuple[Param, ...]:
    if operation.sends == "nothing":
        return ()
    if operation.sends == "raw":
        return (Param("body", expr("bytes")),)
    if operation.body is None:
        return (Param("body", expr("_t.Any"), _NONE),)
    return (Param("body", _root(operation.body)),)


def _root(scope: Scope) -> ast.expr:
    return hint(scope.stored.root, scope, TYPES)


def _returns(operation: Operation) -> ast.expr:
    if operation.answer is not None:
        return _root(operation.answer)
    return {"nothing": _NONE, "raw": expr("bytes")}.get(operation.gets, expr("_t.Any"))


def calls_module(service: Service) -> list[ast.stmt]:
    """Give the statements of the module."""
    body = syntax.said("For each handler, the request that calls it.")
    body += CALLS_IMPORTS
    for operation in service.operations:
        body += _decoders(operation)
        body.append(_function(operation, service.class_names))
    return body


def _decoders(operation: Operation) -> list[ast.stmt]:
    """Compile what is read and checked, once."""
    found = []
    for name, scope in _decoded(operation):
        kind = _root(scope)
        made = call("_m.json.Decoder", _root(scope))
        found.append(
            syntax.assign(_constant(operation, name), made, index("_m.json.Decoder", kind))
        )
    if operation.sends == "json" and operation.body is None:
        made = call("_m.json.Decoder")
        kind = index("_m.json.Decoder", "_t.Any")
        found.append(syntax.assign(_constant(operation, "body"), made, kind))
    return found


def _decoded(operation: Operation) -> list[tuple[str, Scope]]:
    sides = (("query", operation.query), ("body", operation.body), ("answer", operation.answer))
    return [(name, scope) for name, scope in sides if scope is not None]


def _constant(operation: Operation, side: str) -> str:
    return f"_{operation.name}_{side}".upper()


def _function(operation: Operation, classes: Sequence[str]) -> ast.stmt:
    known = signature(operation)
    returns = index("_calls.Call", known.returns)
    made = call(
        "_calls.Call",
        handler=const(operation.handler),
        method=const(operation.method),
        path=_path(operation, known.names),
        decode=_reader(operation),
        version=const(operation.version),
        query=_query(operation, known.names[len(operation.params) :], classes),
        body=_sent(operation),
        **({"media": const("application/octet-stream")} if operation.sends == "raw" else {}),
        **({"takes_key": const(value=True)} if operation.takes_key else {}),
        **({} if operation.answer is None else {"answer": _answer(operation)}),
    )
    body = [*syntax.said(operation.doc), ast.Return(made)]
    return syntax.function(operation.name, known.params, returns, body, keywords=known.keywords)


def _path(operation: Operation, names: Sequence[str]) -> ast.expr:
    """Put the path together, parameter by parameter."""
    given = iter(names)
    parts: list[ast.expr] = []
    for text, kind in operation.pieces:
        encode = "_calls.rest" if kind == "path" else "_calls.segment"
        parts.append(const(text) if kind is None else call(encode, next(given)))
    return syntax.joined(parts, ast.Add())


def _query(operation: Operation, names: Sequence[str], classes: Sequence[str]) -> ast.expr:
    if operation.query is None:
        given = ast.BoolOp(ast.Or(), [expr("query"), ast.Dict([], [])])
        return call("tuple", call(ast.Attribute(given, "items", ast.Load())))
    root = operation.query.stored.root
    owner = hint(root, operation.query, TYPES)
    fields = members([field.name for field in operation.query_fields], classes)
    asked = {field: expr(name) for field, name in zip(fields, names, strict=True)}
    made = call(owner, **asked)
    return call("_calls.pairs", made, _constant(operation, "query"))


def _sent(operation: Operation) -> ast.expr:
    if operation.sends == "nothing":
        return _NONE
    if operation.sends == "raw":
        return expr("body")
    checked = call("_calls.encoded", "body", _constant(operation, "body"))
    if operation.body is not None:
        return checked
    return ast.IfExp(ast.Compare(expr("body"), [ast.Is()], [_NONE]), _NONE, checked)


def _answer(operation: Operation) -> ast.expr:
    return expr(f"{_constant(operation, 'answer')}.type")


def _reader(operation: Operation) -> ast.expr:
    decode = f"{_constant(operation, 'answer')}.decode"
    return {
        "json": expr(decode),
        "optional": call("_calls.maybe", decode),
        "raw": expr("bytes"),
        "any": expr("_calls.anything"),
        "nothing": expr("_calls.nothing"),
    }[operation.gets]

"""Builds Python as a syntax tree, so that no text is ever pasted in as code (CG-4)."""

import ast
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

Expr: TypeAlias = ast.expr | str
"""An expression; text is a dotted name of ours."""


class Param(msgspec.Struct, frozen=True):
    """A parameter of a generated function."""

    name: str
    hint: Any
    """An expression."""
    default: Any = None
    """An expression; None: there is none."""


def expr(value: Expr) -> ast.expr:
    """Give an expression; text is a dotted name."""
    if not isinstance(value, str):
        return value
    first, *more = value.split(".")
    found: ast.expr = ast.Name(first, ast.Load())
    for part in more:
        found = ast.Attribute(found, part, ast.Load())
    return found


def const(value: Any) -> ast.expr:
    """Give plain data as a literal."""
    if isinstance(value, list):
        return ast.List([const(each) for each in value], ast.Load())
    if isinstance(value, dict):
        return ast.Dict([const(each) for each in value], [const(each) for each in value.values()])
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def lazily(value: ast.expr) -> ast.expr:
    """Give a function that evaluates *value* when it is called."""
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(nothing, value)


def call(function: Expr, *args: Expr, **kwargs: ast.expr) -> ast.Call:
    """Give a call."""
    keywords = [ast.keyword(name, value) for name, value in kwargs.items()]
    return ast.Call(expr(function), [expr(each) for each in args], keywords)


def index(base: Expr, *items: Expr) -> ast.expr:
    """Give `base[items]`."""
    inner = [expr(each) for each in items]
    one = inner[0] if len(inner) == 1 else ast.Tuple(inner, ast.Load())
    return ast.Subscript(expr(base), one, ast.Load())


def joined(parts: Sequence[ast.expr], operator: ast.operator) -> ast.expr:
    """Give expressions with an operator between them."""
    found = parts[0]
    for part in parts[1:]:
        found = ast.BinOp(found, operator, part)
    return found


def either(parts: Sequence[ast.expr]) -> ast.expr:
    """Give a union of hints."""
    return joined(parts, ast.BitOr())


def assign(name: str, value: ast.expr, hint: ast.expr | None = None) -> ast.stmt:
    """Give `name: hint = value`."""
    target = ast.Name(name, ast.Store())
    if hint is None:
        return ast.Assign([target], value, lineno=0)
    return ast.AnnAssign(target, hint, value, 1)


def declared(name: str, hint: ast.expr, value: ast.expr | None) -> ast.stmt:
    """Give a field of a class."""
    return ast.AnnAssign(ast.Name(name, ast.Store()), hint, value, 1)


def said(text: str) -> list[ast.stmt]:
    """Give a docstring; none for no text."""
    return [ast.Expr(ast.Constant(text))] if text else []


def klass(
    name: str, bases: Sequence[Expr], body: Sequence[ast.stmt], **keywords: ast.expr
) -> ast.ClassDef:
    """Give a class."""
    return ast.ClassDef(
        name=name,
        bases=[expr(each) for each in bases],
        keywords=[ast.keyword(word, value) for word, value in keywords.items()],
        body=list(body) or [ast.Pass()],
        decorator_list=[],
    )


def function(
    name: str,
    params: Sequence[Param],
    returns: ast.expr,
    body: Sequence[ast.stmt],
    *,
    keywords: Sequence[Param] = (),
    is_async: bool = False,
    method: bool = False,
) -> ast.stmt:
    """Give a function.

    Args:
        name: of it.
        params: by position or name; those with a default last.
        returns: its hint.
        body: its statements.
        keywords: by name only.
        is_async: whether it is awaited.
        method: whether `self` comes first.
    """
    own = [ast.arg("self")] if method else []
    arguments = ast.arguments(
        posonlyargs=[],
        args=own + [ast.arg(each.name, each.hint) for each in params],
        kwonlyargs=[ast.arg(each.name, each.hint) for each in keywords],
        kw_defaults=[each.default for each in keywords],
        defaults=[each.default for each in params if each.default is not None],
    )
    kind = ast.AsyncFunctionDef if is_async else ast.FunctionDef
    return kind(
        name=name, args=arguments, body=list(body), decorator_list=[], returns=returns, lineno=0
    )


def imported(module: str | None, names: dict[str, str | None], level: int = 0) -> ast.stmt:
    """Give `from module import name as other`."""
    return ast.ImportFrom(module, [ast.alias(n, other) for n, other in names.items()], level)


def module(header: str, body: Sequence[ast.stmt]) -> str:
    """Write a module.

    Args:
        header: comment of ours, whole lines.
        body: its statements, docstring first.
    """
    # As modules, so that a docstring is written as one.
    trees = [ast.fix_missing_locations(ast.Module([each], [])) for each in body]
    parts = [ast.unparse(each) for each in trees]
    return header + "\n\n".join(_spaced(parts)) + "\n"


def _spaced(parts: list[str]) -> list[str]:
    """Keep imports and assignments together."""
    found: list[str] = []
    for part in parts:
        kind = part.split(" ", 1)[0]
        if (
            found
            and kind in {"from", "import"}
            and found[-1].split(" ", 1)[0] in {"from", "import"}
        ):
            found[-1] += f"\n{part}"
        else:
            found.append(part)
    return found

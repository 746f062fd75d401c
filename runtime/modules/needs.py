"""Which capabilities the source of a module shows in use (MM-5)."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from runtime.manifests.module import Need

_READS = {"secret": "secret.read", "connect": "net.connect"}


def needs_of(functions: Iterable[Callable[..., Any]]) -> list[Need]:
    """Say what *functions* ask their contexts for, as far as it is written out."""
    found: dict[Need, None] = {}
    for function in functions:
        for node in ast.walk(_tree(function)):
            if isinstance(node, ast.Call):
                found.update(dict.fromkeys(_needs(node, _context(function))))
    return list(found)


def _tree(function: Callable[..., Any]) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


def _context(function: Callable[..., Any]) -> str:
    return next(iter(inspect.signature(function).parameters), "")


def _needs(call: ast.Call, context: str) -> Iterator[Need]:
    match call:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=name), attr=attr),
            args=[ast.Constant(value=str(argument)), *more],
        ) if name == context and attr in {*_READS, "open"}:
            yield Need(_READS.get(attr) or _of_mode(more, call.keywords), argument)
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=name), attr="use"),
            args=[ast.Constant(value=str(kind)), ast.Constant(value=str(argument))],
        ) if name == context:
            yield Need(kind, argument)
        case _:
            pass


def _of_mode(more: list[ast.expr], named: list[ast.keyword]) -> str:
    modes = [*more[:1], *(each.value for each in named if each.arg == "mode")]
    mode = modes[0].value if modes and isinstance(modes[0], ast.Constant) else "r"
    return "fs.read" if str(mode).startswith("r") else "fs.write"

"""Tells whether code changed: a digest of what a handler and its hooks are written as (MG-7).

Formatting, comments, docstrings and decorators do not count; what runs does.
"""

import ast
import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any

_BYTES = 16


def fingerprint(route: str, calls: Iterable[Callable[..., Any]], contract: Iterable[object]) -> str:
    """Return the digest of a version: 32 hex digits.

    Args:
        route: as registered.
        calls: the handler, then its hooks.
        contract: what callers can observe besides, such as types and limits.
    """
    digest = hashlib.sha256(route.encode())
    for call in calls:
        digest.update(b"\0call\0" + _written(call).encode())
    for part in contract:
        digest.update(b"\0part\0" + repr(part).encode())
    return digest.hexdigest()[: 2 * _BYTES]


def _written(call: Any) -> str:
    """Return the normal form of a callable's source, or of its bytecode where there is none."""
    bound = ""
    while isinstance(call, functools.partial):
        bound += repr((call.args, sorted(call.keywords)))
        call = call.func
    call = inspect.unwrap(getattr(call, "__func__", call))
    if not hasattr(call, "__code__"):
        call = type(call).__call__
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(call)))
    except (OSError, TypeError, SyntaxError, ValueError):
        code = getattr(call, "__code__", None)
        return bound + (_bytecode(code) if isinstance(code, CodeType) else repr(type(call)))
    return bound + ast.unparse(_Plain().visit(tree))


class _Plain(ast.NodeTransformer):
    """Takes decorators and docstrings out."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._plain(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._plain(node)

    def _plain(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        node.decorator_list = []
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node  # type: ignore[no-any-return]


def _bytecode(code: CodeType) -> str:
    inner = [_bytecode(c) for c in code.co_consts if isinstance(c, CodeType)]
    return f"{code.co_code.hex()}{code.co_names}{inner}"

"""What a function is written as, without what does not matter to what it does (MG-7).

Positions, comments, blanks, docstrings and the decorators of the function itself do not
count, nor does the Python that read it: fields of its grammar that are empty are left out.
"""

import ast

_SKIPPED = frozenset({"ctx", "type_comment", "kind"})


def normal_form(tree: ast.AST) -> str:
    """Write a syntax tree so that equal code is equal text."""
    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return _written(tree, skipped=_SKIPPED | {"decorator_list"})
    return _written(tree, skipped=_SKIPPED)


def _written(node: object, skipped: frozenset[str] = _SKIPPED) -> str:
    if isinstance(node, list):
        return f"[{','.join(_written(each) for each in node)}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = []
    for name in node._fields:
        if name in skipped:
            continue
        value = getattr(node, name, None)
        if name == "body" and isinstance(value, list):
            value = _without_docstring(node, value)
        if value is not None and value != []:
            parts.append(f"{name}={_written(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _without_docstring(node: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
    holders = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    if isinstance(node, holders) and ast.get_docstring(node, clean=False) is not None:
        return body[1:]
    return body

"""Validators as a Python package: a function for each type, and the collecting pass (CG-12).

The pass is not written a second time: its rooms are copied, so that its issues are those of
the server, for every value. What is copied needs msgspec and RE2 and nothing of ours.
"""

import ast
import importlib.resources
import re
from collections.abc import Iterator

import msgspec

from runtime.codegen import syntax
from runtime.codegen.catalogue import Scope
from runtime.codegen.naming import Names, snake
from runtime.codegen.operations import Service
from runtime.codegen.python_sdk import types_module
from runtime.codegen.python_types import hint
from runtime.codegen.syntax import Param, call, const, expr
from runtime.gtype.kinds import Ref
from runtime.gtype.stored import Stored, write

_ROOMS = (
    "bounds", "branches", "findings", "kinds", "leaves", "marks", "passes", "patterns", "plan",
    "rules", "stored",
)  # fmt: skip
"""Of `runtime.gtype`."""
_OWN = ("checking", "faults")
_REWRITTEN = (
    (re.compile(r"^from runtime\.(?:facts|errors) import", re.MULTILINE), "from .faults import"),
    (re.compile(r"^from runtime\.gtype import", re.MULTILINE), "from . import"),
    (re.compile(r"^from runtime\.(?:gtype|codegen\.validating)\.(\w+) import", re.MULTILINE),
     r"from .\1 import"),
    # It has no types of its own, and not everybody's mypy is told so.
    (re.compile(r"^import re2$", re.MULTILINE),
     "import re2  # type: ignore[import-untyped,import-not-found,unused-ignore]"),
)  # fmt: skip


class _Wanted(msgspec.Struct, frozen=True):
    """A validator to be written."""

    name: str
    scope: Scope
    number: int | None
    """Place of an object in the scope's table; None: the root."""


def python_validators(service: Service, header: str) -> tuple[dict[str, str], dict[str, str]]:
    """Give the files of a package, by name; and names that could not stay, and what they became.

    Args:
        service: whose types they are.
        header: first lines of each file, without a comment sign.
    """
    head = "".join(f"# {line}\n" for line in header.splitlines())
    door, changed = _door(service)
    made = {
        "__init__.py": syntax.module(head, door),
        "types.py": syntax.module(head, types_module(service)),
        "py.typed": head,
    }
    gtype, own = "runtime.gtype", "runtime.codegen.validating"
    rooms = [*((gtype, name) for name in _ROOMS), *((own, name) for name in _OWN)]
    copied = {f"{name}.py": head + _copied(package, name) for package, name in rooms}
    return {**made, **copied}, changed


def _copied(package: str, name: str) -> str:
    text = importlib.resources.files(package).joinpath(f"{name}.py").read_text("utf-8")
    for found, instead in _REWRITTEN:
        text = found.sub(instead, text)
    return text


def _door(service: Service) -> tuple[list[ast.stmt], dict[str, str]]:
    wanted = list(_wanted(service))
    names, texts = Names(("Issue", "ValidationFailed", "types")), dict[str, str]()
    functions = []
    for each in wanted:
        name = names.give(each.name, f"validate_{snake(each.name)}")
        table = texts.setdefault(_text(each.scope.stored), f"_stored_{len(texts) + 1}")
        functions.append((name, _function(name, table, each)))
    exported = ["Issue", "ValidationFailed", "types", *(name for name, _ in functions)]
    body = [
        *syntax.said("A function for each type: plain JSON data in, its value or all faults out."),
        syntax.imported("__future__", {"annotations": None}),
        *_imports(),
        syntax.imported(None, {"types": None}, 1),
        syntax.imported("checking", {"Stored": "_Stored"}, 1),
        syntax.imported("faults", {"Issue": None, "ValidationFailed": None}, 1),
        syntax.assign("__all__", const(sorted(exported))),
        *(syntax.assign(name, call("_Stored", const(text))) for text, name in texts.items()),
        *(function for _, function in functions),
    ]
    return body, names.changed


def _imports() -> Iterator[ast.stmt]:
    """Give the imports that hints of roots may name."""
    for module in ("datetime", "decimal", "typing", "uuid", "msgspec"):
        short = {"datetime": "_dt", "decimal": "_decimal", "typing": "_t", "uuid": "_uuid"}
        yield ast.Import([ast.alias(module, short.get(module, "_m"))])


def _wanted(service: Service) -> Iterator[_Wanted]:
    """Give what is validated: each class, and each body, query and answer that is none."""
    for named in service.catalogue.classes:
        yield _Wanted(named.name, named.scope, named.scope.names.index(named.name))
    for each in service.operations:
        parts = {"query": each.query, "body": each.body, "answer": each.answer}
        for what, scope in parts.items():
            if scope is not None and not isinstance(scope.stored.root, Ref):
                yield _Wanted(f"{each.name}_{what}", scope, None)


def _text(stored: Stored) -> str:
    return write(stored.root, stored.objects)


def _function(name: str, table: str, wanted: _Wanted) -> ast.stmt:
    scope, number = wanted.scope, wanted.number
    part = scope.stored.root if number is None else Ref(to=number)
    kind = hint(part, scope, "types.")
    read = call(f"{table}.read", const(number), expr("value"), kind)
    return syntax.function(
        name,
        [Param("value", expr("object"))],
        kind,
        [
            *syntax.said("Return plain JSON data as its value, or raise `ValidationFailed`."),
            syntax.assign("read", read, kind),
            ast.Return(expr("read")),
        ],
    )

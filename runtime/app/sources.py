"""Reads what callables are written as: their syntax trees, and those of what they reach."""

import ast
import builtins
import functools
import hashlib
import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import msgspec

from runtime.manifests.forms import normal_form
from runtime.manifests.nondeterminism import Finding, find, told


class Written(msgspec.Struct, frozen=True, dict=True):
    """What a callable is written as."""

    name: str
    form: str
    """Its normal form; of what has no source, a digest of its bytecode."""
    tree: ast.AST | None = None
    """With the lines of its file; None: there is no source."""
    file: str = ""
    """Relative to where its package lies: `shop/orders.py`."""
    line: int = 0
    parameters: tuple[str, ...] = ()
    origins: Mapping[str, str] = {}
    """What its global names stand for."""

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names in it, sorted."""
        return tuple(sorted(_names(self.tree)))

    @functools.cached_property
    def findings(self) -> list[Finding]:
        """What in it would not happen again."""
        return [] if self.tree is None else find(self.tree, self.origins)


class Sources:
    """Reads each function once."""

    def __init__(self) -> None:
        self._read: dict[CodeType, Written] = {}
        self._files: dict[str, dict[tuple[int, str], ast.AST | None]] = {}

    def reached(self, call: Callable[..., Any]) -> list[Written]:
        """Give *call* and the functions of the same file it reaches, each once."""
        found: dict[CodeType, Written] = {}
        first = self.written(call)
        todo = list(_same_file(call, first))
        while todo:
            function = todo.pop(0)
            if function.__code__ not in found:
                found[function.__code__] = written = self.written(function)
                todo += _same_file(function, written)
        own = getattr(_function(call), "__code__", None)
        return [first, *(each for code, each in found.items() if code is not own)]

    def findings(self, call: Callable[..., Any]) -> list[tuple[str, Finding]]:
        """Say what in *call* would not happen again, and at which line; `` where it is *call*."""
        while isinstance(call, functools.partial):
            call = call.func
        origin = _origin(call) or ""
        itself = told(origin)
        if itself is not None:
            return [("", Finding(0, f"{origin} {itself[0]}", itself[1]))]
        reached = self.reached(call)
        return [(f"{w.file}:{found.line}", found) for w in reached for found in w.findings]

    def written(self, call: Callable[..., Any]) -> Written:
        """Read one callable; what a partial has bound counts."""
        bound = ""
        while isinstance(call, functools.partial):
            bound += repr((call.args, sorted(call.keywords)))
            call = call.func
        function = _function(call)
        code = getattr(function, "__code__", None)
        if not isinstance(code, CodeType):
            return Written(type(call).__qualname__, bound + repr(type(call)))
        if code not in self._read:
            self._read[code] = self._written(function, code)
        found = self._read[code]
        return msgspec.structs.replace(found, form=bound + found.form) if bound else found

    def _written(self, function: Any, code: CodeType) -> Written:
        name = f"{function.__module__}.{function.__qualname__}"
        file, line = _file(function, code), code.co_firstlineno
        parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        tree = self._trees(function, code).get((line, code.co_name))
        if tree is None:
            return Written(name, f"bytecode {_bytecode(code)}", None, file, line, parameters)
        origins = _origins(function, tree)
        return Written(name, normal_form(tree), tree, file, line, parameters, origins)

    def _trees(self, function: Any, code: CodeType) -> dict[tuple[int, str], ast.AST | None]:
        """Give the functions of a file by first line and name; each file is parsed once."""
        file = code.co_filename
        if file not in self._files:
            lines = linecache.getlines(file, getattr(function, "__globals__", None))
            self._files[file] = _functions_of("".join(lines))
        return self._files[file]


@functools.lru_cache(maxsize=16)  # many an app in a program is of one file: tests make hundreds
def _functions_of(text: str) -> dict[tuple[int, str], ast.AST | None]:
    try:
        return _functions(_parsed(text))
    except (SyntaxError, ValueError, RecursionError):
        return {}


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SystemError:
        # Python before 3.11.8 counts the depth wrongly where two threads parse at once.
        return ast.parse(text)


def _functions(module: ast.Module) -> dict[tuple[int, str], ast.AST | None]:
    """Find all functions; None stands for several lambdas of one line, which look alike."""
    found: dict[tuple[int, str], ast.AST | None] = {}
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                # The code of a decorated function begins at its first decorator.
                line = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                found[line, name] = node
            case ast.Lambda():
                key = (node.lineno, "<lambda>")
                found[key] = None if key in found else node
            case _:
                pass
    return found


def _function(call: Any) -> Any:
    """Return the function that would run, past partials, decorators and methods."""
    while isinstance(call, functools.partial):
        call = call.func
    call = inspect.unwrap(getattr(call, "__func__", call))
    return call if hasattr(call, "__code__") else getattr(type(call), "__call__", call)  # noqa: B004


def _file(function: Any, code: CodeType) -> str:
    """Name a file by its module, so that it is the same wherever it lies."""
    last = PurePath(code.co_filename).name
    module = str(function.__module__ or "__main__")
    if module == "__main__":
        return last
    path = module.replace(".", "/")
    return f"{path}/{last}" if last == "__init__.py" else f"{path}.py"


def _bytecode(code: CodeType) -> str:
    inner = [_bytecode(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    text = f"{code.co_code.hex()}{code.co_names}{inner}"
    return hashlib.sha256(text.encode()).hexdigest()


def _names(tree: ast.AST | None) -> set[str]:
    nodes = () if tree is None else ast.walk(tree)
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _visible(function: Any) -> dict[str, Any]:
    """Give what the names of a function stand for: globals, and what it closes over."""
    found = dict(getattr(function, "__globals__", {}))
    cells = getattr(function, "__closure__", None) or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def _same_file(call: Any, written: Written) -> Iterator[FunctionType]:
    """Give the functions of the same file that *written* names, in the order of their names."""
    function = _function(call)
    if not isinstance(function, FunctionType):
        return
    visible = _visible(function)
    named = [visible.get(name) for name in written.names]
    if isinstance(call, MethodType):
        named += [_own_method(type(call.__self__), name) for name in sorted(_of_self(written.tree))]
    for value in named:
        inner = inspect.unwrap(value) if isinstance(value, FunctionType) else None
        here = function.__code__.co_filename
        if isinstance(inner, FunctionType) and inner.__code__.co_filename == here:
            yield inner


def _own_method(owner: type, name: str) -> Any:
    return inspect.getattr_static(owner, name, None)


def _of_self(tree: ast.AST | None) -> set[str]:
    nodes = () if tree is None else ast.walk(tree)
    return {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def _origins(function: Any, tree: ast.AST) -> dict[str, str]:
    visible = {**vars(builtins), **_visible(function)}
    found = {name: _origin(visible[name]) for name in _names(tree) if name in visible}
    return {name: origin for name, origin in found.items() if origin is not None}


_HOMES = {"_io": "io", "pathlib._local": "pathlib"}
"""Where Python 3.13 says that things are, and where others do."""


def _origin(value: Any) -> str | None:
    """Name what a global stands for by where it comes from."""
    if isinstance(value, ModuleType):
        return value.__name__
    name = getattr(value, "__qualname__", None)
    if not isinstance(name, str):
        return None
    home = getattr(value, "__module__", None)
    if home is None:
        owner = getattr(value, "__self__", None)
        home = (owner if isinstance(owner, type) else type(owner)).__module__
    home = _HOMES.get(home, home)
    return f"{home}.{name.replace('Random.', '')}"

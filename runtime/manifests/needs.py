"""What a handler needs of its runtime, as far as its source shows (MG-6).

`gctx.modules.stock.left` is followed through names it is given, and through `getattr` with
a constant. What leads anywhere else, such as a module handed to another function, is told
as dynamic: it may be anything.
"""

import ast
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

Path: TypeAlias = tuple[str, ...]
_CONTEXTS = ("gctx", "lctx")
_MODULES: Path = ("gctx", "modules")
_SECRETS: Path = ("gctx", "secrets")
_NAMING = frozenset({"get", "get_many", "has", "publish", "request"})


class Seen(msgspec.Struct, frozen=True):
    """What the source shows."""

    modules: tuple[str, ...] = ()
    """`stock.left`, sorted."""
    secrets: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    """Of the app; those of a request concern nobody else."""
    dynamic: tuple[int, ...] = ()
    """Lines where what is needed cannot be seen."""


def see(trees: Iterable[ast.AST], known: Iterable[str] = ()) -> Seen:
    """Look through the functions of a handler.

    Args:
        trees: of the handler, its hooks, and the functions they reach.
        known: names of functions among *trees*: `gctx` may be handed to them.
    """
    found = [_Function(tree, frozenset(known)) for tree in trees]
    for each in found:
        each.look()
    return Seen(
        modules=tuple(sorted({name for each in found for name in each.modules})),
        secrets=tuple(sorted({name for each in found for name in each.secrets})),
        topics=tuple(sorted({name for each in found for name in each.topics})),
        dynamic=tuple(sorted({line for each in found for line in each.dynamic})),
    )


class _Function:
    def __init__(self, tree: ast.AST, known: frozenset[str]) -> None:
        self.tree = tree
        self.known = known
        self.names: dict[str, frozenset[Path]] = {name: frozenset({(name,)}) for name in _CONTEXTS}
        """What each name may stand for, where the look has come to."""
        self.modules: set[str] = set()
        self.secrets: set[str] = set()
        self.topics: set[str] = set()
        self.dynamic: set[int] = set()

    def look(self) -> None:
        """Fill in what is there, statement by statement."""
        body = getattr(self.tree, "body", None)
        for statement in body if isinstance(body, list) else [self.tree]:
            if isinstance(statement, ast.Assign):
                self._uses_in(statement)
                self._replace(statement)
            else:
                # Within it the order is not followed: a name may stand for all it is given.
                self._follow(statement)
                self._uses_in(statement)

    def _replace(self, node: ast.Assign) -> None:
        paths = self._paths(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.names[target.id] = paths

    def _follow(self, statement: ast.AST) -> None:
        assigned = [node for node in ast.walk(statement) if isinstance(node, ast.Assign)]
        # A name may stand for what another name stands for: one round for each will do.
        for _ in assigned:
            for node in assigned:
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        before = self.names.get(target.id, frozenset())
                        self.names[target.id] = before | self._paths(node.value)

    def _uses_in(self, statement: ast.AST) -> None:
        parents = {
            child: node for node in ast.walk(statement) for child in ast.iter_child_nodes(node)
        }
        for node in ast.walk(statement):
            if isinstance(node, ast.expr):
                for path in self._paths(node):
                    self._use(path, node, parents)

    def _paths(self, node: ast.expr) -> frozenset[Path]:
        """Give what *node* may stand for; nothing if that does not begin at a context."""
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                return self.names.get(name, frozenset())
            case ast.Attribute(value=inner, attr=name, ctx=ast.Load()):
                return frozenset((*path, name) for path in self._paths(inner))
            case ast.Call(
                func=ast.Name(id="getattr"), args=[inner, ast.Constant(value=str(name)), *_]
            ):
                return frozenset((*path, name) for path in self._paths(inner))
            case _:
                return frozenset()

    def _use(self, path: Path, node: ast.expr, parents: Mapping[ast.AST, ast.AST]) -> None:
        parent = parents.get(node)
        if path[:2] == _MODULES and len(path) == 4:
            self.modules.add(f"{path[2]}.{path[3]}")
        elif path[-1] in _NAMING and _is_called(parent, node):
            self._named(path, parent, node)
        elif self._is_open(path) and not self._goes_on(node, parent):
            self.dynamic.add(node.lineno)

    @staticmethod
    def _is_open(path: Path) -> bool:
        """Say whether from *path* one may get at any module."""
        return path == ("gctx",) or (path[:2] == _MODULES and len(path) < 4)

    def _named(self, path: Path, call: ast.AST | None, node: ast.expr) -> None:
        into = self.secrets if path[:2] == _SECRETS and path[-1] != "publish" else None
        if path in {("gctx", "publish"), ("gctx", "request")}:
            into = self.topics
        if into is None or not isinstance(call, ast.Call):
            return
        first = call.args[0] if call.args else None
        listed = first.elts if isinstance(first, ast.List | ast.Tuple | ast.Set) else [first]
        named = [_text(each) for each in listed]
        if named and None not in named:
            into.update(each for each in named if each is not None)
        else:
            self.dynamic.add(node.lineno)

    def _goes_on(self, node: ast.expr, parent: ast.AST | None) -> bool:
        """Say whether what is done with *node* can be followed."""
        match parent:
            case ast.Attribute():
                return True
            case ast.Assign(targets=targets):
                return all(isinstance(target, ast.Name) for target in targets)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(), *_]):
                return True
            case ast.Call(func=ast.Name(id=name)) if name in self.known:
                return isinstance(node, ast.Name) and node.id == "gctx"
            case ast.keyword(arg="gctx"):
                return True
            case _:
                return False


def _text(node: ast.AST | None) -> str | None:
    """Return the text that stands there, if one does."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def _is_called(parent: ast.AST | None, node: ast.expr) -> bool:
    return isinstance(parent, ast.Call) and parent.func is node

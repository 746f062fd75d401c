"""Finds what would not happen again: clock, chance, network, files, the order of a set.

A handler that takes these from its contexts can be run again from its record; one that
takes them past its contexts cannot. The source shows most of it; what goes through other
files or packages it does not show.
"""

import ast
from collections.abc import Iterator, Mapping

import msgspec

_NOW = "Take the time from lctx.now(): it is recorded and read back."
_CHANCE = "Take chance from lctx.random(): the request's seed decides it."
_ID = "Take ids from lctx.uuid(): the request's seed decides them."
_OUTSIDE = "Put it into a module and call gctx.modules: the answer is recorded."
_SLEEP = "Wait with lctx.sleep(): it is recorded, and blocks nobody."
_CONFIG = "Take settings from gctx.config: it is recorded which were in force."
_ORDER = "Iterate over sorted(…): a set has another order in another process."

_EXACT: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns",
            "time.perf_counter", "time.perf_counter_ns", "time.process_time", "time.localtime",
            "time.gmtime", "time.ctime", "time.strftime", "datetime.datetime.now",
            "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
        ),
        ("reads a clock", _NOW),
    ),
    "time.sleep": ("blocks", _SLEEP),
    **dict.fromkeys(("uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7"), ("makes an id", _ID)),
    **dict.fromkeys(("os.urandom", "os.getrandom"), ("takes chance", _CHANCE)),
    **dict.fromkeys(("os.getenv", "os.environ"), ("reads the environment", _CONFIG)),
    **dict.fromkeys(("builtins.open", "io.open", "os.open"), ("opens a file", _OUTSIDE)),
    **dict.fromkeys(
        ("os.listdir", "os.scandir", "os.walk", "os.remove", "os.rename", "os.mkdir", "os.stat"),
        ("touches files", _OUTSIDE),
    ),
    **dict.fromkeys(("os.system", "os.popen"), ("runs a program", _OUTSIDE)),
}  # fmt: skip
_ROOTS: Mapping[str, tuple[str, str]] = {
    "random": ("takes chance", _CHANCE),
    "secrets": ("takes chance", _CHANCE),
    "numpy.random": ("takes chance", _CHANCE),
    **dict.fromkeys(
        (
            "socket", "ssl", "urllib.request", "http.client", "ftplib", "smtplib", "httpx",
            "requests", "aiohttp", "urllib3", "grpc", "websockets",
        ),
        ("uses the network", _OUTSIDE),
    ),
    **dict.fromkeys(("shutil", "tempfile", "sqlite3"), ("touches files", _OUTSIDE)),
    "subprocess": ("runs a program", _OUTSIDE),
}  # fmt: skip
_SEEDED = frozenset({"random.Random"})
_FILE_METHODS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes"})
_ORDERED = frozenset({"list", "tuple", "enumerate", "iter", "next"})


class Finding(msgspec.Struct, frozen=True):
    """One place that would not happen again."""

    line: int
    what: str
    """`time.time reads a clock`."""
    remedy: str


def find(tree: ast.AST, origins: Mapping[str, str]) -> list[Finding]:
    """Look through a function.

    Args:
        tree: its syntax tree, with the lines of its file.
        origins: what its global names stand for: `{"dt": "datetime"}`.
    """
    names = {**origins, **_imported(tree)}
    sets = _names_of_sets(tree)
    found = [*_calls(tree, names), *_orders(tree, sets)]
    return sorted(set(found), key=lambda each: (each.line, each.what))


def _imported(tree: ast.AST) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                name = each.asname or each.name.split(".")[0]
                found[name] = each.name if each.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return found


def _dotted(node: ast.expr, names: Mapping[str, str]) -> str | None:
    match node:
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(value=inner, attr=attr):
            before = _dotted(inner, names)
            return None if before is None else f"{before}.{attr}"
        case _:
            return None


def _calls(tree: ast.AST, names: Mapping[str, str]) -> Iterator[Finding]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func):
                dotted = _dotted(func, names)
                wrong = None if dotted is None else told(dotted)
                if wrong is not None:
                    yield Finding(node.lineno, f"{dotted} {wrong[0]}", wrong[1])
                elif isinstance(func, ast.Attribute) and func.attr in _FILE_METHODS:
                    yield Finding(node.lineno, f".{func.attr} touches files", _OUTSIDE)
            case ast.Attribute() if _dotted(node, names) == "os.environ":
                yield Finding(node.lineno, "os.environ reads the environment", _CONFIG)
            case _:
                pass


def told(dotted: str) -> tuple[str, str] | None:
    """Say what is wrong with calling *dotted*, `time.time`, and what to do; None: nothing."""
    if dotted in _EXACT:
        return _EXACT[dotted]
    if dotted in _SEEDED:
        return None
    parts = dotted.split(".")
    heads = (".".join(parts[: n + 1]) for n in range(len(parts)))
    return next((_ROOTS[head] for head in heads if head in _ROOTS), None)


def _names_of_sets(tree: ast.AST) -> frozenset[str]:
    """Give the names that stand for a set and for nothing else."""
    sets: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            (sets if _is_set(node.value, frozenset()) else others).update(names)
    return frozenset(sets - others)


def _is_set(node: ast.expr, sets: frozenset[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in {"set", "frozenset"}
        case ast.Name(id=name):
            return name in sets
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub(), right=right):
            return _is_set(left, sets) or _is_set(right, sets)
        case _:
            return False


def _orders(tree: ast.AST, sets: frozenset[str]) -> Iterator[Finding]:
    indifferent = {
        generator
        for node in ast.walk(tree)
        if isinstance(node, ast.SetComp)
        for generator in node.generators
    }
    for node in ast.walk(tree):
        over: ast.expr | None = None
        match node:
            case ast.For(iter=each) | ast.AsyncFor(iter=each):
                over = each
            case ast.comprehension(iter=each) if node not in indifferent:
                over = each
            case ast.Call(func=ast.Name(id=name), args=[each, *_]) if name in _ORDERED:
                over = each
            case ast.Starred(value=each, ctx=ast.Load()):
                over = each
            case _:
                pass
        if over is not None and _is_set(over, sets):
            yield Finding(over.lineno, "the order of a set is not always the same", _ORDER)

"""Manifests whose names, types and texts are as odd as they may be, and where calls of them go."""

import ast
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runtime.codegen import Rendered, render, syntax
from runtime.codegen.bundle import Declarations
from runtime.codegen.operations import service
from runtime.codegen.python_calls import signature
from runtime.codegen.python_types import IMPORTS
from runtime.codegen.selection import select
from runtime.codegen.syntax import Param, call, expr
from runtime.manifests import HandlerManifest
from tests.generated.odd_app import Dog
from tests.runtime.codegen.manifests import manifest
from tests.runtime.schemas import schemas

EXECUTED: list[str] = []
"""What drawn text did, if it was run as code."""
CANARY = "__import__('tests.generated.drawing').generated.drawing.EXECUTED.append('run')"
TEXTS = (
    "", "says */ and \"\"\" and '''", "ends with a backslash \\",
    f"\n{CANARY}\n", f'"""\n{CANARY}\n"""',
    f"*/ {CANARY} /*", "\u202eright to left\u2028", "${1+1} `x` {0} %s",
)  # fmt: skip
HANDLERS = (
    "import", "class", "self", "raw", "close", "list", "None", "__init__", "a-b", "a_b", "aB",
    "1st", "-", "get-things", "constructor", "type", "print", "await", "_", "calls", "Client",
)  # fmt: skip
PARAMS = ("class", "self", "body", "query", "timeout", "headers", "id", "x", "options", "args")
FIELDS = (
    "class", "self", "odd-name", "__proto__", "'; import os; '", "a\"b", "uuid", "list", "ö", "f 1",
    "f-1", CANARY, "x", "msgspec", "_m", "Made", "1", "from", "None", "$", "__init__",
)  # fmt: skip


@st.composite
def odd_structs(draw: st.DrawFn) -> Any:
    """Draw a class whose fields have odd names, and hold values of any type."""
    names = [n for n in draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4, unique=True))
             if '"' not in n and n.isprintable()] or ["x"]  # fmt: skip
    fields = [
        (f"f{n}", draw(st.sampled_from([int, str, list[Dog], "Self"])), name)
        for n, name in enumerate(names)
    ]
    title = draw(st.sampled_from(["Made", "Class", "list", "Odd", "Client", "Response", "Any"]))
    made: list[Any] = [
        (attribute, int if kind == "Self" else kind, msgspec.field(name=name))
        for attribute, kind, name in fields
    ]
    return msgspec.defstruct(title, made, kw_only=True)


@st.composite
def handlers(draw: st.DrawFn) -> HandlerManifest:
    """Draw a handler."""
    name, method = draw(st.sampled_from(HANDLERS)), draw(st.sampled_from(["POST", "GET", "PUT"]))
    params = draw(st.lists(st.sampled_from(PARAMS), max_size=2, unique=True))
    kinds = [(each, draw(st.sampled_from(["str", "int", "uuid", "date"]))) for each in params]
    path = "/" + "/".join([name.strip("-_") or "x", *(f"{{{n}:{kind}}}" for n, kind in kinds)])
    types = st.one_of(schemas(2).map(lambda each: each.hint), odd_structs(), st.just(Dog))
    made = manifest(
        name,
        method=method,
        path=path,
        version=draw(st.sampled_from([None, "2026-01-01"])),
        body=None if method == "GET" else draw(types),
        answer=draw(st.none() | types),
        query=draw(st.none() | odd_queries()),
        doc=draw(st.sampled_from(TEXTS)),
    )
    return msgspec.structs.replace(made, params=tuple(kinds))


@st.composite
def odd_queries(draw: st.DrawFn) -> Any:
    """Draw the type of a query."""
    names = draw(st.lists(st.sampled_from(FIELDS[:9]), min_size=1, max_size=3, unique=True))
    kinds: list[Any] = [int, str, list[str], bool]
    fields: list[Any] = [
        (f"f{n}", draw(st.sampled_from(kinds)) | msgspec.UnsetType,
         msgspec.field(name=name.replace('"', ""), default=msgspec.UNSET))
        for n, name in enumerate(names)
    ]  # fmt: skip
    return msgspec.defstruct("Asked", fields)


def apart(drawn: Sequence[HandlerManifest]) -> tuple[HandlerManifest, ...]:
    """Give each handler an id and a path of its own, as an app must."""
    found: dict[str, HandlerManifest] = {}
    for each in drawn:
        n, handler = 2, each.handler
        while handler in found:
            handler, n = f"{each.handler}-{n}", n + 1
        path = f"/n{len(found)}{each.path}"
        found[handler] = msgspec.structs.replace(each, handler=handler, path=path)
    return tuple(found.values())


services = st.lists(handlers(), min_size=1, max_size=5).map(apart)


def sdk(manifests: Sequence[HandlerManifest], lang: str = "python") -> Rendered:
    """Generate a client."""
    return render("sdk", lang, declared=Declarations("odd", tuple(manifests)), tool="1")


def many(count: int = 12) -> tuple[HandlerManifest, ...]:
    """Draw many handlers for one app, the same each time."""
    found: list[HandlerManifest] = []

    @settings(max_examples=count, derandomize=True, database=None, deadline=None,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(services)
    def collect(drawn: tuple[HandlerManifest, ...]) -> None:
        found.extend(drawn)

    collect()
    return apart([msgspec.structs.replace(each, path="/" + each.path.split("/", 2)[2])
                  for each in found])  # fmt: skip


def use_site(manifests: Sequence[HandlerManifest], package: str) -> str:
    """Write a module that calls every method, with what the method says it takes and gives."""
    known = service(select(manifests), python=True)
    body: list[ast.stmt] = [
        *IMPORTS,
        ast.Import([ast.alias("collections.abc", "_abc")]),
        syntax.imported(package, {"types": "_types", "Client": None}),
    ]
    for n, operation in enumerate(known.operations):
        made = signature(operation)
        named = [Param(each.name, each.hint) for each in (*made.params, *made.keywords)]
        given_ = {each.name: expr(each.name) for each in named}
        done = call(f"client_.{operation.name}", **given_)
        returned: ast.stmt = ast.Expr(done) if operation.gets == "nothing" else ast.Return(done)
        first = Param("client_", expr("Client"))
        body.append(syntax.function(f"use_{n}", [first, *named], made.returns, [returned]))
    return syntax.module("", body)

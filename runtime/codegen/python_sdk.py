"""A Python client as files: types, calls, two clients, and what every client needs (CG-6)."""

import ast
import importlib.resources
import re
from collections.abc import Sequence

from runtime.codegen import syntax
from runtime.codegen.operations import Operation, Service
from runtime.codegen.python_calls import CALLS_IMPORTS, calls_module, signature
from runtime.codegen.python_types import IMPORTS, struct
from runtime.codegen.syntax import Param, call, const, either, expr, index

_COPIED = ("calls", "errors", "opening", "sending")
_OURS = re.compile(r"^from runtime\.codegen\.client\.(\w+) import", re.MULTILINE)
_TIMEOUT = Param("timeout", either([expr("float"), const(None)]), const(None))
_HEADERS = Param("headers", either([index("_abc.Mapping", "str", "str"), const(None)]), const(None))
_RAISES = (
    "ApiError", "BadRequest", "Conflict", "ConnectionFailed", "ContractViolation", "Forbidden",
    "Gone", "NotFound", "RateLimited", "SdkError", "ServerError", "Timeout", "Unauthorized",
    "Unavailable", "ValidationFailed",
)  # fmt: skip


def python_sdk(service: Service, header: str) -> dict[str, str]:
    """Give the files of a package, by name.

    Args:
        service: what is called.
        header: first lines of each file, without a comment sign.
    """
    head = "".join(f"# {line}\n" for line in header.splitlines())
    made = {
        "__init__.py": syntax.module(head, _door()),
        "client.py": syntax.module(head, _clients(service.operations)),
        "operations.py": syntax.module(head, calls_module(service)),
        "types.py": syntax.module(head, types_module(service)),
        "py.typed": head,
    }
    return {**made, **{f"{name}.py": head + _copied(name) for name in _COPIED}}


def types_module(service: Service) -> list[ast.stmt]:
    """Give the statements of the module of types."""
    classes = service.class_names
    body = [*syntax.said("What is sent, and what comes back."), *IMPORTS]
    body += [struct(named, classes) for named in service.catalogue.classes]
    return body


def _copied(name: str) -> str:
    text = (
        importlib.resources.files("runtime.codegen.client")
        .joinpath(f"{name}.py")
        .read_text("utf-8")
    )
    return _OURS.sub(r"from .\1 import", text)


def _door() -> list[ast.stmt]:
    listed = sorted(["Answer", "AsyncClient", "Client", "types", *_RAISES])
    return [
        *syntax.said("A client; see `Client` and `AsyncClient`."),
        syntax.imported(None, {"types": None}, 1),
        syntax.imported("calls", {"Answer": None}, 1),
        syntax.imported("client", {"AsyncClient": None, "Client": None}, 1),
        syntax.imported("errors", dict.fromkeys(_RAISES), 1),
        syntax.assign("__all__", const(listed)),
    ]


def _clients(operations: Sequence[Operation]) -> list[ast.stmt]:
    body = [*syntax.said("The clients: a method for each handler."), *CALLS_IMPORTS]
    body.append(syntax.imported(None, {"operations": "_operations", "sending": "_sending"}, 1))
    for is_async in (False, True):
        body += [_raw(operations, is_async=is_async), _client(operations, is_async=is_async)]
    return body


def _raw(operations: Sequence[Operation], *, is_async: bool) -> ast.stmt:
    kind = "Async" if is_async else ""
    keep = ast.Assign(
        [ast.Attribute(expr("self"), "_sender", ast.Store())], expr("sender"), lineno=0
    )
    begin = syntax.function(
        "__init__",
        [Param("sender", expr(f"_sending.{kind}Sender"))],
        const(None),
        [keep],
        method=True,
    )
    body = syntax.said("The same methods; their answers have status and headers, too.")
    body.append(begin)
    body += [_method(each, is_async=is_async, is_raw=True) for each in operations]
    return syntax.klass(f"{kind}RawClient", [], body)


def _client(operations: Sequence[Operation], *, is_async: bool) -> ast.stmt:
    kind = "Async" if is_async else ""
    raw = syntax.function(
        "raw",
        [],
        expr(f"{kind}RawClient"),
        [
            *syntax.said("The same methods; their answers have status and headers, too."),
            ast.Return(call(f"{kind}RawClient", "self._sender")),
        ],
        method=True,
    )
    if isinstance(raw, ast.FunctionDef):
        raw.decorator_list = [expr("property")]
    body = [raw, *(_method(each, is_async=is_async, is_raw=False) for each in operations)]
    return syntax.klass(f"{kind}Client", [f"_sending.Base{kind}Client"], body)


def _method(operation: Operation, *, is_async: bool, is_raw: bool) -> ast.stmt:
    known = signature(operation)
    given = {each.name: expr(each.name) for each in (*known.params, *known.keywords)}
    asked = call(f"_operations.{operation.name}", **given)
    sent: ast.expr = call("self._sender.send", asked, "timeout", "headers")
    sent = ast.Await(sent) if is_async else sent
    returns = index("_calls.Answer", known.returns) if is_raw else known.returns
    result = sent if is_raw else ast.Attribute(sent, "value", ast.Load())
    discards = not is_raw and operation.gets == "nothing"
    done: list[ast.stmt] = [ast.Expr(sent) if discards else ast.Return(result)]
    return syntax.function(
        operation.name,
        known.params,
        returns,
        [*syntax.said(operation.doc), *done],
        keywords=[*known.keywords, _TIMEOUT, _HEADERS],
        is_async=is_async,
        method=True,
    )

"""Reads what a handler takes and gives from its hints, and compiles it (GT-15, HW-3)."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, get_args, get_origin

import msgspec

from runtime.errors import SignatureError, UnsupportedTypeError
from runtime.facts import Issue
from runtime.gtype import (
    Checker,
    FormReader,
    GType,
    PathType,
    QueryReader,
    Redactor,
    check,
    form_reader,
)
from runtime.ingress.endpoints import Takes
from runtime.ingress.queries import by_name
from runtime.lifecycle.answers import bounded
from runtime.lifecycle.handlers import MAX_ANSWER
from runtime.messages import Fields, Received, Request, Response, ValidationFailed

_BODILESS = frozenset({"GET", "DELETE", "OPTIONS"})
_UNTYPED = object()


class Contract(msgspec.Struct, frozen=True):
    """What a handler takes and gives, compiled."""

    takes: Takes
    parse: Callable[[Received], Request[Any]]
    render: Callable[[object], bytes]
    redact_body: Callable[[bytes], Any]
    redact_answer: Callable[[bytes], Any]
    types: tuple[Any, ...]
    """The hints of body and answer that were declared."""
    query_type: GType | None
    body_type: GType | None
    """None: any, or none."""
    answer_type: GType | None
    empty: bool
    """It declares that its answers have no body."""
    sensitive: tuple[str, ...]
    """`body /card`: what is not recorded."""
    warnings: tuple[str, ...]
    """Where its types come near a limit."""
    media: str = "application/json"
    """Of the answer."""
    hidden_query: frozenset[str] = frozenset()
    """Fields of the query that are never recorded."""
    needs_keyring: tuple[str, ...] = ()
    """Where its types have what is hashed or sealed."""
    factories: Mapping[str, Callable[[], Any]] = {}
    """What makes the defaults of fields that clients may leave out, by place."""
    forms: FormReader | None = None
    """How a form is read into the body; None: no form can hold it."""


def read_contract(
    function: Callable[..., Any],
    *,
    method: str,
    path: Mapping[str, PathType],
    query: Any = None,
    names: Mapping[str, Any] | None = None,
    max_answer: int = MAX_ANSWER,
    record_untyped: bool = True,
) -> Contract:
    """Compile the contract of *function*.

    Args:
        function: the handler.
        method: of its route.
        path: names and types of the path parameters.
        query: type of the query; None: text.
        names: what its hints may name besides the globals of its module.
        max_answer: bytes that an answer may have.
        record_untyped: whether a body or an answer without declared fields is recorded.

    Raises:
        UnsupportedTypeError: a hint that cannot be checked, or names nothing.
    """
    hints = _hints(function, names or {})
    body = _body_hint(function, hints)
    answer = hints.get("return", _UNTYPED)
    takes, decode, redact_body, reads = _reader(body, method)
    render, redact_answer, writes = _renderer(answer, max_answer)
    if not record_untyped:
        redact_body = _nothing if reads is None else redact_body
        redact_answer = _nothing if writes is None else redact_answer
    query_reader = None if query is None else QueryReader(query)
    parse = _parser(path, query_reader, decode)
    asks = None if query_reader is None else query_reader.checker
    sides = (("query", asks), ("body", reads), ("answer", writes))
    return Contract(
        takes=takes,
        parse=parse,
        render=render,
        redact_body=redact_body,
        redact_answer=redact_answer,
        types=tuple(h for h in (body, answer) if h is not _UNTYPED and h is not None),
        query_type=_type_of(asks),
        body_type=_type_of(reads),
        answer_type=_type_of(writes),
        empty=answer is None or answer is types.NoneType,
        sensitive=tuple(f"{n} {path}" for n, side in sides if side for path in side.redact.paths),
        warnings=tuple(line for _, side in sides if side for line in side.warnings),
        media="application/octet-stream" if answer is bytes else "application/json",
        hidden_query=frozenset() if query_reader is None else query_reader.hidden,
        needs_keyring=tuple(
            f"{side} {path}"
            for side, redact in (("body", redact_body), ("answer", redact_answer))
            if isinstance(redact, Redactor)
            for path in redact.needs_keyring
        ),
        factories={p: made for s in (asks, reads) if s for p, made in s.factories.items()},
        forms=_forms(takes, body),
    )


def _forms(takes: Takes, body: Any) -> FormReader | None:
    return form_reader(Any if body is _UNTYPED else body) if takes is Takes.JSON else None


def _type_of(side: Checker[Any] | None) -> GType | None:
    return None if side is None else side.type


def _hints(function: Callable[..., Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve the hints of `req` and of the result; others may name what is not there.

    A handler defined in a function may name what is local to it: *names* and its closure.
    """
    inner = inspect.unwrap(_innermost(function))
    declared = {
        name: hint
        for name, hint in getattr(inner, "__annotations__", {}).items()
        if name in {"req", "return"}
    }
    holder = types.SimpleNamespace(__annotations__=declared)
    try:
        return typing.get_type_hints(
            holder,
            globalns=getattr(inner, "__globals__", {}),
            localns={**names, **_closure(inner)},
            include_extras=True,
        )
    except NameError as error:
        name = getattr(inner, "__qualname__", repr(inner))
        raise UnsupportedTypeError(
            problem=f"A hint of {name} cannot be resolved: {error}.",
            remedy="Import it at module level, outside `if TYPE_CHECKING`.",
        ) from error


def _innermost(target: Any) -> Any:
    while hasattr(target, "func") and hasattr(target, "keywords"):
        target = target.func
    target = getattr(target, "__func__", target)
    return target if hasattr(target, "__code__") else type(target).__call__


def _closure(function: Any) -> dict[str, Any]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    found: dict[str, Any] = {}
    for name, cell in zip(getattr(code, "co_freevars", ()), cells or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def _body_hint(function: Callable[..., Any], hints: Mapping[str, Any]) -> Any:
    """Take the body's type out of `Request[Body]`; None: no body."""
    hint = hints.get("req", _UNTYPED)
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if hint is _UNTYPED or hint is Any or hint is Request:
        return _UNTYPED
    if get_origin(hint) is not Request:
        raise SignatureError(
            problem=f"{getattr(function, '__qualname__', function)} takes req as {hint}.",
            remedy="Write req: Request[Body], with the type of the body.",
        )
    body = get_args(hint)[0]
    if isinstance(body, typing.TypeVar):
        raise UnsupportedTypeError(
            problem=f"The body type {body} is open.", remedy="Write a type in its place."
        )
    return None if body is types.NoneType else _UNTYPED if body is Any else body


def _reader(
    body: Any, method: str
) -> tuple[Takes, Callable[[bytes], Any], Callable[[bytes], Any], Checker[Any] | None]:
    """Give what is taken, how it is decoded, how it is recorded, and its declared type."""
    if body is None or (body is _UNTYPED and method in _BODILESS):
        return Takes.NOTHING, _nothing, _nothing, None
    if body is bytes:
        return Takes.RAW, bytes, _not_json, None
    checked = check(Any if body is _UNTYPED else body)
    decode = _optional(checked) if body is _UNTYPED or _takes_none(body) else checked.decode
    return Takes.JSON, decode, checked.redact, None if body is _UNTYPED else checked


def _takes_none(hint: Any) -> bool:
    return types.NoneType in get_args(hint) or hint is types.NoneType


def _optional(checked: Checker[Any]) -> Callable[[bytes], Any]:
    def decode(raw: bytes) -> Any:
        return checked.decode(raw) if raw else None

    return decode


def _nothing(_raw: bytes) -> None:
    return None


def _not_json(_raw: bytes) -> Any:
    # The record then keeps the beginning of it as text.
    raise ValueError


def _renderer(
    answer: Any, most: int
) -> tuple[Callable[[object], bytes], Callable[[bytes], Any], Checker[Any] | None]:
    if answer is bytes:
        return partial(_render_bytes, most), _not_json, None
    untyped = answer in (_UNTYPED, Any, None, types.NoneType, Response)
    checked = check(Any if untyped else answer, side="response")
    empty = untyped or _takes_none(answer)

    def render(result: object) -> bytes:
        # Nothing to say is 204, not `null` (HW-3).
        if result is None and empty:
            return b""
        return bounded(checked.encode(result), most)

    return render, checked.redact, None if untyped else checked


def _render_bytes(most: int, result: object) -> bytes:
    if not isinstance(result, bytes):
        issue = Issue("", "kind", "bytes", type(result).__name__, "(root): expected bytes.")
        raise ValidationFailed("response", (issue,))
    return bounded(result, most)


def _parser(
    path: Mapping[str, PathType], query: QueryReader | None, decode: Callable[[bytes], Any]
) -> Callable[[Received], Request[Any]]:
    readers = {name: kind.read for name, kind in path.items()}
    no_fields = Fields({})

    def parse(received: Received) -> Request[Any]:
        fields = query_fields = no_fields
        if readers:
            params = received.params
            fields = Fields({name: read(params[name]) for name, read in readers.items()})
        issues: tuple[Issue, ...] = ()
        truncated = False
        if query is not None:
            try:
                query_fields = Fields(query.read(received.query))
            except ValidationFailed as refused:
                issues, truncated = refused.issues, refused.truncated
        elif received.query:
            query_fields = Fields(by_name(received.query))
        try:
            body = decode(received.body)
        except ValidationFailed as refused:
            issues, truncated = (*issues, *refused.issues), truncated or refused.truncated
        if issues:
            raise ValidationFailed("request", issues, truncated=truncated)
        return Request(
            received.method,
            received.path,
            fields,
            query_fields,
            dict(received.headers),
            body,
            received.body,
            received.principal,
        )

    return parse

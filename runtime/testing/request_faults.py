"""What may be wrong with a request of a handler besides its body's values, a fault each (CT-1)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from runtime.gtype import kinds
from runtime.gtype.kinds import Any_
from runtime.manifests import HandlerManifest
from runtime.manifests.promises import NONE
from runtime.routing import parse
from runtime.testing.asking import Asking
from runtime.testing.strategies import CANARY

BAD_ESCAPE = "%zz"
_NOT_TEXT = (
    kinds.Int, kinds.Float, kinds.Bool, kinds.Decimal, kinds.Uuid, kinds.Date, kinds.DateTime,
    kinds.Time, kinds.Duration, kinds.Literal, kinds.Enum, kinds.Null,
)  # fmt: skip
"""Kinds that never read the canary from text."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request, and what has to be answered."""

    what: str
    """In words."""
    change: Callable[[Asking], Asking]
    """Puts it into a request that conforms."""
    status: int = 400
    code: str = "validation-failed"
    pointer: str | None = None
    """Where an issue has to be; None: the code lists none."""

    def __repr__(self) -> str:
        return f"<{self.what}>"


def faults_of(manifest: HandlerManifest) -> list[Fault]:
    """List what can be wrong with the path, query, headers, media type and syntax of a request."""
    return [*_path(manifest), *_query(manifest), *_headers(manifest), *_media(manifest)]


def _path(manifest: HandlerManifest) -> Iterator[Fault]:
    """A segment that is not of its type is no path of the handler (RM-2)."""
    for name, kind in parse(f"{manifest.method} {manifest.path}").parameters.items():
        if kind.name not in {"str", "path"}:
            yield Fault(
                f"{name} in the path is no {kind.name}", _with_path(name), 404, "route-not-found"
            )
        yield Fault(f"{name} in the path is badly escaped", _escaped(name), code="bad-path")


def _query(manifest: HandlerManifest) -> Iterator[Fault]:
    yield Fault("the query is badly escaped", _bad_query, code="query-malformed")
    stored = manifest.query
    if stored is None or not isinstance(stored.root, kinds.Ref):
        return
    for field in stored.objects[stored.root.to].fields:
        at = f"/query/{field.name}"
        if field.required:
            yield Fault(f"{field.name} is left out", _without(field.name), pointer=at)
        if _never_text(field.type):
            yield Fault(f"{field.name} is no value", _replaced(field.name, CANARY), pointer=at)
        if not _is_many(field.type):
            change = _replaced(field.name, CANARY, CANARY)
            yield Fault(f"{field.name} is there twice", change, pointer=at)


def _headers(manifest: HandlerManifest) -> Iterator[Fault]:
    for name in (manifest.promises or NONE).needs:
        pointer = f"/headers/{name}"
        yield Fault(f"header {name} is left out", _without_header(name), pointer=pointer)
    # Of a version that is none, an answer may say the beginning (TR-2): it is no canary.
    for name, value, code in (
        ("timescape-timeout", f"?{CANARY}", "header-malformed"),
        ("timescape-version", "?", "version-malformed"),
    ):
        yield Fault(f"header {name} is malformed", _header(name, value), code=code)
    yield Fault(
        "header traceparent is there twice",
        lambda asking: _header("traceparent", CANARY)(_header("traceparent", CANARY)(asking)),
        code="header-repeated",
    )


def _media(manifest: HandlerManifest) -> Iterator[Fault]:
    if manifest.takes != "json" or manifest.body is None:
        return
    for media in (f"text/{CANARY}", f"application/json; charset={CANARY}"):
        yield Fault(
            f"the body is {media}", _header("content-type", media), 415, "media-unsupported"
        )
    yield Fault("the body is no JSON", _with_raw(f'{{"{CANARY}'.encode()), pointer="")


# --- how a request is changed ---


def _with_path(name: str) -> Callable[[Asking], Asking]:
    return lambda asking: asking.with_path(**{name: CANARY})


def _escaped(name: str) -> Callable[[Asking], Asking]:
    def change(asking: Asking) -> Asking:
        parts = [
            BAD_ESCAPE if part.startswith((f"{{{name}:", f"{{{name}}}")) else part
            for part in asking.path.split("/")
        ]
        return msgspec.structs.replace(asking, path="/".join(parts))

    return change


def _bad_query(asking: Asking) -> Asking:
    target, separator = asking.target, "&" if asking.query else "?"
    path = f"{target}{separator}{CANARY}={BAD_ESCAPE}"
    return msgspec.structs.replace(asking, path=path, query=(), params={})


def _without(name: str) -> Callable[[Asking], Asking]:
    return _replaced(name)


def _replaced(name: str, *values: str) -> Callable[[Asking], Asking]:
    def change(asking: Asking) -> Asking:
        kept = [pair for pair in asking.query if pair[0] != name]
        new = [(name, value) for value in values]
        return msgspec.structs.replace(asking, query=(*kept, *new))

    return change


def _without_header(name: str) -> Callable[[Asking], Asking]:
    return lambda asking: msgspec.structs.replace(
        asking, headers=tuple(pair for pair in asking.headers if pair[0] != name)
    )


def _header(name: str, value: str) -> Callable[[Asking], Asking]:
    """Replace a header field; of `traceparent` there may be more."""

    def change(asking: Asking) -> Asking:
        cleared = asking if name == "traceparent" else _without_header(name)(asking)
        return cleared.with_header(name, value)

    return change


def _with_raw(body: bytes) -> Callable[[Asking], Asking]:
    return lambda asking: msgspec.structs.replace(asking, body=body)


# --- what a type says of text ---


def _never_text(part: Any_) -> bool:
    """Say whether the canary, as text of a query, is refused whatever else there is."""
    return all(
        _never_text(each.item)
        if isinstance(each, kinds.Array)
        else isinstance(each, _NOT_TEXT) and CANARY not in getattr(each, "values", ())
        for each in _members(part)
    )


def _is_many(part: Any_) -> bool:
    return any(isinstance(each, kinds.Array | kinds.Tuple) for each in _members(part))


def _members(part: Any_) -> Iterable[Any]:
    return part.members if isinstance(part, kinds.Union) else (part,)


def at_place(found: str, wanted: str) -> bool:
    """Say whether an issue is at a fault: there, above it or below it; `*` is any name."""
    steps = zip(found.split("/")[1:], wanted.split("/")[1:], strict=False)
    return all(is_ in {was, "*"} for is_, was in steps)

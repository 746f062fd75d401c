"""Handlers as a client sees them, whatever language it is written in."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

import msgspec

from runtime.codegen.catalogue import Catalogue, Scope, types_of
from runtime.codegen.naming import Wanted, methods
from runtime.gtype.kinds import Field, Null, Ref, children
from runtime.gtype.stored import Stored
from runtime.manifests import HandlerManifest
from runtime.routing import parse

Sent = Literal["json", "raw", "nothing"]
Got = Literal["json", "optional", "raw", "any", "nothing"]


class Operation(msgspec.Struct, frozen=True):
    """One handler, as it is called."""

    name: str
    handler: str
    method: str
    path: tuple[tuple[str, str | None], ...]
    """Segments: text, or the name of a parameter and its type."""
    version: str | None
    doc: str
    query: Scope | None
    """None: not declared, anything may be sent."""
    sends: Sent
    body: Scope | None
    """None: nothing, bytes, or anything."""
    gets: Got
    answer: Scope | None
    takes_key: bool = False
    """Whether it knows a call by its idempotency key."""

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        """Names and types of the parameters of the path."""
        return tuple((text, kind) for text, kind in self.path if kind is not None)

    @property
    def pieces(self) -> tuple[tuple[str, str | None], ...]:
        """The path in turn: encoded text, or the type of the next parameter after an empty text."""
        found: list[tuple[str, str | None]] = []
        text = ""
        for segment, kind in self.path:
            text += "/" if kind is not None else f"/{quote(segment, safe='')}"
            if kind is not None:
                found += [(text, None), ("", kind)]
                text = ""
        return (*found, (text, None)) if text else tuple(found)

    @property
    def query_fields(self) -> tuple[Field, ...]:
        """What may be asked for in the query."""
        if self.query is None or not isinstance(self.query.stored.root, Ref):
            return ()
        return self.query.stored.objects[self.query.stored.root.to].fields


class Service(msgspec.Struct, frozen=True):
    """A set of handlers that belong together."""

    operations: tuple[Operation, ...]
    catalogue: Catalogue
    changed: dict[str, str]
    """Names that could not stay, and what they became."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of all types."""
        return tuple(named.name for named in self.catalogue.classes)


def service(chosen: Sequence[HandlerManifest], *, python: bool) -> Service:
    """Read manifests, one of each handler, into what a client calls."""
    catalogue = Catalogue()
    for stored in types_of(chosen):
        catalogue.scope(stored)
    wanted = [Wanted(each.handler, each.method, [n for n, _ in each.params]) for each in chosen]
    names, changed = methods(wanted, python=python)
    made = [_operation(each, name, catalogue) for each, name in zip(chosen, names, strict=True)]
    return Service(tuple(made), catalogue, {**changed, **_numbered(catalogue)})


def _numbered(catalogue: Catalogue) -> dict[str, str]:
    return {wanted: name for name, wanted in catalogue.numbered.items()}


def _operation(each: HandlerManifest, name: str, catalogue: Catalogue) -> Operation:
    gets, answer = _answer(each)
    template = parse(f"{each.method} {each.path}")
    sends: Sent = "raw" if each.takes == "raw" else "json" if each.takes == "json" else "nothing"
    return Operation(
        name=name,
        handler=each.handler,
        method=each.method,
        path=tuple((s.text, None if s.type is None else s.type.name) for s in template.segments),
        version=each.version,
        doc=each.doc,
        query=None if each.query is None else catalogue.scope(each.query),
        sends=sends,
        body=None if each.body is None else catalogue.scope(each.body),
        gets=gets,
        answer=None if answer is None else catalogue.scope(answer),
        takes_key=_takes_key(each),
    )


def _takes_key(each: HandlerManifest) -> bool:
    policy = each.policies.idempotency
    return each.method in {"POST", "PATCH"} if policy is None else policy != "off"


def _answer(each: HandlerManifest) -> tuple[Got, Stored | None]:
    """Say how the answer of success is read."""
    status, stored = min(each.answers, default=(204, None), key=lambda pair: pair[0])
    if each.media != "application/json":
        return "raw", None
    if stored is None:
        return ("nothing" if status == 204 else "any"), None
    may_be_null = any(isinstance(part, Null) for part in (stored.root, *children(stored.root)))
    return ("optional" if may_be_null else "json"), stored

"""Which version of a handler a caller means (TR-1 to TR-5, TR-8).

`resolve` is pure and never raises: it reads a handler's line and the selectors as sent,
and answers with a version or with the reason why there is none.
"""

import re
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from runtime.errors import VersionFormatError
from runtime.timescape.version_ids import VersionId, is_edition

V = TypeVar("V")

SELECTOR_QUERY = ("version", "v")
"""Query parameters that select, in order of precedence."""
SELECTOR_HEADERS = ("timescape-version", "x-api-version")
"""Header fields that select, in order of precedence."""

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,62}", re.ASCII)
_MAX_BYTES = 128
_MAX_ECHO = 32
_FORMS = "an edition (2026-10-01), a version id (tsv:…) or latest"


class Selector(msgspec.Struct, frozen=True):
    """What a caller wrote, and where."""

    source: str
    """query or header."""
    name: str
    """`query version`, `header timescape-version`: for messages."""
    text: str


class Version(msgspec.Struct, Generic[V], frozen=True):
    """A version on the line of its handler."""

    id: VersionId
    edition: str | None
    code: V
    """What runs; opaque here."""


class Line(msgspec.Struct, Generic[V], frozen=True):
    """The versions of one handler that can run, first to newest (TS-2). Never empty."""

    handler: str
    versions: tuple[Version[V], ...]
    absent: frozenset[str] = frozenset()
    """Ids of this handler whose code is not in the app any more."""

    @classmethod
    def of(
        cls, handler: str, versions: Sequence[Version[V]], absent: Sequence[str] = ()
    ) -> "Line[V]":
        """Put *versions* in order: by edition, no edition first, then by id."""
        ordered = sorted(versions, key=lambda v: (v.edition or "", v.id))
        return cls(handler, tuple(ordered), frozenset(absent))


class Refusal(msgspec.Struct, frozen=True):
    """Why no version fits, as it is answered."""

    status: int
    code: str
    detail: str
    remedy: str
    members: dict[str, object] = {}
    """The code's own members of the problem document."""


def resolve(line: Line[V], selectors: Sequence[Selector]) -> Version[V] | Refusal:
    """Say which version *selectors* mean; none means the newest.

    All are resolved: they must mean the same (TR-4). A faulty one gives its own refusal.
    """
    if not selectors:
        return line.versions[-1]
    meant = [(selector, _resolve_one(line, selector)) for selector in selectors]
    for _, answer in meant:
        if isinstance(answer, Refusal):
            return answer
    first = meant[0][1]
    if any(answer != first for _, answer in meant):
        return Refusal(
            400,
            "version-conflict",
            "The request names different versions: "
            + "; ".join(f"{s.name} means {_id(a)}" for s, a in meant)
            + ".",
            "Name the version in one place.",
            {"sources": [s.name for s, _ in meant]},
        )
    return first


def _id(answer: "Version[V] | Refusal") -> str:
    return str(answer.id) if isinstance(answer, Version) else answer.code


def _resolve_one(line: Line[V], selector: Selector) -> Version[V] | Refusal:
    text = selector.text
    if len(text.encode("utf-8", "replace")) > _MAX_BYTES or not text.isascii():
        return _malformed(selector)
    if text == "latest":
        return line.versions[-1]
    if is_edition(text):
        return _by_edition(line, text)
    if text.startswith("tsv:"):
        return _by_id(line, selector)
    if _TAG.fullmatch(text):
        return Refusal(
            404,
            "tag-not-found",
            f"{line.handler} has no tag {text!r}.",
            f"Name {_FORMS}.",
            _latest(line),
        )
    return _malformed(selector)


def _by_edition(line: Line[V], edition: str) -> Version[V] | Refusal:
    """Give the last version whose edition is not after *edition* (TR-3)."""
    if all(v.edition is None for v in line.versions):
        return line.versions[-1]
    for version in reversed(line.versions):
        if version.edition is None or version.edition <= edition:
            return version
    first = line.versions[0].edition
    return Refusal(
        404,
        "version-before-first",
        f"{line.handler} has no version of {edition} or before; its first is of {first}.",
        f"Name {first} or a later date.",
        {"first-available": first, **_latest(line)},
    )


def _by_id(line: Line[V], selector: Selector) -> Version[V] | Refusal:
    try:
        wanted = VersionId.parse(selector.text)
    except VersionFormatError:
        return _malformed(selector)
    for version in line.versions:
        if version.id == wanted:
            return version
    if selector.text in line.absent:
        return Refusal(
            503,
            "version-unavailable",
            f"The code of {wanted} is not in the running app.",
            "Deploy it again, or name another version.",
            _latest(line),
        )
    return Refusal(
        404,
        "version-not-found",
        f"{line.handler} has no version {wanted}.",
        f"Name {_FORMS}.",
        _latest(line),
    )


def _malformed(selector: Selector) -> Refusal:
    echo = selector.text[:_MAX_ECHO].encode("unicode_escape").decode()[:_MAX_ECHO]
    return Refusal(
        400,
        "version-malformed",
        f"The {selector.name} holds {echo!r}, which selects no version.",
        f"Write {_FORMS}.",
    )


def _latest(line: Line[V]) -> dict[str, object]:
    return {"latest": str(line.versions[-1].id)}

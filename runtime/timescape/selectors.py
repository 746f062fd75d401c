"""What a selector may look like, decided by its form alone (TR-1, TR-2)."""

import re
from typing import TypeAlias

import msgspec

from runtime.errors import VersionFormatError
from runtime.timescape.instants import parse_http_date, parse_instant
from runtime.timescape.version_ids import VersionId, is_edition

SELECTOR_QUERY = ("version", "v")
"""Query parameters that select, in order of precedence."""
SELECTOR_HEADERS = ("timescape-version", "x-api-version", "accept-datetime")
"""Header fields that select, in order of precedence."""
DATETIME_HEADER = "accept-datetime"
FORMS = (
    "an edition (2026-10-01), a version id (tsv:…), an instant (2026-10-01T12:00:00Z or @<unix "
    "seconds>), a tag, a tag;at=<instant>, or latest"
)
DATE_FORM = "an HTTP-date (Thu, 01 Oct 2026 12:00:00 GMT)"

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,62}", re.ASCII)
_AT = ";at="
_MAX_BYTES = 128


class Selector(msgspec.Struct, frozen=True):
    """What a caller wrote, and where."""

    source: str
    """query, header, datetime or pin."""
    name: str
    """`query version`, `header timescape-version`: for messages."""
    text: str


class Latest(msgspec.Struct, frozen=True):
    """What is current."""


class Edition(msgspec.Struct, frozen=True):
    """The last version that is not newer than a date."""

    date: str


class Instant(msgspec.Struct, frozen=True):
    """What was current at an instant."""

    at_us: int


class Tag(msgspec.Struct, frozen=True):
    """What a tag points to, now or at an instant."""

    name: str
    at_us: int | None = None


Meaning: TypeAlias = VersionId | Edition | Instant | Tag | Latest


def is_tag(text: str) -> bool:
    """Say whether *text* has the form of a tag."""
    return _TAG.fullmatch(text) is not None


def read(selector: Selector) -> Meaning | None:
    """Say what *selector* asks for; None: it has none of the forms."""
    text = selector.text
    if not text.isascii() or len(text) > _MAX_BYTES:
        return None
    if selector.source == "datetime":
        return _instant(parse_http_date(text))
    return _read(text)


def _read(text: str) -> Meaning | None:
    if text == "latest":
        return Latest()
    if text.startswith("tsv:"):
        return _version_id(text)
    if is_edition(text):
        return Edition(text)
    if is_tag(text):
        return Tag(text)
    tag, at, instant = text.partition(_AT)
    if at:
        at_us = parse_instant(instant)
        return Tag(tag, at_us) if at_us is not None and tag != "latest" and is_tag(tag) else None
    return _instant(parse_instant(text))


def _version_id(text: str) -> VersionId | None:
    try:
        return VersionId.parse(text)
    except VersionFormatError:
        return None


def _instant(at_us: int | None) -> Instant | None:
    return None if at_us is None else Instant(at_us)

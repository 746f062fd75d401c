"""Names of versions: ids and editions (TS-1, TS-2)."""

import datetime as dt
import re
from typing import Self

import msgspec

from runtime.errors import VersionFormatError

EDITION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ID = re.compile(r"tsv:(0|[1-9][0-9]{0,15})-([A-Za-z0-9_-]{1,64})-([0-9]{3,12})", re.ASCII)


class VersionId(msgspec.Struct, frozen=True, order=True):
    """`tsv:<unix seconds>-<handler>-<sequence>`, ordered by time, then sequence."""

    seconds: int
    sequence: int
    """The handler's ordinal, from 1; never used twice."""
    handler: str

    def __str__(self) -> str:
        return f"tsv:{self.seconds}-{self.handler}-{self.sequence:03d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id; the handler stands between the first dash and the last.

        Raises:
            VersionFormatError: it is none.
        """
        found = _ID.fullmatch(text)
        if found is None or (found[3][0] == "0" and len(found[3]) > 3) or int(found[3]) == 0:
            raise VersionFormatError(
                problem=f"{text[:80]!r} is no version id.",
                remedy="Write tsv:<unix seconds>-<handler>-<sequence>, such as tsv:0-get-cart-001.",
            )
        return cls(seconds=int(found[1]), sequence=int(found[3]), handler=found[2])


def is_edition(text: str) -> bool:
    """Say whether *text* is a calendar date, `YYYY-MM-DD`."""
    if EDITION.fullmatch(text) is None:
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def check_edition(text: object) -> str | None:
    """Return an edition as declared; None stays None.

    Raises:
        VersionFormatError: it is no calendar date.
    """
    if text is None:
        return None
    if not isinstance(text, str) or not is_edition(text):
        raise VersionFormatError(
            problem=f"version={text!r} is no edition.",
            remedy='Write a calendar date, version="2026-10-01", or leave it out.',
        )
    return text

"""How far a reader of logs is: values, and their text. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from eventstore.errors import EventStoreError

LAST = 1 << 62
"""No position, revision or epoch is beyond it: databases hold 63 bits, and count on from there."""
_DIGITS = 19


class Mark(msgspec.Struct, frozen=True):
    """A place in one log, between two rows."""

    epoch: int
    """Of the row before; 0 at the beginning."""
    position: int
    """Of the last event before; 0 at the beginning."""
    chain: bytes
    """Of the row before: whoever comes back sees whether it is still the same history."""


class Cursor(msgspec.Struct, frozen=True):
    """How far a reader is, in each log. There is no order across logs."""

    marks: Mapping[UUID, Mark] = {}

    def __str__(self) -> str:
        """Return its text form, which `parse` takes."""
        return ",".join(
            f"{log.hex}.{mark.epoch}.{mark.position}.{mark.chain.hex()}"
            for log, mark in sorted(self.marks.items())
        )

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Return the cursor of a text form.

        Raises:
            EventStoreError: `invalid-cursor`.
        """
        try:
            return cls(_parse_marks(text.split(",") if text else []))
        except ValueError as error:
            problem = f"{text[:80]!a} is not the text of a cursor."
            remedy = "Take one from str(page.cursor)."
            raise EventStoreError("invalid-cursor", problem, remedy, {"text": text}) from error


def us_of(instant: datetime) -> int:
    """Return *instant* in µs since 1970, UTC.

    Raises:
        EventStoreError: `naive-instant`.
    """
    if instant.tzinfo is None or instant.utcoffset() is None:
        problem = f"{instant.isoformat()} is in no time zone, so it is no moment of the log."
        remedy = "Give an aware one: datetime(..., tzinfo=UTC)."
        raise EventStoreError("naive-instant", problem, remedy, {"instant": instant})
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _parse_marks(texts: list[str]) -> dict[UUID, Mark]:
    marks = dict(map(_parse_mark, texts))
    if len(marks) < len(texts):
        raise ValueError(texts)  # which of two places it is at, nobody can say
    return marks


def _parse_mark(text: str) -> tuple[UUID, Mark]:
    log, epoch, position, chain = text.split(".")
    mark = Mark(_parse_number(epoch), _parse_number(position), bytes.fromhex(chain))
    if len(mark.chain) != 32 or len(log) != 32:
        raise ValueError(text)
    return UUID(log), mark


def _parse_number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS or int(text) > LAST:
        raise ValueError(text)
    return int(text)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

"""Which rate limits let fewer requests in than others (BR-45). Pure."""

from collections.abc import Sequence
from typing import Final

_UNITS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def tightens(old: Sequence[str], new: Sequence[str]) -> bool:
    """Say whether one of *new* is tighter than each of *old*; limits as declared, `100/minute`."""
    before = [_read(each) for each in old]
    return any(
        all(count > most or window_s < span_s for count, window_s in before)
        for most, span_s in map(_read, new)
    )


def _read(text: str) -> tuple[int, int]:
    """Return how many, and in how many seconds; of a text that was checked where it was written."""
    count, _, window = text.partition("/")
    times, _, unit = window.rpartition(" ")
    return int(count), int(times or 1) * _UNITS[unit.removesuffix("s")]

"""How a benchmark measures: ours and a peer's in turn, in one run, and the median of the ratios.

These machines are noisy, and an absolute figure means nothing alone; a ratio of two that were
measured side by side means something.
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import msgspec

RUNS = 5
"""Rounds of each pair, after one that does not count."""

Rate = Callable[[], float]
"""Does the work once and gives what was reached, in units a second; more is better."""


class Row(msgspec.Struct, frozen=True):
    """One line of the table."""

    what: str
    peer: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    """Median over the rounds, of ours / theirs."""
    low: float
    high: float
    bar: float | None = None
    """The least ratio that is asked for; None: told, not asked."""
    note: str = ""
    limit: float | None = None
    """The most that ours may be, where less is better and nobody is compared with."""

    @property
    def holds(self) -> bool:
        if self.limit is not None:
            return self.ours <= self.limit
        return self.bar is None or self.ratio >= self.bar


class Missing(msgspec.Struct, frozen=True):
    """A line of the table that could not be measured here."""

    what: str
    reason: str
    holds: bool = True


def compare(
    what: str,
    ours: Rate,
    theirs: Rate,
    *,
    peer: str,
    unit: str,
    bar: float | None = None,
    runs: int = RUNS,
    note: str = "",
) -> Row:
    """Measure both in turn, *runs* times, and give the medians."""
    pairs = []
    for number in range(runs + 1):
        tell(f"{what} against {peer}: round {number} of {runs}")
        gc.collect()
        first = ours()
        gc.collect()
        pairs.append((first, theirs()))
    return row(what, pairs[1:], peer=peer, unit=unit, bar=bar, note=note)


def row(
    what: str,
    pairs: Sequence[tuple[float, float]],
    *,
    peer: str,
    unit: str,
    bar: float | None = None,
    note: str = "",
) -> Row:
    """Sum up rounds of (ours, theirs)."""
    ratios = sorted(a / b for a, b in pairs)
    return Row(
        what,
        peer,
        unit,
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(ratios),
        ratios[0],
        ratios[-1],
        bar,
        note,
    )


def within(what: str, measured: Sequence[float], *, unit: str, limit: float, note: str = "") -> Row:
    """Sum up rounds of something that is to stay below *limit*, compared with nobody."""
    low, high = min(measured), max(measured)
    ours = statistics.median(measured)
    return Row(what, "", unit, ours, 0.0, 0.0, low, high, note=note, limit=limit)


def rate(count: int, work: Callable[[], object]) -> float:
    """Do *work*, which does *count* of something; give how many a second."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def tell(line: str) -> None:
    """Say on stderr how far it is: on one line of a terminal, else on a line of its own."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
    elif line:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()

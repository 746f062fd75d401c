"""Joins neighbouring facts that are alike but for indices (TM-14). Pure.

Ten thousand edits of ten thousand lines are one row, `9 998 x context.set /lines/*/net`. What
somebody looks for is never in such a row: a failure, a snapshot, a gate, and whatever the
caller names, which is where the cursor, a bookmark or a hit is.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence

import msgspec

from debugger.timeline.sentences import place
from debugger.timeline.stops import is_failure
from eventstore import Event

_ALONE = ("gate.", "context.snapshotted")


class Run(msgspec.Struct, frozen=True):
    """Facts that stand in one row."""

    first: int
    """Revision."""
    last: int
    about: str = ""
    """What they are about, with `*` for each index; of a single one ``."""

    @property
    def count(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


def fold(events: Sequence[Event], alone: Collection[int] = ()) -> list[Run]:
    """Return the rows of a history whose facts at the revisions *alone* stand alone."""
    runs: list[Run] = []
    before: tuple[str, str] | None = None
    for revision, event in enumerate(events, 1):
        like = None if revision in alone else likeness(event)
        if like is not None and like == before:
            runs[-1] = Run(runs[-1].first, revision, like[1])
        else:
            runs.append(Run(revision, revision))
        before = like
    return runs


def likeness(event: Event) -> tuple[str, str] | None:
    """Return what neighbours that are joined have in common; None: it is never joined."""
    if event.type.startswith(_ALONE) or is_failure(event):
        return None
    return event.type, _without_indices(place(event))


def _without_indices(about: str) -> str:
    if not about.startswith("/"):
        return about
    steps = about.split("/")[1:]
    return "/" + "/".join("*" if step.isascii() and step.isdecimal() else step for step in steps)


def open_at(runs: Sequence[Run], revision: int) -> list[Run]:
    """Return *runs* so that the fact at *revision* stands alone."""
    at = row_of(runs, revision)
    if not 0 <= at < len(runs) or runs[at].count == 1 or revision < 1:
        return list(runs)
    run = runs[at]
    parts = [
        Run(first, last, run.about if first < last else "")
        for first, last in (
            (run.first, revision - 1), (revision, revision), (revision + 1, run.last),
        )
        if first <= last
    ]  # fmt: skip
    return [*runs[:at], *parts, *runs[at + 1 :]]


def row_of(runs: Sequence[Run], revision: int) -> int:
    """Return the index of the run that holds *revision*."""
    return bisect_left(runs, revision, key=lambda run: run.last)

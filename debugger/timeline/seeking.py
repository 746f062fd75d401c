"""Find the moment that a person means (TM-4).

Each form is read by a function which answers None where the text has another form. The
answer is the nearest moment at or before what was asked, and whether it is exact.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from debugger.errors import BadInputError, NoSuchMomentError
from debugger.timeline.quantities import span_us, time_of_day_us
from debugger.timeline.stops import is_failure
from eventstore import Event
from runtime.request_ids import same_request

FORMS = (
    "Write a number `1729`, `+50`, `-20`, `50%`, a time since the request came `401ms`, "
    "a time of day `12:03:04.3`, `start`, `end`, `failure`, `hook NAME`, `FILE:LINE`, "
    "or the name of a snapshot."
)

Found = tuple[int, bool]
_PLACE = re.compile(r"(.*\D.*):(\d{1,7})", re.ASCII)
_DAY_US = 86_400_000_000


class Seeking:
    """Reads moments of one history.

    Args:
        events: of the request, from its first.
        snapshots: name to moment.
        request_id: of the stream: snapshots are also called `<request id>@<moment>`.
    """

    def __init__(
        self, events: Sequence[Event], snapshots: Mapping[str, int], request_id: str
    ) -> None:
        self._events = events
        self._snapshots = snapshots
        self._request_id = request_id
        # Times may step back between facts of several tasks; moments do not.
        self._times = list(accumulate((event.at_us for event in events), max))
        self._started = self._times[0] if self._times else 0

    def find(self, text: str, revision: int) -> Found:
        """Return the moment *text* means for a cursor at *revision*.

        Raises:
            BadInputError: cannot be read; the remedy names the forms.
            NoSuchMomentError: can be read, but there is none.
        """
        asked = text.strip()
        forms: tuple[Callable[[str, int], Found | None], ...] = (
            self._word, self._number, self._share, self._since, self._time_of_day,
            self._hook, self._snapshot, self._place,
        )  # fmt: skip
        for form in forms:
            found = form(asked, revision)
            if found is not None:
                return found
        problem = f"{asked[:80]!r} is no moment of this request."
        raise BadInputError(problem, FORMS + self._known_snapshots())

    def _clamped(self, revision: int) -> Found:
        nearest = min(max(revision, 0), len(self._events))
        return nearest, nearest == revision

    def _word(self, text: str, revision: int) -> Found | None:
        if text in ("start", "end"):
            return (0 if text == "start" else len(self._events)), True
        if text != "failure":
            return None
        for n, event in enumerate(self._events, 1):
            if is_failure(event):
                return n, True
        problem = "Nothing failed in this request."
        raise NoSuchMomentError(problem, "`end` is its last moment.")

    def _number(self, text: str, revision: int) -> Found | None:
        match = re.fullmatch(r"([+-]?)#?(\d{1,9})", text, re.ASCII)
        if match is None:
            return None
        number = int(match[2])
        if match[1]:
            return self._clamped(revision + (number if match[1] == "+" else -number))
        return self._clamped(number)

    def _share(self, text: str, revision: int) -> Found | None:
        match = re.fullmatch(r"(\d{1,3})%", text, re.ASCII)
        if match is None or int(match[1]) > 100:
            return None
        nearest, rest = divmod(len(self._events) * int(match[1]), 100)
        return nearest, rest == 0

    def _since(self, text: str, revision: int) -> Found | None:
        passed = span_us(text.replace(" ", "")) if text[-1:].isalpha() else None
        return None if passed is None else self._at(self._started + passed)

    def _time_of_day(self, text: str, revision: int) -> Found | None:
        of_day = time_of_day_us(text)
        if of_day is None:
            return None
        day = self._started - self._started % _DAY_US
        if day + of_day < self._started and self._times and day + _DAY_US <= self._times[-1]:
            day += _DAY_US  # the request ran over midnight
        return self._at(day + of_day)

    def _at(self, at_us: int) -> Found:
        nearest = bisect_right(self._times, at_us)
        return nearest, nearest > 0 and self._times[nearest - 1] == at_us

    def _hook(self, text: str, revision: int) -> Found | None:
        match = re.fullmatch(r"hook\s+(\S.*)", text)
        if match is None:
            return None
        name = match[1]
        runs = [
            n
            for n, event in enumerate(self._events, 1)
            if event.type in ("hook.started", "handler.started") and _named(event.key or "", name)
        ]
        if not runs:
            problem = f"No hook {name[:80]!r} ran in this request."
            names = sorted({e.key or "" for e in self._events if e.type == "hook.started"})
            raise NoSuchMomentError(problem, f"Those that ran: {', '.join(names[:20]) or 'none'}.")
        return _nearest(runs, revision), True

    def _snapshot(self, text: str, revision: int) -> Found | None:
        name = text.removeprefix("snapshot ").strip()
        if name in self._snapshots:
            return self._clamped(self._snapshots[name])
        request_id, _, number = name.rpartition("@")
        if same_request(request_id, self._request_id) and number.isascii() and number.isdecimal():
            return self._clamped(int(number[:10]))
        if text.startswith("snapshot "):
            problem = f"There is no snapshot {name[:80]!r} in this request."
            raise NoSuchMomentError(problem, self._known_snapshots().strip())
        return None

    def _place(self, text: str, revision: int) -> Found | None:
        match = _PLACE.fullmatch(text)
        if match is None:
            return None
        file, line = match[1], int(match[2])
        lines: dict[int, list[int]] = {}
        for n, event in enumerate(self._events, 1):
            where, _, number = (event.site or "").rpartition(":")
            if (where == file or where.endswith("/" + file)) and number.isdecimal():
                lines.setdefault(int(number), []).append(n)
        if not lines:
            problem = f"No fact of this request came from {file[:80]!r}."
            raise NoSuchMomentError(problem, "`timescape log` shows where each came from.")
        reached = [known for known in lines if known <= line]
        nearest = max(reached) if reached else min(lines)
        return _nearest(lines[nearest], revision), nearest == line

    def _known_snapshots(self) -> str:
        names = ", ".join(list(self._snapshots)[:20])
        return f" Its snapshots: {names}." if names else " It has no snapshots."


def _named(key: str, name: str) -> bool:
    """Say whether a hook's id is meant by *name*: all of it, or its last part."""
    return key == name or key.endswith("." + name)


def _nearest(rising: Sequence[int], revision: int) -> int:
    """Return the last at or before *revision*, else the first after it."""
    return rising[max(bisect_right(rising, revision) - 1, 0)]

"""Histories of control streams, and what they mean by the plainest reckoning there is.

`Naive` knows the stored names and scans everything for each question: nothing of
`runtime.timescape` is asked.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from eventstore import Event, NewEvent
from runtime import facts, module_facts, version_facts
from tests.strategies import as_events

HANDLER = "post-orders"
ROUTE = "POST /orders"
START_US = 1_790_000_000_000_000
EDITIONS = (None, "2026-03-01", "2026-06-15", "2026-10-01")
TAGS = ("stable", "beta", "default")
MINUTE_US = 60_000_000


def version_id(number: int, handler: str = HANDLER) -> str:
    """Name version *number*, whose second is its number."""
    return f"tsv:{1_790_000_000 + number}-{handler}-{number:03d}"


def deployed(number: int, edition: str | None = None, **more: Any) -> tuple[str, facts.Fact]:
    handler = more.pop("handler", HANDLER)
    fact = version_facts.HandlerDeployed(
        handler, f"POST /{handler}", edition, f"code-{number}", **more
    )
    return version_id(number, handler), fact


def history(*said: tuple[str, facts.Fact] | tuple[str, facts.Fact, int]) -> list[Event]:
    """Give events of keys and facts, a minute apart, or at the minute that stands third."""
    new = [
        NewEvent(each[1].type, each[1], each[0], START_US + _minute(each, n) * MINUTE_US)
        for n, each in enumerate(said)
    ]
    return as_events(new)


def _minute(said: tuple[Any, ...], number: int) -> int:
    return int(said[2]) if len(said) == 3 else number


def at(minute: float) -> int:
    """Give the time of a minute after the beginning."""
    return START_US + round(minute * MINUTE_US)


_STEPS = st.tuples(
    st.sampled_from(
        ["deploy", "deploy", "tag", "tag", "untag", "retire", "share", "share", "other"]
    ),
    st.integers(0, 7),
    st.integers(0, 59),
    st.sampled_from([0, 1, MINUTE_US, 60 * MINUTE_US, -MINUTE_US]),
)
"""What is said next, of which version, which of its forms, and how long after the last."""


def histories(*, most: int = 20, minimum: int = 1) -> st.SearchStrategy[list[Event]]:
    """Draw a control stream of one handler; its clock stands still and steps back at times."""
    return st.lists(_STEPS, min_size=minimum, max_size=most).map(_history_of)


def _history_of(steps: list[tuple[str, int, int, int]]) -> list[Event]:
    at_us, new, count = START_US, [], 0
    for kind, which, form, passed_us in steps:
        at_us += passed_us
        if kind == "deploy" or not count:
            count += 1
            key, fact = _deployed(count, form, at_us)
        else:
            # One in eight speaks of a version that is not there.
            number = which % count + 1 if which else count + 1
            key, fact = _SAID[kind](version_id(number), form, at_us)
        new.append(NewEvent(fact.type, fact, key, at_us))
    return as_events(new)


def _deployed(number: int, form: int, at_us: int) -> tuple[str, facts.Fact]:
    return deployed(
        number,
        EDITIONS[form % 4],
        effective_us=at_us + 90 * MINUTE_US if form % 3 == 2 else None,
        activation=("now", "now", "now", "hold", "edition")[form % 5],
        tags=("beta",) if form // 4 % 3 == 2 else (),
    )


def _retired(key: str, form: int, at_us: int) -> tuple[str, facts.Fact]:
    return key, (
        version_facts.VersionDeactivated("manual"),
        version_facts.VersionReactivated(),
        version_facts.VersionDeprecated(None),
        version_facts.VersionDeprecated(at_us + 100 * MINUTE_US),
    )[form % 4]


def _shared(key: str, form: int, at_us: int) -> tuple[str, facts.Fact]:
    part = 1 + form * 160
    shared = ((version_id(1), part), (key, 10_000 - part))
    parts = (shared, shared, ((key, 10_000),), ((key, part),))[form % 4]
    if len({version for version, _ in parts}) != len(parts):
        parts = ((key, 10_000),)
    return HANDLER, version_facts.TrafficSplitChanged(parts, "salt")


def _other(key: str, form: int, at_us: int) -> tuple[str, facts.Fact]:
    return (
        (HANDLER, module_facts.ModuleRegistered(())),
        ("nonsense", version_facts.VersionTagged("beta")),
        (version_id(1, "nobody"), version_facts.VersionTagged("beta")),
    )[form % 3]


_SAID: dict[str, Callable[[str, int, int], tuple[str, facts.Fact]]] = {
    "tag": lambda key, form, at_us: (key, version_facts.VersionTagged(TAGS[form % 3])),
    "untag": lambda key, form, at_us: (key, version_facts.VersionUntagged(TAGS[form % 3])),
    "retire": _retired,
    "share": _shared,
    "other": _other,
}


class Naive:
    """What a history means, read again from its first fact for every question."""

    def __init__(self, events: list[Event]) -> None:
        self.versions: dict[str, tuple[str, int, int]] = {}
        """Id to edition, number, effective time; in the order of deployment."""
        self.entries: list[tuple[int, int, str]] = []
        self.planned: dict[str, tuple[int, int, str]] = {}
        self.moves: list[tuple[int, str, str | None]] = []
        self.gone: dict[str, bool] = {}
        self.sunset: dict[str, int | None] = {}
        self.split: tuple[tuple[str, int], ...] | None = None
        self.now_us = 0
        for event in events:
            self._hear(event)

    def _hear(self, event: Event) -> None:
        key, fact = event.key or "", event.data
        if not isinstance(fact, module_facts.ModuleRegistered):
            # What the table is not told of does not hold its clock up either (TS-4).
            self.now_us = max(self.now_us, event.at_us)
        if isinstance(fact, version_facts.HandlerDeployed):
            self._deploy(key, fact)
        elif isinstance(fact, version_facts.TrafficSplitChanged):
            self._share(fact)
        elif key in self.versions:
            self._change(key, fact)

    def _deploy(self, key: str, fact: version_facts.HandlerDeployed) -> None:
        last_us = max((each[2] for each in self.versions.values()), default=-1)
        from_us = fact.effective_us
        if from_us is None:
            from_us = max(self.now_us, last_us + 1)
        number = int(key.rpartition("-")[2])
        self.versions[key] = (fact.edition or "", number, from_us)
        if fact.activation == "now":
            self.entries.append((from_us, number, key))
            self.planned[key] = (from_us, number, key)
        self.moves += [(self.now_us, tag, key) for tag in fact.tags]

    def _change(self, key: str, fact: Any) -> None:
        if isinstance(fact, version_facts.VersionTagged):
            self.moves.append((self.now_us, fact.tag, key))
        elif isinstance(fact, version_facts.VersionUntagged):
            if any(tag == fact.tag for _, tag, _ in self.moves):
                self.moves.append((self.now_us, fact.tag, None))
        elif isinstance(fact, version_facts.VersionDeactivated | version_facts.VersionReactivated):
            self.gone[key] = isinstance(fact, version_facts.VersionDeactivated)
            self._call_off(key, on=not self.gone[key])
        elif isinstance(fact, version_facts.VersionDeprecated):
            self.sunset[key] = fact.sunset_us

    def _call_off(self, key: str, *, on: bool) -> None:
        """Take a version that is scheduled out of what comes, or back in."""
        if self.versions[key][2] > self.now_us:
            own = [entry for entry in self.entries if entry[2] == key]
            if not on:
                self.entries = [entry for entry in self.entries if entry not in own]
            elif not own and key in self.planned:
                self.entries.append(self.planned[key])

    def _share(self, fact: version_facts.TrafficSplitChanged) -> None:
        parts = tuple(each for each in fact.parts if each[0] in self.versions)
        if sum(part for _, part in parts) != 10_000:
            return
        if len(parts) > 1:
            self.split = parts
            return
        self.split = None
        from_us = self.now_us
        while any(entry[0] == from_us for entry in self.entries):
            from_us += 1
        self.entries.append((from_us, self.versions[parts[0][0]][1], parts[0][0]))

    # --- questions ---

    def current(self, at_us: int) -> str | None:
        known = [entry for entry in self.entries if entry[0] <= at_us]
        return max(known)[2] if known else None

    def meant(self, tag: str, at_us: int | None, now_us: int) -> str | None:
        """Say what a tag means to a request: moves to what is not seen then do not count (TS-7)."""
        then_us = now_us if at_us is None else min(at_us, now_us)
        named = [
            version
            for moved_us, name, version in self.moves
            if name == tag and (at_us is None or moved_us <= at_us)
        ]
        seen = [v for v in named if v is None or self.versions[v][2] <= then_us]
        return (seen or named or [None])[-1]

    def tagged(self, tag: str, at_us: int | None = None) -> str | None:
        holder = None
        for moved_us, name, version in self.moves:
            if name == tag and (at_us is None or moved_us <= at_us):
                holder = version
        return holder

    def by_edition(self, date: str, now_us: int) -> str | None:
        if all(edition == "" for edition, _, _ in self.versions.values()):
            return self.current(now_us)
        best = None
        for key, (edition, number, from_us) in self.versions.items():
            if edition <= date and from_us <= now_us:
                best = max(best, (edition, number, key)) if best else (edition, number, key)
        return best[2] if best else None

    def fate(self, key: str, now_us: int) -> str:
        """Say what a caller who means *key* gets: it, or a code."""
        sunset = self.sunset.get(key)
        if sunset is not None and sunset <= now_us:
            return "version-sunset"
        return "version-deactivated" if self.gone.get(key) else key

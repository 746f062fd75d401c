"""What a gate matches (GA-2, GA-3). Nothing here waits or reads a clock."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from eventstore import NewEvent, StreamId
from runtime.errors import GateRefusedError
from runtime.facts import Json
from runtime.globs import glob
from runtime.lifecycle.gated import MOST_HOLD_S
from runtime.request_ids import PREFIX

if TYPE_CHECKING:  # who asks for a gate runs nothing
    from runtime.lifecycle.run import Run

OF_REQUESTS = ("route", "version", "principal", "stream")
"""What is known of a request when it begins."""
OF_FACTS = ("hook", "effect", "fact", "line")
MOST_CAP = 20


class Moment(msgspec.Struct, frozen=True):
    """A fact of a running request, for a condition to be asked about."""

    stream: StreamId
    events: Sequence[NewEvent]
    """From the first to the fact; the n-th has revision n."""
    before: Mapping[str, Json]
    """User state before the fact."""
    after: Mapping[str, Json]
    now_us: int


Condition: TypeAlias = Callable[[Moment], bool | str]
"""Says whether it holds; a text: why nobody can say."""
ReadCondition: TypeAlias = Callable[[str], Condition]
"""Reads one; raises an error with `problem` and `remedy` for what it cannot read. The language
belongs to the debugger, so that gates speak as its filters do."""


class Wanted(msgspec.Struct, frozen=True):
    """A gate, as somebody wants it."""

    match: Mapping[str, str] = {}
    """Names of `OF_REQUESTS` and `OF_FACTS` to a text in which `*` and `?` match."""
    when: str = ""
    hold: float = MOST_HOLD_S
    cap: int = 1
    note: bool = False

    def check(self) -> None:
        """Refuse what no gate can be.

        Raises:
            GateRefusedError: `bad-input`, with all that is wrong.
        """
        known = (*OF_REQUESTS, *OF_FACTS)
        odd = [name for name in self.match if name not in known]
        wrong = [
            f"{name[:40]!r} is nothing to match; there are {', '.join(known)}." for name in odd
        ]
        if not self.match and not self.when:
            wrong.append("It matches nothing: give at least one thing, such as a route.")
        if not 0 < self.hold <= MOST_HOLD_S:
            wrong.append(f"A gate holds for more than 0 and at most {MOST_HOLD_S:g} s.")
        if not 1 <= self.cap <= MOST_CAP:
            wrong.append(f"A gate holds 1 to {MOST_CAP} requests at once.")
        if wrong:
            raise GateRefusedError("bad-input", " ".join(wrong))

    @property
    def is_once(self) -> bool:
        """Whether it stops a request once: it names no fact, so that every one fits."""
        return not any(name in self.match for name in OF_FACTS)

    def fits_request(self, run: "Run") -> bool:
        """Say whether the request may be held at all."""
        return all(
            any(fits(self.match[name], each) for each in _of_request(name, run))
            for name in OF_REQUESTS
            if name in self.match
        )

    def fits_fact(self, event: NewEvent) -> bool:
        """Say whether it is a fact that the gate names."""
        return all(
            any(fits(self.match[name], each) for each in _OF_FACT[name](event))
            for name in OF_FACTS
            if name in self.match
        )


def fits(wanted: str, value: str) -> bool:
    """Say whether *value* is what is *wanted*, in any letter case."""
    return glob(wanted).fullmatch(value) is not None


def _keyed(kind: str) -> Callable[[NewEvent], tuple[str, ...]]:
    def names(event: NewEvent) -> tuple[str, ...]:
        if event.key is None or not event.type.startswith(kind):
            return ()
        return event.key, event.key.rpartition(".")[2]

    return names


def _line(event: NewEvent) -> tuple[str, ...]:
    site = event.site
    return () if site is None else (site, site.rpartition("/")[2])


def _of_request(name: str, run: "Run") -> tuple[str, ...]:
    match name:
        case "route":
            return (run.version.route,)
        case "version":
            return run.version.version, run.version.edition or ""
        case "principal":
            return (run.record.state.principal or "anonymous",)
        case _:
            # By whatever its app has ids begin with, and as the tools may call it.
            return run.request_id, f"{PREFIX}-{run.record.stream.hex}"


_OF_FACT: Mapping[str, Callable[[NewEvent], tuple[str, ...]]] = {
    "hook": _keyed("hook."),
    "effect": _keyed("effect."),
    "fact": lambda event: (event.type,),
    "line": _line,
}

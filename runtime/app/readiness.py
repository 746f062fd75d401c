"""Why a process is not ready for requests: each check that failed, with what to do (SD-3, SO-5)."""

from collections.abc import Iterable, Mapping
from typing import Final

from eventstore import Nodes

MOST_OFF_US: Final = 500_000
"""How far a clock may be off: times in facts are those of the process that wrote them."""
CLOCK: Final = "clock"
_WHY: Final[Mapping[str, tuple[str, str, str]]] = {
    "stopping": ("shutting-down", "The process stops.", "Send requests to another one."),
    "startup": ("not-started", "Modules and startup hooks have not run yet.", "Wait for them."),
    "node": (
        "log-unavailable",
        "The process is cut off from the database, and may be taken for gone.",
        "Look whether the database can be reached from here.",
    ),
    "log": (
        "log-unavailable",
        "The log took no facts, and still takes none.",
        "Look whether the store has room and can be written.",
    ),
    "table": (
        "table-unread",
        "The route table cannot be read.",
        "Look whether the store can be reached and read.",
    ),
    "versions": (
        "version-unavailable",
        "Callers who name no version get one whose code is in other processes alone.",
        "Promote the new version, keep the old one in the app, or let the old processes end.",
    ),
    CLOCK: (
        "clock-off",
        "The clock of this machine is {off} s {side} the database's.",
        "Let both follow one time, by NTP; up to 0.5 s are borne.",
    ),
}


def is_clock_off(nodes: Nodes | None) -> bool:
    """Say whether this process reads another time than those it shares a log with."""
    return nodes is not None and abs(nodes.clock_off_us) > MOST_OFF_US


def explained(failing: Iterable[str], nodes: Nodes | None) -> list[dict[str, str]]:
    """Say of each failed check what is wrong and what helps."""
    off_us = 0 if nodes is None else nodes.clock_off_us
    told = {"off": f"{abs(off_us) / 1e6:.1f}", "side": "ahead of" if off_us > 0 else "behind"}
    found = []
    for check in failing:
        code, problem, remedy = _WHY[check]
        said = {"code": code, "problem": problem.format(**told), "remedy": remedy}
        found.append({"check": check, **said})
    return found

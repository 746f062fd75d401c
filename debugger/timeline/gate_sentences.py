"""What happened at gates, in sentences."""

from collections.abc import Callable, Mapping
from typing import Any

from debugger.timeline.printable import printable
from runtime import gate_facts

_HOW = {
    "resumed": "let it go on",
    "edited": "edited it and let it go on",
    "step": "let it go to its next point",
    "failed": "let it fail",
    "forked": "ran a fork of it and let it go on",
    "disarmed": "disarmed the gate, and it goes on",
}


def _hit(fact: gate_facts.GateHit, key: str) -> str:
    point = printable(fact.point)
    if fact.paused:
        return f"The request is held by {key}, after {point}."
    return f"{key} matched after {point} and did not hold it: {printable(fact.reason)}."


def _released(fact: gate_facts.GateReleased, key: str) -> str:
    waited = f"after {fact.waited:.1f} s at {key}"
    if fact.how in _HOW:
        return f"{printable(fact.by) or 'Somebody'} {_HOW[fact.how]}, {waited}."
    return f"It goes on, {waited}: {printable(fact.how)}."


GATE_TELLERS: Mapping[type, Callable[[Any, str], str]] = {
    gate_facts.GateHit: _hit,
    gate_facts.GateReleased: _released,
    gate_facts.GatesOpened: lambda fact, key: f"{key} takes gates at {printable(fact.address)}.",
    gate_facts.GateArmed: lambda fact, key: f"{printable(fact.by)} armed {key}.",
    gate_facts.GateDisarmed: lambda fact, key: f"{key} was disarmed: {printable(fact.how)}.",
}

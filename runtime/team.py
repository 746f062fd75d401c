"""What the processes that serve one app tell each other by its control stream. Pure.

Each tells of itself: which versions it has the code of, which of them do badly, which gates
somebody armed at it. It counts as long as the process lives, which the log does not say: whoever
asks says who lives.
"""

from collections.abc import Collection, Mapping
from typing import Any

from eventstore import Event
from runtime.gate_facts import GateArmed, GateDisarmed
from runtime.health_facts import VersionHealthChanged
from runtime.node_facts import NodeAnnounced

_REMEMBERED = 1_000


class Team:
    """The fold of those facts."""

    def __init__(self) -> None:
        self._code: dict[str, frozenset[str]] = {}
        self._unhealthy: dict[str, set[str]] = {}
        self._gates: dict[str, GateArmed] = {}
        self._disarmed: dict[str, str] = {}

    def add(self, event: Event) -> bool:
        """Go on by one fact; say whether it tells of a process."""
        fact: Any = event.data
        key = event.key or ""
        match fact:
            case NodeAnnounced():
                self._code[key] = frozenset(fact.versions)
            case VersionHealthChanged():
                badly = self._unhealthy.setdefault(fact.instance, set())
                (badly.add if fact.to == "unhealthy" else badly.discard)(key)
            case GateArmed():
                self._gates[key] = fact
            case GateDisarmed():
                self._gates.pop(key, None)
                self._disarmed[key] = fact.how
                if len(self._disarmed) > _REMEMBERED:
                    del self._disarmed[next(iter(self._disarmed))]
            case _:
                return False
        return True

    def forget(self, living: Collection[str]) -> None:
        """Drop what processes said that do not live any more: they never come back."""
        self._code = {node: code for node, code in self._code.items() if node in living}
        self._unhealthy = {node: ids for node, ids in self._unhealthy.items() if node in living}
        self._gates = {name: gate for name, gate in self._gates.items() if gate.node in living}

    def code(self, *, but: str) -> frozenset[str]:
        """Name the versions that processes other than *but* have the code of."""
        return frozenset().union(*(ids for node, ids in self._code.items() if node != but))

    def unhealthy(self, *, but: str) -> frozenset[str]:
        """Name the versions that do badly in a process other than *but*."""
        return frozenset().union(*(ids for node, ids in self._unhealthy.items() if node != but))

    @property
    def disarmed(self) -> Mapping[str, str]:
        """How gates were disarmed lately, by whichever process."""
        return self._disarmed

    def gates(self, *, but: str) -> Mapping[str, GateArmed]:
        """Return the gates that are armed at processes other than *but*, by their ids."""
        return {name: gate for name, gate in self._gates.items() if gate.node != but}

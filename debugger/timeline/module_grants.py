"""Which grants modules have, how often each was used, and which never was (CP-5, MM-7)."""

from collections.abc import Iterable

import msgspec

from eventstore import Event
from runtime import module_facts as facts


class GrantLine(msgspec.Struct, frozen=True):
    """One grant of a module."""

    module: str
    capability: str
    pattern: str
    in_force: bool
    uses: int
    last_us: int | None
    """When it was told that it was used last; None: it never was."""


class _Uses(msgspec.Struct):
    granted: bool | None = None
    """None: nothing was said since its module was registered."""
    uses: int = 0
    last_us: int | None = None


class GrantLines:
    """A fold of the facts about modules."""

    def __init__(self) -> None:
        self._registered: dict[str, set[tuple[str, str]]] = {}
        self._lines: dict[tuple[str, str, str], _Uses] = {}

    def add(self, event: Event) -> None:
        """Go on by one event; those that tell of no grant change nothing."""
        module = event.key or ""
        match event.data:
            case facts.ModuleRegistered(grants=grants):
                self._registered[module] = {(kind, pattern) for kind, pattern in grants}
                for kind, pattern in grants:
                    self._line(module, kind, pattern)
            case facts.CapabilityGranted(capability=kind, pattern=pattern):
                self._line(module, kind, pattern).granted = True
            case facts.CapabilityRevoked(capability=kind, pattern=pattern):
                self._line(module, kind, pattern).granted = False
            case facts.CapabilityUsed(uses=uses):
                for kind, pattern, count in uses:
                    line = self._line(module, kind, pattern)
                    line.uses, line.last_us = line.uses + count, event.at_us
            case _:
                pass

    def _line(self, module: str, kind: str, pattern: str) -> _Uses:
        return self._lines.setdefault((module, kind, pattern), _Uses())

    def lines(self) -> list[GrantLine]:
        """List all grants there are or were, sorted by module, capability and pattern."""
        return [
            GrantLine(*named, self._is_in_force(*named), line.uses, line.last_us)
            for named, line in sorted(self._lines.items(), key=lambda pair: pair[0])
        ]

    def _is_in_force(self, module: str, kind: str, pattern: str) -> bool:
        said = self._lines[module, kind, pattern].granted
        if said is not None:
            return said
        return (kind, pattern) in self._registered.get(module, ())


def grant_lines(events: Iterable[Event]) -> list[GrantLine]:
    """Fold *events*, in the order of the log."""
    fold = GrantLines()
    for event in events:
        fold.add(event)
    return fold.lines()

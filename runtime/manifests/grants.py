"""Which capabilities are in force: a fold of what was registered, granted and revoked (CP-1)."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from runtime.manifests.capabilities import Grant, allows
from runtime.module_facts import CapabilityGranted, CapabilityRevoked

Pairs: TypeAlias = Mapping[tuple[str, str], bool]
"""Kind and pattern to whether it is granted now."""


class Grants:
    """The capabilities of all modules of an app.

    Args:
        registered: what each was granted at its registration.
    """

    def __init__(self, registered: Mapping[str, Sequence[Grant]]) -> None:
        self._said: dict[str, dict[tuple[str, str], bool]] = {
            module: {(each.kind, pattern): True for each in grants for pattern in each.patterns}
            for module, grants in registered.items()
        }

    def add(self, fact: object, module: str) -> None:
        """Go on by one fact about *module*; others than these two change nothing."""
        match fact:
            case CapabilityGranted(capability=kind, pattern=pattern):
                self._said.setdefault(module, {})[kind, pattern] = True
            case CapabilityRevoked(capability=kind, pattern=pattern):
                self._said.setdefault(module, {})[kind, pattern] = False
            case _:
                pass

    def of(self, module: str) -> tuple[tuple[str, str], ...]:
        """Give kind and pattern of all that is in force, sorted."""
        said = self._said.get(module, {})
        return tuple(sorted(pair for pair, granted in said.items() if granted))

    def allow(self, module: str, kind: str, argument: str) -> bool:
        """Say whether *module* may use *argument* now; by default it may not."""
        pairs = self.of(module)
        return allows((Grant(each, (pattern,)) for each, pattern in pairs), kind, argument)

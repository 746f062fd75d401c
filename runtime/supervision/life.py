"""The states of a module, and which follow which (MO-2)."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

State: TypeAlias = Literal["registered", "starting", "ready", "failed", "stopping", "stopped"]

NEXT: Mapping[State, frozenset[State]] = {
    "registered": frozenset({"starting", "stopped"}),
    "starting": frozenset({"ready", "failed", "stopping"}),
    "ready": frozenset({"failed", "stopping"}),
    "failed": frozenset({"starting", "stopping"}),
    "stopping": frozenset({"stopped"}),
    "stopped": frozenset({"starting"}),
}
"""What may come after each."""


class IllegalMove(Exception):
    """A state does not follow from another: a fault of ours."""


def move(state: State, to: State) -> State:
    """Return *to*, if it may follow *state*.

    Raises:
        IllegalMove: it may not.
    """
    if to not in NEXT[state]:
        msg = f"{to} does not follow {state}"
        raise IllegalMove(msg)
    return to

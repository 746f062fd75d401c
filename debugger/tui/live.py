"""What the screens know of gates: who is held, and what is drafted for them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from debugger.session.again import StateEdit
from runtime.gates import Wanted
from runtime.gates.views import Held
from runtime.lifecycle.editing import SetState


class Gates(Protocol):
    """A process that holds requests; see `debugger.session.gates.GateDesk`, whose calls block."""

    def beat(self) -> Held:
        """Say that this debugger lives; return all there is."""
        ...

    def arm(self, wanted: Wanted) -> str:
        """Arm a gate; return its id."""
        ...

    def disarm(self, gate: str) -> Held:
        """Disarm a gate."""
        ...

    def release(self, of: str, how: str, *, edits: Sequence[SetState] = (), fork: str = "") -> str:
        """Let a request go on."""
        ...

    def extend(self, of: str, seconds: float) -> float:
        """Let it be held for longer."""
        ...


class Live:
    """The gates of the process that serves, as last heard.

    Args:
        find: finds who holds requests; asked when gates are first wanted, as nothing is
            dialled before (TM-13). None: nobody can.
    """

    def __init__(self, find: Callable[[], Gates] | None) -> None:
        self._find = find
        self._gates: Gates | None = None
        self.held = Held()
        self._drafts: dict[str, list[StateEdit]] = {}

    @property
    def is_open(self) -> bool:
        """Whether somebody was asked already, who has to hear from us from then on."""
        return self._gates is not None

    @property
    def can(self) -> bool:
        """Whether there may be somebody who holds requests."""
        return self._find is not None

    def gates(self) -> Gates:
        """Return who holds requests. Blocks.

        Raises:
            DebuggerError: nobody is found.
        """
        if self._gates is None:
            assert self._find is not None  # noqa: S101 - `can` was asked
            self._gates = self._find()
        return self._gates

    def forget(self) -> None:
        """Look for who holds requests anew next time: the process may be another."""
        self._gates, self.held = None, Held()

    # --- drafts ---

    def draft(self, pause: str) -> Sequence[StateEdit]:
        """Return what is drafted for a held request."""
        return self._drafts.get(pause, ())

    def edit(self, pause: str, edit: StateEdit) -> None:
        """Draft a value, in place of an earlier one at the same place."""
        kept = [each for each in self.draft(pause) if each.path != edit.path]
        self._drafts[pause] = [*kept, edit]

    def forget_draft(self, pause: str) -> None:
        """Draft nothing any more."""
        self._drafts.pop(pause, None)

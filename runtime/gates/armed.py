"""An armed gate."""

from collections.abc import Callable

from runtime.gates.views import GateView
from runtime.gates.wanted import Condition, Wanted


class Gate:
    """A gate, from its arming on.

    Args:
        name: its id.
        owner: whose heartbeat keeps it armed.
        by: who armed it.
        wanted: what it matches.
        condition: its `when`, read; None: it has none.
        is_own: False: it is armed at another process, which hears of its owner.
    """

    def __init__(
        self,
        name: str,
        owner: str,
        by: str,
        wanted: Wanted,
        condition: Condition | None,
        *,
        is_own: bool = True,
    ) -> None:
        self.is_own = is_own
        self.id = name
        self.owner = owner
        self.by = by
        self.wanted = wanted
        self.condition = condition
        self.hits = 0
        self.places = 0
        """Taken by requests that it holds, or that go to their next point."""
        self.is_armed = True

    def refuses(self, taken: Callable[[], int], most: int) -> str:
        """Say why it holds no request now; ``: it does (GA-5)."""
        if self.wanted.note:
            return "note"
        return "cap" if self.places >= self.wanted.cap or taken() >= most else ""

    def view(self, paused: int) -> GateView:
        """Show it, which holds *paused* requests."""
        of = self.wanted
        return GateView(
            self.id, self.by, of.match, of.when, of.hold, of.cap, of.note, self.hits, paused
        )

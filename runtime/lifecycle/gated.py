"""What may hold a request while it runs: a port."""

from typing import Protocol

MOST_HOLD_S = 300.0
"""For which a request is held at most (GA-6)."""


class Gates(Protocol):
    """What holds one request at its points; see `runtime.gates`, and `runtime.replay.gating`."""

    async def reached(self) -> None:
        """Return once the request may go on from the point of its last fact.

        Raises:
            GateFailedError: somebody wants it to fail here.
        """
        ...

    def close(self) -> None:
        """Let go of whatever is still held, before the request's last fact; twice is once."""
        ...

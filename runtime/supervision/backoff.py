"""How long to wait before the next try."""

import msgspec


class Backoff(msgspec.Struct, frozen=True):
    """Doubling delays with full jitter: each lies anywhere between 0 and its bound."""

    initial_s: float
    cap_s: float

    def bound_s(self, failures: int) -> float:
        """Return the longest delay after *failures* in a row, at least 1."""
        # Above 2**64 the cap holds anyway, and a float would overflow.
        return min(self.initial_s * 2.0 ** min(failures - 1, 64), self.cap_s)

    def delay_s(self, failures: int, chance: float) -> float:
        """Return the delay after *failures* in a row.

        Args:
            failures: at least 1.
            chance: from 0 to 1.
        """
        return self.bound_s(failures) * chance


CALLS = Backoff(0.1, 5.0)
"""Between attempts of a call (RPC-3)."""
RESTARTS = Backoff(0.1, 30.0)
"""Between a crash and the next start (MO-6)."""

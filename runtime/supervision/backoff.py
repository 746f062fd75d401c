"""How long to wait before the next try."""

import math

import msgspec

from runtime.errors import PolicySyntaxError

_LONGEST_S = 3_600.0


class Backoff(msgspec.Struct, frozen=True):
    """Growing delays with full jitter: each lies anywhere between 0 and its bound.

    Args:
        initial: bound of the first delay, in seconds.
        factor: what each bound is of the one before; 1: all are alike.
        cap: the highest bound, in seconds.

    Raises:
        PolicySyntaxError: they are no such numbers.
    """

    initial: float = 0.1
    factor: float = 2.0
    cap: float = 5.0

    def __post_init__(self) -> None:
        if not all(map(_is_number, (self.initial, self.factor, self.cap))) or not (
            0 < self.initial <= self.cap <= _LONGEST_S and self.factor >= 1
        ):
            raise PolicySyntaxError(
                problem=f"{self!r:.120} is no backoff.",
                remedy=f"Write 0 < initial <= cap <= {_LONGEST_S:g} in seconds, and factor >= 1.",
            )

    def bound_s(self, failures: int) -> float:
        """Return the longest delay after *failures* in a row, at least 1."""
        try:
            return min(self.initial * float(self.factor) ** (failures - 1), self.cap)
        except OverflowError:
            return self.cap

    def delay_s(self, failures: int, chance: float) -> float:
        """Return the delay after *failures* in a row.

        Args:
            failures: at least 1.
            chance: from 0 to 1.
        """
        return self.bound_s(failures) * chance


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)


CALLS = Backoff(0.1, 2.0, 5.0)
"""Between attempts of a call (RPC-3)."""
RESTARTS = Backoff(0.1, 2.0, 30.0)
"""Between a crash and the next start (MO-6)."""

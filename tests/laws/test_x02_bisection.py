"""X2: the version that was current at an instant is found in logarithmic time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.timescape.timeline import Entry, entry_at


class Counted(int):
    """A time that counts how often it is compared."""

    count = 0

    def __lt__(self, other: int) -> bool:
        Counted.count += 1
        return int(self) < other

    def __gt__(self, other: int) -> bool:
        Counted.count += 1
        return int(self) > other


def timeline(size: int, step_us: int) -> list[Entry]:
    return [Entry(n * step_us, n, f"v{n}") for n in range(1, size + 1)]


MANY = timeline(10_000, 10)


@pytest.mark.proves("X2", "TS-6")
@given(size=st.integers(1, 10_000), at_us=st.integers(-5, 100_010))
def test_x02_comparisons_grow_with_the_logarithm(size: int, at_us: int) -> None:
    """Seen to fail with a search that looks at every entry."""
    entries = MANY[:size]
    Counted.count = 0

    found = entry_at(entries, Counted(at_us))

    assert Counted.count <= math.ceil(math.log2(size)) + 2
    number = min(at_us // 10, size)
    assert found == (entries[number - 1] if number >= 1 else None)


@pytest.mark.proves("X2", "TS-6")
def test_x02_at_the_boundary_the_newer_holds() -> None:
    entries = timeline(3, 10)

    assert entry_at(entries, 9) is None
    assert [entry_at(entries, at_us) for at_us in (10, 19, 20, 35)] == [
        entries[0],
        entries[0],
        entries[1],
        entries[2],
    ]


@pytest.mark.proves("TS-6")
def test_of_equal_times_the_higher_sequence_holds() -> None:
    entries = [Entry(5, 1, "a"), Entry(5, 2, "b")]

    assert entry_at(entries, 5) == entries[1]

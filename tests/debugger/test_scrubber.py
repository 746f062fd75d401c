"""The bar of a request's time: what it counts, fast, is what counting one by one gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.tui.scrubber import column_of, counts_in


def one_by_one(times: list[int], total: int, cells: int) -> list[int]:
    counts = [0] * cells
    for at in times:
        counts[column_of(at, total, cells)] += 1
    return counts


@pytest.mark.proves("UI-3")
@given(
    times=st.lists(st.integers(0, 3_000), max_size=60).map(sorted),
    total=st.integers(0, 3_000),
    cells=st.integers(1, 120),
)
def test_cells_count_what_counting_one_by_one_gives(
    times: list[int], total: int, cells: int
) -> None:
    """Also where a time lies beyond the total: it belongs to the last cell."""
    assert counts_in(times, total, cells) == one_by_one(times, total, cells)


@pytest.mark.proves("UI-3")
def test_two_facts_at_the_start_and_one_at_the_end() -> None:
    assert counts_in([0, 1, 99], 99, 4) == [2, 0, 0, 1]

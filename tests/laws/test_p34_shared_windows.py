"""P34, for several processes: the row that they share decides as the fold of one does."""

from collections.abc import Iterator, Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import Nodes
from eventstore.sql import open_store
from eventstore.testing import FakeClock, FakeIds, registry
from runtime.ingress.windows import Windows
from runtime.policies import Limit
from tests.postgres import Server

SECOND_US = 1_000_000
LIMITS = (
    (Limit("2/minute", 2, 60),),
    (Limit("3/minute", 3, 60), Limit("1/10 seconds", 1, 10)),
    (Limit("1/10 seconds", 1, 10), Limit("2/minute", 2, 60)),
    (Limit("0/minute", 0, 60),),
)
CALLERS = count()
visits = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 9_999_999, 10_000_000, 59_999_999, 60_000_000]),
        st.sampled_from(LIMITS),
        st.booleans(),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def nodes(postgres: Server) -> Iterator[Nodes]:
    with open_store(
        postgres.upgraded(), mode="join", registry=registry(), clock=FakeClock(), ids=FakeIds()
    ) as store:
        assert store.nodes is not None
        yield store.nodes


def follow(nodes: Nodes, drawn: Sequence[tuple[int, tuple[Limit, ...], bool]]) -> list[bool]:
    key = f"caller {next(CALLERS)}"  # a new one for each example
    windows, now_us, let_in = Windows(), 1_790_000_000 * SECOND_US, []
    for wait_us, limits, charging in drawn:
        now_us += wait_us
        before = windows.ask("handler", "caller", limits, now_us)
        expected = windows.charge("handler", "caller", limits, now_us, charging=charging)
        wanted = [(limit.count, limit.window_us) for limit in limits]
        said = nodes.charge(key, now_us, wanted, charging=charging)
        assert said.charged == (expected.charged is not None)
        for (start_us, used), outcome, limit in zip(said.before, before, limits, strict=True):
            is_open = used > 0 and now_us < start_us + limit.window_us
            assert outcome.remaining == max(
                0, limit.count - (used if is_open else 0) - outcome.allowed
            )
        let_in.append(said.charged)
    return let_in


@pytest.mark.proves("P34", "RL-1", "RL-3", "RL-5")
@given(drawn=visits)
@settings(max_examples=100)
def test_p34_a_shared_row_decides_as_the_fold_of_one_process(
    nodes: Nodes, drawn: list[tuple[int, tuple[Limit, ...], bool]]
) -> None:
    assert len(follow(nodes, drawn)) == len(drawn)


@pytest.mark.proves("RL-3", "RL-5")
def test_all_limits_are_charged_or_none(nodes: Nodes) -> None:
    both = LIMITS[1]
    drawn = [(0, both, True), (0, both, True), (10_000_000, both, True)]
    assert follow(nodes, drawn) == [True, False, True]

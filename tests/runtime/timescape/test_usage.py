"""How versions were used: a fold of what requests left in the log."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import NewEvent, Position, Revision, Row, StreamId
from eventstore.memory import MemoryStore
from runtime import facts
from runtime.context import REQUEST, registry
from runtime.control.usage import Usage, position_at
from runtime.effects import SystemIds
from runtime.policies.keys import KEPT_US
from runtime.policy_facts import PolicyDecided
from runtime.testing import FakeClock
from runtime.timescape.usage import DAY_US, HOUR_US, WEEK_US, UsageFold
from tests.strategies import as_events

NOW_US = 1_790_000_000_000_000
VERSIONS = ("tsv:1-a-001", "tsv:1-a-002")
START = facts.RequestReceived("GET", "GET /a", "a", "/a", "0" * 32)

requests = st.lists(
    st.tuples(
        st.sampled_from([0, 1, HOUR_US, DAY_US - 1, DAY_US, DAY_US + 1, 3 * DAY_US, 6 * DAY_US]),
        st.sampled_from([0, 1, 1_000, HOUR_US]),
        st.sampled_from([(0, None), (1, None), (1, 0)]),
        st.sampled_from([200, 404, 500, 503, None]),
        st.booleans(),
    ),
    max_size=12,
)
"""How long ago it ended, how long it took, what ran and was spoken, its status, one row or two."""


def row(number: int, events: list[NewEvent], first: int = 1, *, closes: bool = True) -> Row:
    told = as_events(events)
    return Row(
        Position(number), StreamId(UUID(int=number)), Revision(first), REQUEST.name, closes,
        told[0].at_us, told[-1].at_us, None, Revision(0), told,
    )  # fmt: skip


def rows_of(number: int, said: Any) -> list[Row]:
    ago_us, took_us, (ran, spoken), status, split = said
    end_us = NOW_US - ago_us
    contract = None if spoken is None else VERSIONS[spoken]
    resolved = facts.VersionResolved(contract=contract)
    begin = [
        NewEvent(START.type, START, "GET /a", end_us - took_us),
        NewEvent(resolved.type, resolved, VERSIONS[ran], end_us - took_us),
    ]
    last: facts.Fact = facts.RequestAborted() if status is None else facts.ResponseSent(status)
    end = [NewEvent(last.type, last, "x", end_us)]
    if split:
        return [row(number, begin, closes=False), row(number, end, first=3)]
    return [row(number, begin + end)]


@pytest.mark.proves("VL-1")
@given(said=requests, forget=st.booleans())
def test_use_is_what_counting_again_gives(said: list[Any], *, forget: bool) -> None:
    fold = UsageFold()
    for number, each in enumerate(said, 1):
        fold.add(rows_of(number, each))
    if forget:
        fold.forget(NOW_US)

    for n, version in enumerate(VERSIONS):
        mine = [each for each in said if n in each[2]]
        use = fold.use(version, NOW_US)
        assert use.day == sum(ago < DAY_US for ago, *_ in mine)
        week = [each for each in mine if each[0] < WEEK_US]
        assert use.week == len(week)
        assert use.errors == sum(each[3] is None or each[3] >= 500 for each in week)
        assert use.mean_us == (sum(each[1] for each in week) // len(week) if week else None)
        assert use.last_us == (max(NOW_US - each[0] for each in mine) if mine else None)
    assert fold.in_flight == frozenset()


@pytest.mark.proves("VL-1", "VL-4")
def test_what_is_recorded_in_part_is_in_flight_and_forks_are_no_use() -> None:
    fold = UsageFold()
    begun, ended = rows_of(7, (0, 5, (1, 0), 200, True))

    fold.add([begun])
    assert fold.in_flight == frozenset(VERSIONS)
    fold.add([ended])
    assert (fold.in_flight, fold.use(VERSIONS[0], NOW_US).day) == (frozenset(), 1)


@pytest.mark.proves("VL-4", "IK-3")
@given(ago_us=st.sampled_from([0, 1, DAY_US - 1, DAY_US, 2 * DAY_US]), policies=st.sampled_from(
    [("idempotency",), ("access", "rate-limit", "idempotency"), ("access",)]
), key=st.sampled_from(["allow", "deny", "replay"]), spoken=st.sampled_from([None, 1]))  # fmt: skip
def test_a_key_counts_for_its_versions_for_as_long_as_it_is_kept(
    ago_us: int, policies: tuple[str, ...], key: str, spoken: int | None
) -> None:
    fold, took = UsageFold(), PolicyDecided(policies)
    begin, resolved, *rest = rows_of(1, (ago_us, 0, (0, spoken), 200, False))[0].events
    claim = NewEvent(took.type, took, key, NOW_US - ago_us)
    told = [NewEvent(e.type, e.data, e.key, e.at_us) for e in (begin, resolved, *rest)]
    fold.add([row(1, [*told[:2], claim, *told[2:]])])

    kept = key == "allow" and "idempotency" in policies and ago_us < KEPT_US
    assert fold.use(VERSIONS[0], NOW_US).keyed == kept
    assert fold.use(VERSIONS[1], NOW_US).keyed == (kept and spoken == 1)


@pytest.mark.proves("VL-1")
@pytest.mark.parametrize("many", [0, 1, 5, 40])
def test_only_what_is_new_enough_is_read(many: int) -> None:
    clock, ids = FakeClock(NOW_US), SystemIds()
    with MemoryStore(registry(), clock, ids) as store:
        for number in range(1, many + 1):
            new = list(rows_of(number, (0, 0, (0, None), 200, False))[0].events)
            at_us = NOW_US + number * HOUR_US
            events = [NewEvent(e.type, e.data, e.key, at_us) for e in new]
            stream = StreamId(ids.uuid7(at_us))
            store.append(stream, events, kind=REQUEST.name, expected=0, close=True).result()
        now_us = NOW_US + many * HOUR_US
        since_us = now_us - 3 * HOUR_US
        usage = Usage(store, since_us)
        assert usage.read_on(now_us)
        expected = min(many, 4)
        assert usage.use(VERSIONS[0], now_us).week == expected
        older = [r for r in store.read_log(limit=256) if r.began_us < since_us]
        ends = [r.position + len(r.events) - 1 for r in older]
        assert position_at(store, since_us) == max(ends, default=0)

"""Hot, warm, cold, retired: what becomes of versions by how they are used."""

from typing import Any

import msgspec
import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event
from runtime.care_facts import PolicyChanged
from runtime.errors import RetirementError, VersionNotFound
from runtime.timescape import RouteTable, fold_table
from runtime.timescape.aging import Judged, change_policy, judge, retirement, status_of
from runtime.timescape.keeping import TABLE_REDUCER
from runtime.timescape.usage import DAY_US, HOUR_US, UNUSED, Use
from runtime.version_facts import Compared, VersionDeactivated, VersionReactivated
from tests.routes import HANDLER, MINUTE_US, Naive, at, deployed, histories, history, version_id

DAY = 24 * 60
"""In minutes."""
FOUR = (
    deployed(1, "2026-03-01"),
    deployed(2, "2026-03-01", diff=(Compared(version_id(1), version_id(2)),)),
    deployed(3, "2026-06-15"),
    deployed(4, "2026-10-01"),
)


def table(*more: Any) -> RouteTable:
    return fold_table(history(*FOUR, *more))


def judged(known: RouteTable, now_us: int, uses: dict[int, Use] | None = None, **more: Any) -> Any:
    named = {version_id(number): use for number, use in (uses or {}).items()}
    found = judge(known, lambda version: named.get(version, UNUSED), now_us, **more)
    return {each.version[-1]: each for each in found}


def retired(*words: Any, **more: Any) -> dict[str, str]:
    return {n: each.retires for n, each in judged(*words, **more).items() if each.retires}


def used(day: int = 0, week: int = 0, last_us: int | None = None) -> Use:
    return Use(day, week, 0, 1_000, last_us)


@pytest.mark.proves("VL-2")
@pytest.mark.parametrize(
    ("use", "minutes", "status"),
    [
        (UNUSED, 7 * DAY, "warm"),
        (UNUSED, 7 * DAY + 1 / 60_000_000, "cold"),
        (used(100, 100, at(30 * DAY)), 30 * DAY, "hot"),
        (used(99, 99, at(30 * DAY)), 30 * DAY, "warm"),
        (used(0, 1, at(30 * DAY)), 37 * DAY, "warm"),
        (used(0, 1, at(30 * DAY)), 37 * DAY + 1, "cold"),
    ],
)
def test_a_version_is_cold_after_a_week_and_hot_by_a_hundred_a_day(
    use: Use, minutes: float, status: str
) -> None:
    known = table()
    routes = known.handlers[HANDLER]

    assert status_of(routes, routes.line[0], use, known.policy, at(minutes)) == status


@pytest.mark.proves("VL-2")
def test_new_thresholds_apply_at_once_and_a_reactivation_is_a_new_beginning() -> None:
    strict = table(("retirement", PolicyChanged(hot=5, idle_s=DAY * 60)))
    again = table(
        (version_id(1), VersionDeactivated("cold"), 8 * DAY),
        (version_id(1), VersionReactivated(), 9 * DAY),
    )

    busy = judged(strict, at(2 * DAY), {2: used(5, 5, at(2 * DAY))})
    assert (busy["1"].status, busy["2"].status) == ("cold", "hot")
    assert judged(again, at(16 * DAY))["1"].status == "warm"
    assert judged(again, at(16 * DAY + 1))["1"].status == "cold"


@pytest.mark.proves("VL-3", "VL-4")
def test_a_cold_version_retires_unless_something_holds_it() -> None:
    found = judged(table(), at(8 * DAY))

    assert {n: (each.retires, each.held) for n, each in found.items()} == {
        "1": ("cold", ""),
        "2": (None, "it is the last of edition 2026-03-01"),
        "3": (None, "it is the last of edition 2026-06-15"),
        "4": (None, "it is current"),
    }
    key, fact = retirement(found["1"], table().policy, "timescape")
    assert (key, fact.reason, fact.requests, fact.window_s) == (version_id(1), "cold", 0, 604_800)


@pytest.mark.proves("VL-4")
def test_a_version_whose_idempotency_keys_are_kept_does_not_go_by_itself() -> None:
    hourly = ("retirement", PolicyChanged(idle_s=3_600))
    now_us = at(8 * DAY)
    keyed = msgspec.structs.replace(used(1, 1, now_us - 2 * HOUR_US), keyed=True)
    free = msgspec.structs.replace(keyed, keyed=False)

    held = judged(table(hourly), now_us, {1: keyed})["1"]
    gone = judged(table(hourly), now_us, {1: free})["1"]
    meant = ((version_id(1), "deactivate"),)
    manual = table(("retirement", PolicyChanged(idle_s=3_600, overrides=meant)))

    assert (held.status, held.retires) == ("cold", None)
    assert held.held == "idempotency keys of it are kept"
    assert (gone.status, gone.retires) == ("cold", "cold")
    assert judged(manual, now_us, {1: keyed})["1"].retires == "manual"


@pytest.mark.proves("VL-3")
@pytest.mark.parametrize(
    ("policy", "more", "gone"),
    [
        ({}, {"in_flight": frozenset({version_id(1)})}, {}),
        ({}, {"spared": frozenset({HANDLER})}, {}),
        ({"excluded": (HANDLER,)}, {}, {}),
        ({"overrides": ((version_id(1), "keep"),)}, {}, {}),
        ({"overrides": ((version_id(3), "deactivate"),)}, {}, {"1": "cold", "3": "manual"}),
        ({"overrides": ((version_id(4), "deactivate"),)}, {}, {"1": "cold"}),
    ],
)
def test_what_is_said_of_a_version_goes_before_its_use(
    policy: Any, more: Any, gone: dict[str, str]
) -> None:
    known = table(("retirement", PolicyChanged(**policy)))

    assert retired(known, at(8 * DAY), **more) == gone


@pytest.mark.proves("VL-3")
@pytest.mark.parametrize(
    ("use", "minutes", "gone"),
    [
        (used(0, 9, at(9 * DAY)), 10 * DAY, {"1": "low-use"}),
        (used(0, 10, at(9 * DAY)), 10 * DAY, {}),
        (used(1, 9, at(10 * DAY)), 10 * DAY, {}),
        (used(0, 9, at(5 * DAY)), 6 * DAY, {}),
    ],
)
def test_little_use_is_of_a_week_and_of_callers_who_lose_nothing(
    use: Use, minutes: int, gone: dict[str, str]
) -> None:
    uses = dict.fromkeys((1, 2, 3), use)

    assert retired(table(), at(minutes), uses) == gone


@pytest.mark.proves("VL-5")
def test_reactivating_takes_back_that_it_is_to_go() -> None:
    said = PolicyChanged(overrides=((version_id(1), "deactivate"), (version_id(2), "deactivate")))
    known = table(
        ("retirement", said),
        (version_id(1), VersionDeactivated("manual")),
        (version_id(1), VersionReactivated()),
    )

    assert dict(known.policy.overrides) == {version_id(2): "deactivate"}
    assert TABLE_REDUCER.load(TABLE_REDUCER.dump(known)) == known


@pytest.mark.proves("VL-2", "VL-3")
def test_a_policy_is_changed_in_what_is_given() -> None:
    told = change_policy(table(), idle_s=DAY * 60, overrides={version_id(1): "keep"}, by="ann")
    assert told is not None
    known = table(told)

    assert (known.policy.hot, known.policy.idle_s) == (100, DAY * 60)
    assert change_policy(known, idle_s=DAY * 60) is None
    back = change_policy(known, overrides={version_id(1): None})
    assert back is not None
    assert back[1] == PolicyChanged(idle_s=DAY * 60)
    for wrong in ({"hot": 0}, {"low": -1}, {"idle_s": 1}, {"overrides": {version_id(1): "x"}}):
        with pytest.raises(RetirementError):
            change_policy(known, **wrong)
    with pytest.raises(VersionNotFound):
        change_policy(known, excluded=["nobody"])


@pytest.mark.proves("P16", "VL-3", "VL-4")
@given(
    histories(most=12),
    st.lists(st.sampled_from([UNUSED, used(0, 3, 1), used(200, 200, 1)]), min_size=12, max_size=12),
    st.sampled_from([1, 9, 40]),
)
def test_p16_what_retires_by_itself_is_held_by_nothing(
    events: list[Event], uses: list[Use], days: int
) -> None:
    known, naive = fold_table(events), Naive(events)
    now_us = naive.now_us + days * DAY * MINUTE_US
    found: list[Judged] = judge(known, lambda name: uses[int(name[-3:]) % 12], now_us)
    gone = {each.version for each in found if each.retires}

    seen(f"{min(len(gone), 2)} retire")
    routes = known.handlers[HANDLER]
    held = {naive.current(now_us), naive.tagged("stable"), naive.tagged("default")}
    held |= {str(routes.line[-1].id)} | {version for version, _ in naive.split or ()}
    held |= {name for name, each in naive.versions.items() if now_us - each[2] < DAY_US}
    assert not gone & held
    active = {name for name in naive.versions if not naive.gone.get(name)}
    assert not gone or active - gone
    assert gone <= active

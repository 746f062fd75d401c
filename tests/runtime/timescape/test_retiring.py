"""Taking versions out of service: what holds them, what an announcement needs."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import Event
from runtime.errors import SunsetError, VersionProtectedError
from runtime.timescape import HandlerRoutes, Refusal, Selector, fold_table, resolve
from runtime.timescape.ending import announced
from runtime.timescape.retiring import NOTICE_US, deactivate, deprecate, guards, reactivate
from runtime.version_facts import TrafficSplitChanged, VersionDeactivated, VersionDeprecated
from tests.routes import HANDLER, MINUTE_US, Naive, at, deployed, histories, history, version_id

OLD = at(2 * 24 * 60)
"""Two days later: nothing is young."""
FOUR = (
    deployed(1, "2026-03-01"),
    deployed(2, "2026-03-01"),
    deployed(3, "2026-06-15"),
    deployed(4, "2026-10-01"),
)


def routes(*more: Any) -> HandlerRoutes:
    return fold_table(history(*FOUR, *more)).handlers[HANDLER]


def version(known: HandlerRoutes, number: int) -> Any:
    return known.versions[version_id(number)]


@pytest.mark.proves("VL-4")
def test_a_patched_version_that_nothing_points_to_may_go() -> None:
    known = routes()

    fact = deactivate(known, version(known, 1), now_us=OLD, by="ann", note="old")

    assert fact == (version_id(1), VersionDeactivated("manual", "old", "ann"))


@pytest.mark.proves("VL-4")
@pytest.mark.parametrize(
    ("more", "number", "now_us", "word"),
    [
        ((), 3, OLD, "last of edition"),
        ((), 1, at(60), "younger than 24 h"),
        ((deployed(5, "2026-03-01", tags=("stable",), activation="hold"),), 5, OLD, "'stable'"),
        ((deployed(5, "2026-11-01", activation="hold"),), 5, OLD, "newest"),
        (
            (
                (
                    HANDLER,
                    TrafficSplitChanged(((version_id(1), 9_000), (version_id(4), 1_000)), "s"),
                ),
            ),
            1,
            OLD,
            "part of the traffic",
        ),
    ],
)
def test_guards_hold_a_version_unless_forced(
    more: Any, number: int, now_us: int, word: str
) -> None:
    known = routes(*more)

    with pytest.raises(VersionProtectedError, match=word):
        deactivate(known, version(known, number), now_us=now_us)

    assert any(word in held for held in guards(known, version(known, number), now_us))
    assert deactivate(known, version(known, number), now_us=now_us, force=True) is not None


@pytest.mark.proves("VL-4", "VL-5")
def test_what_is_current_goes_by_no_force_and_for_security_only_to_a_stop() -> None:
    known = routes()
    current = version(known, 4)

    with pytest.raises(VersionProtectedError, match="current"):
        deactivate(known, current, now_us=OLD, force=True)
    with pytest.raises(VersionProtectedError, match="current"):
        deactivate(known, current, now_us=OLD, reason="security")
    stopped = deactivate(known, current, now_us=OLD, reason="security", stop=True)

    assert stopped is not None
    answer = resolve(routes(stopped), (), now_us=OLD)
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.code) == (503, "version-unavailable")


@pytest.mark.proves("VL-4")
def test_the_only_active_version_stays() -> None:
    known = fold_table(
        history(deployed(1), deployed(2), (version_id(1), VersionDeactivated("manual")))
    ).handlers[HANDLER]

    with pytest.raises(VersionProtectedError):
        deactivate(known, version(known, 2), now_us=OLD, force=True)


@pytest.mark.proves("VL-5")
def test_reactivating_is_something_only_after_deactivating() -> None:
    gone = routes((version_id(1), VersionDeactivated("manual")))

    assert reactivate(routes(), version(routes(), 1)) is None
    assert reactivate(gone, version(gone, 1)) is not None
    assert deactivate(gone, version(gone, 1), now_us=OLD) is None


@pytest.mark.proves("VL-6")
def test_an_end_is_announced_30_days_before_and_never_of_what_is_current() -> None:
    known = routes()

    with pytest.raises(SunsetError, match="30 days"):
        deprecate(known, version(known, 1), now_us=OLD, sunset_us=OLD + NOTICE_US - 1)
    with pytest.raises(SunsetError, match="current"):
        deprecate(known, version(known, 4), now_us=OLD, sunset_us=OLD + NOTICE_US, force=True)
    on_time = deprecate(known, version(known, 1), now_us=OLD, sunset_us=OLD + NOTICE_US)
    forced = deprecate(known, version(known, 1), now_us=OLD, sunset_us=OLD, force=True)

    assert on_time[1] == VersionDeprecated(OLD + NOTICE_US)
    assert forced[1].sunset_us == OLD


@pytest.mark.proves("BR-49")
@given(told=st.none() | st.integers(0, 3), then=st.none() | st.integers(0, 3))
def test_an_end_is_not_moved_nearer_than_callers_were_told(
    told: int | None, then: int | None
) -> None:
    def day(n: int | None) -> int | None:
        return None if n is None else OLD + NOTICE_US + n * 24 * 60 * MINUTE_US

    known = routes((version_id(1), VersionDeprecated(day(told))))
    found = announced(known.retirement(version_id(1)), day(then))

    nearer = told is not None and then is not None and then < told
    assert found.breaking == nearer
    assert {each.rule for each in found.changes} <= {"BR-49"}
    if nearer:
        with pytest.raises(SunsetError, match="BR-49"):
            deprecate(known, version(known, 1), now_us=OLD, sunset_us=day(then))
        deprecate(known, version(known, 1), now_us=OLD, sunset_us=day(then), force=True)
    else:
        deprecate(known, version(known, 1), now_us=OLD, sunset_us=day(then))


@pytest.mark.proves("BR-49")
def test_what_an_announcement_means_is_said() -> None:
    first = announced(routes().retirement(version_id(1)), OLD)
    known = routes((version_id(1), VersionDeprecated(OLD)))
    earlier = announced(known.retirement(version_id(1)), OLD - MINUTE_US)

    assert (first.summary, earlier.summary) == ("2 safe", "2 breaking")
    assert "ends earlier than was announced" in earlier.changes[0].sentence


@pytest.mark.proves("P16", "VL-6", "TR-8")
def test_at_its_sunset_a_version_is_refused_by_resolving_alone() -> None:
    known = routes((version_id(1), VersionDeprecated(at(60))))
    asked = [Selector("query", "query v", version_id(1))]

    before = resolve(known, asked, now_us=at(60) - 1)
    ended = resolve(known, asked, now_us=at(60))

    assert not isinstance(before, Refusal)
    assert isinstance(ended, Refusal)
    assert (ended.status, ended.code) == (410, "version-sunset")


@pytest.mark.proves("P16", "VL-5")
@given(histories())
def test_p16_a_version_serves_who_names_it_until_it_is_taken_out(events: list[Event]) -> None:
    """Seen to fail with a version that is served at the very µs of its sunset."""
    naive, known = Naive(events), fold_table(events).handlers[HANDLER]
    later_us = naive.now_us + MINUTE_US
    event(f"an end is announced: {bool(naive.sunset)}")

    for key, (_, _, from_us) in naive.versions.items():
        now_us = naive.sunset.get(key) or later_us
        answer = resolve(known, [Selector("query", "query v", key)], now_us=now_us)
        served = answer.code if isinstance(answer, Refusal) else str(answer.version.id)
        expected = naive.fate(key, now_us) if from_us <= now_us else "version-not-found"
        assert served == expected


@pytest.mark.proves("P16")
@given(histories(), st.integers(0, 3))
def test_p16_what_is_current_is_never_taken_out_by_hand(events: list[Event], late: int) -> None:
    """Seen to fail with `force` that overrides this guard, too."""
    known = fold_table(events).handlers[HANDLER]
    now_us = Naive(events).now_us + late * 24 * 60 * MINUTE_US
    current = known.current(now_us)

    if current is not None and known.is_active(str(current.id)):
        with pytest.raises(VersionProtectedError):
            deactivate(known, current, now_us=now_us, force=True)
    assert known.line

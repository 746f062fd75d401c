"""How long a version that is unhealthy is held, and that time alone brings it back."""

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from runtime.timescape.health import NEW, Standing, Verdict, judged

VERDICTS: tuple[Verdict, ...] = ("healthy", "degraded", "unhealthy")
looks = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 29, 30, 31, 60, 299, 300, 600, 601]), st.sampled_from(VERDICTS)
    ),
    max_size=12,
)


def after(*said: tuple[float, Verdict]) -> Standing:
    standing = NEW
    for now_s, verdict in said:
        standing = judged(standing, verdict, now_s)
    return standing


@pytest.mark.proves("PL-1", "AD-4")
@given(looks)
def test_what_is_held_is_held_as_long_as_the_times_between_say(
    said: list[tuple[int, Verdict]],
) -> None:
    """Told again from the whole history: each spell, when it began, how long it holds."""
    standing, now_s = NEW, 0.0
    spells: list[list[float]] = []  # began, ended (or not yet), holds
    for passed, verdict in said:
        now_s += passed
        standing = judged(standing, verdict, now_s)
        held = bool(spells) and len(spells[-1]) == 2
        if held and verdict != "unhealthy" and now_s >= sum(spells[-1]):
            spells[-1].append(now_s)
            held = False
        elif not held and verdict == "unhealthy":
            relapse = bool(spells) and now_s - spells[-1][2] <= 600
            spells.append([now_s, min(300, spells[-1][1] * 2) if relapse else 30])
            held = True
        seen("held" if held else verdict)
        assert standing.state == ("unhealthy" if held else verdict)


@pytest.mark.proves("PL-1")
def test_a_relapse_is_held_twice_as_long_up_to_five_minutes() -> None:
    now_s, held = 0.0, []
    standing = NEW
    for _ in range(6):
        standing = judged(standing, "unhealthy", now_s)
        assert judged(standing, "healthy", standing.held_until_s - 0.1) == standing
        held.append(standing.held_until_s - now_s)
        now_s = standing.held_until_s
        standing = judged(standing, "healthy", now_s)
        now_s += 600

    assert held == [30, 60, 120, 240, 300, 300]
    assert after((0, "unhealthy"), (30, "healthy"), (631, "unhealthy")).hold_s == 30


@pytest.mark.proves("PL-1", "HW-7")
def test_what_still_fails_when_its_time_is_over_is_held_on() -> None:
    still = after((0, "unhealthy"), (45, "unhealthy"))

    assert still.state == "unhealthy"
    assert judged(still, "degraded", 46).state == "degraded"

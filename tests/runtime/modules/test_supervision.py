"""What is decided about modules: states, retries, restarts, the breaker, frames."""

import itertools
from typing import Any, get_args

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.supervision import (
    CALLS,
    RESTARTS,
    Answer,
    Backoff,
    Breaker,
    Call,
    Cancel,
    Cause,
    Frame,
    FrameFault,
    Frames,
    IllegalMove,
    Ping,
    Refusal,
    Restarts,
    State,
    may_retry,
    move,
    pack,
)

# --- states ---

ALLOWED = {
    ("registered", "starting"), ("registered", "stopped"), ("starting", "ready"),
    ("starting", "failed"), ("starting", "stopping"), ("ready", "failed"), ("ready", "stopping"),
    ("failed", "starting"), ("failed", "stopping"), ("stopping", "stopped"),
    ("stopped", "starting"),
}  # fmt: skip


@pytest.mark.proves("MO-2")
def test_a_state_follows_another_or_is_refused() -> None:
    for state, to in itertools.product(get_args(State), repeat=2):
        if (state, to) in ALLOWED:
            assert move(state, to) == to
        else:
            with pytest.raises(IllegalMove):
                move(state, to)


# --- delays ---


@pytest.mark.proves("RPC-3", "MO-6")
@given(
    failures=st.integers(1, 5_000),
    chance=st.floats(0, 1),
    backoff=st.sampled_from([CALLS, RESTARTS]),
)
def test_a_delay_lies_between_nothing_and_its_bound(
    failures: int, chance: float, backoff: Backoff
) -> None:
    bound = backoff.initial
    for _ in range(min(failures, 40) - 1):
        bound = min(bound * 2, backoff.cap)

    assert 0 <= backoff.delay_s(failures, chance) <= bound
    assert backoff.delay_s(failures, 1.0) == bound == backoff.bound_s(failures)
    assert backoff.delay_s(failures, 0.0) == 0


@pytest.mark.proves("RPC-3", "MO-6")
def test_delays_double_up_to_their_cap() -> None:
    assert [CALLS.bound_s(n) for n in range(1, 8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert RESTARTS.bound_s(20) == 30.0


# --- restarts ---


@pytest.mark.proves("MO-6")
@given(
    gaps=st.lists(st.sampled_from([0.0, 0.5, 9.0, 13.0, 61.0]), min_size=1, max_size=20),
    chance=st.floats(0, 1),
)
def test_more_than_five_crashes_in_a_minute_are_followed_by_a_rest(
    gaps: list[float], chance: float
) -> None:
    restarts, times = Restarts(), list(itertools.accumulate(gaps))
    rested = False
    for at, now in enumerate(times):
        delay = restarts.crashed(now, chance)
        recent = sum(now - 60 < each <= now for each in times[: at + 1])
        if recent > 5:
            assert (delay, restarts.is_resting) == (60.0, True)
            rested = True
        else:
            assert 0 <= delay <= min(0.1 * 2 ** (recent - 1), 30.0)
        assert restarts.attempt == recent
    event(f"rested: {rested}")


@pytest.mark.proves("MO-6")
def test_the_sixth_crash_is_the_one_that_rests() -> None:
    restarts = Restarts()

    assert [restarts.crashed(float(n), 1.0) for n in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.6, 60.0]


# --- retries ---

TRANSIENT = {"transport", "timeout", "crash", "retryable"}


@pytest.mark.proves("RPC-4")
def test_only_what_may_pass_is_tried_again() -> None:
    for cause in get_args(Cause):
        assert may_retry(cause, idempotent=True, sent=True) == (cause in TRANSIENT)
        assert not may_retry(cause, idempotent=False, sent=True)
        for idempotent in (True, False):
            expected = cause in TRANSIENT | {"unavailable"}
            assert may_retry(cause, idempotent=idempotent, sent=False) == expected


# --- the breaker ---


class NaiveBreaker:
    """The rule as it is written, by looking through all that happened."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, bool]] = []
        self.opened: float | None = None
        self.wait = 5.0

    def would_admit(self, now: float) -> bool:
        return self.opened is None or now >= self.opened + self.wait

    def note(self, now: float, *, failed: bool) -> str | None:
        if self.opened is not None:
            if not failed:
                self.opened, self.calls = None, []
                return "closed"
            self.opened, self.wait = now, min(self.wait * 2, 60.0)
            return None
        self.calls.append((now, failed))
        recent = [bad for at, bad in self.calls if at > now - 30]
        if len(recent) < 20 or 2 * sum(recent) < len(recent):
            return None
        self.opened, self.wait = now, 5.0
        return "opened"


GAPS = (0.0, 0.1, 1.0, 5.0, 20.0)
steps = st.builds(
    lambda drawn, each: [(GAPS[byte % 5], byte % each != 0) for byte in drawn],
    st.binary(min_size=25, max_size=60),
    st.integers(2, 7),
)
"""Pauses and failures; of every *each*-th call about one does not fail."""


@pytest.mark.proves("RPC-8")
@given(steps=steps)
def test_a_breaker_opens_and_closes_as_the_rule_says(steps: list[tuple[float, bool]]) -> None:
    breaker, naive, now = Breaker(), NaiveBreaker(), 0.0
    opened = 0
    for gap, failed in steps:
        now += gap
        admitted = breaker.admit(now)
        assert (admitted is not None) == naive.would_admit(now)
        if admitted is None:
            continue
        said = breaker.note(now, admitted, failed=failed)
        assert said == naive.note(now, failed=failed)
        assert breaker.is_open == (naive.opened is not None)
        opened += said == "opened"
    event(f"opened: {opened > 0}")


@pytest.mark.proves("RPC-8")
def test_half_of_twenty_calls_are_enough_to_open_it_and_less_is_not() -> None:
    for failures, opens in ((10, True), (9, False)):
        breaker = Breaker()
        said = [breaker.note(0.0, "call", failed=n >= 20 - failures) for n in range(20)]
        assert (said[-1] == "opened") == opens == breaker.is_open


@pytest.mark.proves("RPC-8")
def test_an_open_breaker_lets_one_probe_through_at_a_time() -> None:
    breaker = Breaker()
    for n in range(20):
        assert breaker.admit(0.0) == "call"
        assert breaker.note(0.0, "call", failed=True) == ("opened" if n == 19 else None)

    assert breaker.admit(4.9) is None
    assert breaker.admit(5.0) == "probe"
    assert breaker.admit(5.0) is None
    assert breaker.note(5.0, "call", failed=False) is None
    assert breaker.note(5.0, "probe", failed=True) is None
    assert breaker.admit(14.9) is None
    assert breaker.admit(15.0) == "probe"
    breaker.forget("probe")
    assert breaker.admit(15.0) == "probe"
    assert breaker.note(15.0, "probe", failed=False) == "closed"
    assert breaker.admit(15.0) == "call"


# --- frames ---

ids = st.integers(0, 2**40)
texts = st.text(max_size=5)
data = st.binary(max_size=40)
frames: st.SearchStrategy[Any] = st.one_of(
    st.builds(Call, ids, texts, data, data),
    st.builds(Answer, ids, data),
    st.builds(Refusal, ids, texts, data, st.booleans(), texts),
    st.builds(Cancel, ids),
    st.builds(Ping, ids),
)


@pytest.mark.proves("RPC-1")
@given(sent=st.lists(frames, max_size=5), cuts=st.lists(st.integers(1, 30)))
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    sent: list[Frame], cuts: list[int]
) -> None:
    whole = b"".join(map(pack, sent))
    reader, came = Frames(), list[Frame]()
    while whole:
        size = cuts.pop() if cuts else len(whole)
        came += reader.feed(whole[:size])
        whole = whole[size:]

    assert came == sent


@pytest.mark.proves("RPC-1")
@given(frame=frames, at=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_changed_byte_gives_a_frame_or_a_fault_and_nothing_else(
    frame: Frame, at: int, byte: int
) -> None:
    body = bytearray(pack(frame)[4:])
    body[at % len(body)] = byte
    try:
        came = list(Frames().feed(len(body).to_bytes(4, "big") + body))
    except FrameFault:
        came = []
    event(f"refused: {not came}")

    assert all(isinstance(each, get_args(Frame)) for each in came)


@pytest.mark.proves("RPC-1")
def test_a_frame_that_is_too_long_is_neither_sent_nor_taken() -> None:
    call = Call(1, "m", b"x" * 1_000)
    with pytest.raises(FrameFault, match="longer than 1000"):
        pack(call, limit=1_000)
    with pytest.raises(FrameFault, match="longer than 1000"):
        list(Frames(limit=1_000).feed(pack(call)))

    assert pack(Ping(7)) == b"\x00\x00\x00\x07\x92\xa4ping\x07"
    for bad in (b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x01\x01", b"\x00\x00\x00\x00"):
        with pytest.raises(FrameFault, match="cannot be read"):
            list(Frames().feed(bad))

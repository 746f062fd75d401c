"""What a key may be, how much a context may hold, and which way a request may go."""

import itertools

import pytest
from hypothesis import given

from runtime.context import check_key, check_state_size, check_step, check_value_size, phases
from runtime.errors import (
    ContextKeyError,
    IllegalPhaseError,
    ReservedKeyError,
    ValueTooLargeError,
)
from tests.strategies import keys


@pytest.mark.proves("LC-8")
@given(key=keys)
def test_ordinary_keys_are_taken(key: str) -> None:
    check_key(key)

    assert len(key.encode()) <= 256


@pytest.mark.proves("LC-8")
@pytest.mark.parametrize("key", ["k", "k" * 256, "\U0001f600" * 64, "timescape", "a timescape."])
def test_keys_up_to_256_bytes_are_taken(key: str) -> None:
    check_key(key)

    assert len(key.encode()) <= 256


@pytest.mark.proves("LC-8")
@pytest.mark.parametrize(
    "key", ["", "k" * 257, "\U0001f600" * 65, "a\0", "\ud800", 5, None, b"k", ("k",)], ids=repr
)
def test_what_is_no_key_is_refused(key: object) -> None:
    with pytest.raises(ContextKeyError) as caught:
        check_key(key)

    assert "1 to 256 bytes" in caught.value.remedy


@pytest.mark.proves("LC-8")
def test_the_runtimes_own_prefix_is_reserved() -> None:
    with pytest.raises(ReservedKeyError, match="timescape"):
        check_key("timescape.phase")


@pytest.mark.proves("LC-8")
def test_sizes_are_refused_above_their_limits_with_measure_and_limit() -> None:
    check_value_size("cart", 1_048_576)
    check_state_size(16 * 1_048_576)

    with pytest.raises(ValueTooLargeError, match=r"'cart' has 1048577 bytes .* limit is 1048576"):
        check_value_size("cart", 1_048_577)
    with pytest.raises(ValueTooLargeError, match=r"16777217 bytes .* limit is 16777216"):
        check_state_size(16_777_217)


ORDER = ["", "received", "authenticated", "authorized", "validated", "processing", "completed"]


def may(phase: str, new: str) -> bool:
    try:
        check_step(phase, new)
    except IllegalPhaseError:
        return False
    return True


@pytest.mark.proves("LC-10")
def test_exactly_the_steps_of_the_rule_are_legal() -> None:
    legal = set(itertools.pairwise(ORDER))
    legal |= {(phase, "failing") for phase in ORDER[1:6]} | {("failing", "failed")}
    legal |= {(phase, "aborted") for phase in [*ORDER[1:6], "failing"]}

    assert {(a, b) for a in phases.NEXT for b in phases.NEXT if may(a, b)} == legal
    assert [phase for phase in phases.NEXT if phases.is_final(phase)] == [
        "completed", "failed", "aborted",
    ]  # fmt: skip


@pytest.mark.proves("LC-10")
def test_an_illegal_step_names_both_phases_and_the_legal_ones() -> None:
    with pytest.raises(IllegalPhaseError, match="'failing' to 'completed'; legal: aborted, failed"):
        check_step("failing", "completed")

"""Rate limits as written and as told; whose requests are counted together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App
from runtime.authentication import Principal
from runtime.errors import PolicySyntaxError, RegistrationError
from runtime.ingress.windows import Windows
from runtime.policies import Limit, Outcome, RateLimits, Window, parse_limits
from runtime.policies.callers import caller_of
from runtime.policies.limits import retry_after
from runtime.principals import ANONYMOUS

SECOND_US = 1_000_000
MINUTE = parse_limits("1/minute")


@pytest.mark.proves("RL-3")
def test_limits_are_read_as_they_are_said() -> None:
    assert parse_limits(["10/second", "5/10 seconds", "500/hour", "0/day", "9/90s"]) == (
        Limit("10/second", 10, 1),
        Limit("5/10 seconds", 5, 10),
        Limit("500/hour", 500, 3_600),
        Limit("0/day", 0, 86_400),
        Limit("9/90s", 9, 90),
    )


@pytest.mark.proves("RL-3")
@pytest.mark.parametrize(
    "wrong", ["", "10", "ten/minute", "-1/minute", "1/fortnight", "1/0 seconds", 5, [5], "1/m"]
)
def test_what_is_no_limit_is_refused(wrong: object) -> None:
    with pytest.raises(PolicySyntaxError):
        parse_limits(wrong)


WRONG: list[dict[str, Any]] = [
    {"auth": "maybe"}, {"idempotency": "on"}, {"roles": [7]}, {"scopes": "a b"},
    {"auth": "open", "roles": ["a"]}, {"limits": ["1/minute", "2/60 seconds"]},
]  # fmt: skip


@pytest.mark.proves("MG-8", "PO-1", "IK-1")
def test_all_that_is_wrong_about_the_policies_of_a_handler_is_told() -> None:
    app = App("shop")

    async def things() -> None: ...

    with pytest.raises(RegistrationError) as refused:
        app.handler("GET /things", limits="often", timeout=-1)(things)
    assert len(refused.value.errors) == 2
    for wrong in WRONG:
        with pytest.raises(PolicySyntaxError):
            app.handler("GET /things", **wrong)(things)


@pytest.mark.proves("RL-4")
def test_the_fields_name_each_limit() -> None:
    limits = RateLimits(parse_limits(["10/second", "500/hour"]))
    outcomes = [
        Outcome(Window(0, 10), allowed=False, remaining=0, reset_us=1),
        Outcome(Window(0, 20), allowed=True, remaining=480, reset_us=1_000_001),
    ]

    assert limits.policy == '"10/second";q=10;w=1, "500/hour";q=500;w=3600'
    assert limits.told(outcomes) == '"10/second";r=0;t=1, "500/hour";r=480;t=2'
    assert limits.violated(outcomes) == ["10/second"]
    assert retry_after(outcomes) == 1


@pytest.mark.proves("RL-2")
def test_callers_are_principals_or_networks() -> None:
    ann, eve = Principal("ann", issuer="x"), Principal("ann", issuer="y")
    odd = Principal("y ann", issuer="x"), Principal("ann", issuer="x y")

    assert len({caller_of(each, "192.0.2.1") for each in (ann, eve, *odd)}) == 4
    assert caller_of(ann, "192.0.2.1") == caller_of(ann, "192.0.2.2")
    assert caller_of(ANONYMOUS, "192.0.2.1") == "address 192.0.2.1"
    assert caller_of(ANONYMOUS, "::ffff:192.0.2.1") == "address 192.0.2.1"
    assert caller_of(ANONYMOUS, "2001:db8::1:2") == "address 2001:db8::/64"
    assert caller_of(ANONYMOUS, "unknown") == "address unknown"


def let_in(windows: Windows, caller: str, now_us: int) -> bool:
    outcomes = windows.ask("h", caller, MINUTE, now_us)
    if outcomes[0].allowed and windows.has_room(1, now_us):
        windows.keep("h", caller, MINUTE, outcomes, now_us)
        return True
    return False


@pytest.mark.proves("RL-5", "P36")
@given(visits=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=30))
def test_windows_are_bounded_and_forget_only_dead_ones(visits: list[tuple[int, int]]) -> None:
    windows, now_us = Windows(most=4), 0
    live: dict[int, int] = {}
    for wait_s, caller in visits:
        now_us += wait_s * SECOND_US
        live = {who: at for who, at in live.items() if now_us < at + 60 * SECOND_US}
        expected = caller not in live and len(live) < 4

        assert let_in(windows, str(caller), now_us) is expected
        if expected:
            live[caller] = now_us
        assert len(live) <= len(windows) <= 4

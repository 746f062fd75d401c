"""What the second request with an idempotency key gets, as a table (IK-2 to IK-4)."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.facts import ResponseSent
from runtime.ingress.key_holders import answer_of
from runtime.policies import Claim, First, Judged, judge, read_key
from runtime.policies.keys import KEPT_US, fingerprint

CLAIM = Claim("req-1", "same", 1_000)


def judged(first: First, *, asked: str = "same", age_us: int = 5, **how: bool) -> Judged:
    state = {"running": False, "whole": True, **how}
    return judge(CLAIM, first, asked, CLAIM.at_us + age_us, **state)


@pytest.mark.proves("IK-2", "IK-3", "IK-4")
def test_what_becomes_of_the_second_request() -> None:
    done, broken = First(ResponseSent(200)), First(ResponseSent(500))
    stuck = First(ResponseSent(500), undone=False)

    assert judge(None, First(), "same", 0, running=False, whole=True) is Judged.TAKES
    assert judged(done) is Judged.AGAIN
    assert judged(First(ResponseSent(404))) is Judged.AGAIN
    assert judged(done, asked="other") is Judged.REUSED
    assert judged(done, whole=False) is Judged.GONE
    assert judged(First(), running=True) is Judged.RUNNING
    assert judged(First(), running=True, asked="other") is Judged.REUSED
    assert judged(First(), running=True, age_us=KEPT_US) is Judged.RUNNING
    assert judged(broken) is Judged.TAKES
    assert judged(broken, asked="other") is Judged.TAKES
    assert judged(stuck) is Judged.UNKNOWN
    assert judged(First()) is Judged.UNKNOWN
    assert judged(First(aborted="crash")) is Judged.UNKNOWN
    assert judged(First(aborted="disconnected")) is Judged.TAKES
    assert judged(First(aborted="disconnected", undone=False)) is Judged.UNKNOWN
    assert judged(done, age_us=KEPT_US - 1) is Judged.AGAIN
    assert judged(done, age_us=KEPT_US) is Judged.TAKES


@pytest.mark.proves("IK-2", "IK-4")
@given(
    status=st.none() | st.sampled_from([200, 204, 404, 408, 409, 429, 500, 504]),
    undone=st.booleans(),
    aborted=st.sampled_from([None, "crash", "cancelled"]),
    asked=st.sampled_from(["same", "other"]),
    running=st.booleans(),
    age_us=st.sampled_from([0, KEPT_US - 1, KEPT_US]),
)
def test_a_request_runs_twice_only_if_the_first_came_to_nothing(
    *, status: int | None, undone: bool, aborted: str | None, asked: str, running: bool, age_us: int
) -> None:
    sent = None if status is None else ResponseSent(status)
    verdict = judged(First(sent, undone, aborted), asked=asked, age_us=age_us, running=running)
    event(verdict.value)
    if verdict is Judged.TAKES:
        failed = undone and (status in {408, 429, 500, 504} or (not status and aborted))
        assert not running
        assert age_us >= KEPT_US or (failed and (status or aborted != "crash"))
    if verdict is Judged.AGAIN:
        assert asked == "same"
        assert status in {200, 204, 404, 409}


@pytest.mark.proves("IK-1")
@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("abc", "abc"), ('"abc"', "abc"), (r'"a\"b"', 'a"b'), ("a,b", "a,b"), ("", None),
        ('""', None), ('"a b"', None), ("a b", None), ('a"', None), ('"a', None), ("\x7f", None),
        ("é", None), ("k" * 255, "k" * 255), ("k" * 256, None), ('"' + "k" * 255 + '"', "k" * 255),
    ],
)  # fmt: skip
def test_a_key_is_quoted_or_bare(text: str, key: str | None) -> None:
    assert read_key(text) == key


requests = st.tuples(
    st.text(max_size=4), st.binary(max_size=4), st.lists(st.text(max_size=3)), st.binary(max_size=4)
)


@pytest.mark.proves("IK-2")
@given(
    one=requests,
    other=requests,
)
def test_requests_have_one_fingerprint_only_if_they_are_the_same(
    one: tuple[str, bytes, list[str], bytes], other: tuple[str, bytes, list[str], bytes]
) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) == (one == other)
    assert fingerprint("POST", b"/a", ["b"], b"") != fingerprint("POST", b"/a", [], b"b")


@pytest.mark.proves("IK-3")
@pytest.mark.parametrize(
    ("body", "size", "given"),
    [
        (None, 0, b""),
        ({"a": [1.0, None]}, 16, b'{"a":[1.0,null]}'),
        ({"a": 1}, 9, None),
        ({"card": {"$redacted": True}}, 27, None),
        ({"card": "hmac:00"}, 18, None),
        ([{"$sealed": [1, "AA"]}], 22, None),
        (None, 4, None),
    ],
)
def test_an_answer_is_given_again_only_if_every_byte_is_known(
    body: object, size: int, given: bytes | None
) -> None:
    again = answer_of(ResponseSent(200, body=body, body_size=size), "req-1")

    assert (None if again is None else again.body) == given

"""Requests on record are held against the code as it is (CT-3)."""

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Store
from runtime import App, LocalContext, Request
from runtime.testing import Harness, check_recorded
from tests.runtime.replay.shop import Pricing, record, shop

BODY = {"sku": "mug", "quantity": 2, "card": "4111 1111"}


def sums(*, noted: str = "n", added: int = 0, from_: int = 99) -> App:
    """An app that notes each number and answers it; from *from_* on it adds something."""
    app = App("sums")

    @app.handler("POST /sums", version="2026-01-01")
    def add(req: Request[int], lctx: LocalContext) -> int:
        lctx.set(noted if req.body >= from_ else "n", req.body)
        return req.body + (added if req.body >= from_ else 0)

    return app


def recorded(numbers: list[int]) -> Store:
    """Serve the numbers, one after the other."""
    harness = Harness(sums(), replayed=False)
    with harness as asked:
        for number in numbers:
            asked.post("/sums", json=number).assert_status(200)
    return harness.store


@pytest.fixture(scope="module")
def store() -> Store:
    return recorded(list(range(6)))


@pytest.mark.proves("CT-3")
@given(
    noted=st.sampled_from(["n", "m"]), added=st.integers(0, 1), from_=st.integers(0, 6),
    least=st.integers(0, 6),
)  # fmt: skip
def test_each_request_is_equal_diverges_or_answers_otherwise(
    store: Store, noted: str, added: int, from_: int, least: int
) -> None:
    """Seen to fail with answers compared by identity, and with *where* not asked."""
    app = sums(noted=noted, added=added, from_=from_)
    wanted = ["equal" if n < from_ else _verdict(noted, added) for n in range(least, 6)]
    seen("all equal" if set(wanted) <= {"equal"} else "some differ")

    try:
        said = check_recorded(store, app, where=lambda facts: facts[0].data.body >= least)
    except AssertionError as error:
        lines = str(error).splitlines()[1:]
        assert [line.split()[2].rstrip(":") for line in lines] == [
            each for each in wanted if each != "equal"
        ]
        assert "equal" not in wanted or len(lines) < len(wanted)
    else:
        assert [each.verdict for each in said] == wanted
        assert set(wanted) <= {"equal"}


def _verdict(noted: str, added: int) -> str:
    if added:
        return "answer"
    return "equal" if noted == "n" else "divergence"


@pytest.mark.proves("CT-3")
def test_recorded_requests_that_say_the_same_are_told_so() -> None:
    store, stream = record(shop(Pricing()), BODY)

    (checked,) = check_recorded(store, shop(Pricing()))

    assert (checked.request, checked.verdict) == (f"req-{stream.hex}", "equal")
    with pytest.raises(AssertionError, match=r"1 of 1 recorded .*\n- req-\w+ answer: #\d+"):
        check_recorded(store, shop(Pricing(), factor=2))


@pytest.mark.proves("CT-3")
def test_what_cannot_be_run_again_is_a_failure_unless_it_is_allowed() -> None:
    store, _ = record(shop(Pricing()), BODY, target="/nowhere")

    with pytest.raises(AssertionError, match="not-replayable"):
        check_recorded(store, shop(Pricing()))
    (checked,) = check_recorded(store, shop(Pricing()), allow_not_replayable=True)
    assert checked.verdict == "not-replayable"

"""What a harness says of a request: what it failed with, and how it runs again (TH-3)."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, GlobalContext, HttpError, LocalContext, Request
from runtime.errors import NotReplayableError
from runtime.messages import ValidationFailed
from runtime.testing import FakeModule, Harness
from runtime.testing.harness import Asked


class Broke(Exception):
    """Of a user, with more than a log may keep."""


ERRORS: dict[str, Exception] = {
    "own": HttpError(409, "taken", "It is taken."),
    "own-500": HttpError(500, "sorry", "We are."),
    "foreign": Broke("4242"),
    "builtin": ZeroDivisionError("1/0"),
}
UNEXPECTED = {"foreign", "builtin", "answer"}


def failing() -> App:
    app = App("failing")
    app.module("stock", FakeModule(left=2), methods=("left",))

    @app.handler("POST /fail", version="2026-01-01")
    async def fail(req: Request[str], lctx: LocalContext, gctx: GlobalContext) -> int:
        lctx.set("left", await gctx.modules.stock.left())
        if req.body in ERRORS:
            raise ERRORS[req.body]
        return "no number" if req.body == "answer" else 7  # type: ignore[return-value]

    @app.handler("POST /fail", version="2026-02-01")
    async def later(req: Request[str]) -> int:
        return len(req.body)

    app.fail = fail  # type: ignore[attr-defined]
    return app


@pytest.fixture(scope="module")
def harnesses() -> Iterator[tuple[Asked, Asked]]:
    with (
        Harness(failing(), replayed=False) as answering,
        Harness(failing(), replayed=False, raise_errors=True) as raising,
    ):
        yield answering, raising


@pytest.mark.proves("TH-3")
@given(st.sampled_from([*ERRORS, "answer", "fine"]), st.sampled_from(["http", "alone"]))
def test_only_what_nobody_expects_is_raised(
    harnesses: tuple[Asked, Asked], what: str, way: str
) -> None:
    """Seen to fail with every error raised, and with those of 500 alone that are ours."""
    answering, raising = harnesses

    def ask(asked: Asked) -> Any:
        if way == "http":
            return asked.post("/fail", json=what, version="2026-01-01")
        return asked.send(
            asked.run(asked.harness.app.fail).with_body(what)  # type: ignore[attr-defined]
        )

    result = ask(answering)
    assert (result.error is None) == (what == "fine")
    assert result.is_unexpected == (what in UNEXPECTED)
    assert what not in ERRORS or result.error is ERRORS[what]
    if what in UNEXPECTED:
        assert result.status == 500
        with pytest.raises(type(result.error)) as caught:
            ask(raising)
        assert what not in ERRORS or caught.value is result.error
    else:
        assert ask(raising).status == result.status
    event(f"raised: {what in UNEXPECTED}")


@pytest.mark.proves("TH-3")
def test_an_exception_is_kept_and_its_record_is_beside_it(
    harnesses: tuple[Asked, Asked],
) -> None:
    result = harnesses[0].post("/fail", json="foreign", version="2026-01-01")
    wrong = harnesses[0].post("/fail", json="answer", version="2026-01-01")
    refused = harnesses[0].post("/nowhere", json=1)

    assert str(result.error) == "4242"
    assert result.failure is not None
    assert (result.failure.error, result.failure.message) == ("Broke", None)
    assert isinstance(wrong.error, ValidationFailed)
    assert [each.path for each in wrong.error.issues] == [""]
    assert (refused.error, refused.failure) == (None, None)
    with pytest.raises(NotReplayableError, match="refused before any handler"):
        refused.replay()


@pytest.mark.proves("TH-3")
def test_a_result_runs_again_by_its_own_version_or_another(
    harnesses: tuple[Asked, Asked],
) -> None:
    asked = harnesses[0]
    result = asked.post("/fail", json="fine", version="2026-01-01")

    same, later = result.replay(), result.replay(version="2026-02-01")

    assert same.divergence is None
    assert same.answer is not None
    assert same.answer.body == result.body == b"7"
    assert later.version != later.recorded_version
    assert later.answer is not None
    assert later.answer.body == b"4"


@pytest.mark.proves("TH-3", "TH-2")
def test_a_run_without_http_runs_again_with_what_the_test_gave_it() -> None:
    app = failing()
    app.before(lambda lctx: lctx.set("stamped", 1))

    async def alone(req: Request[int], lctx: LocalContext) -> int:
        return req.body + int(lctx.get("more", 0))

    with Harness(app, replayed=False) as asked:
        mine = asked.send(asked.run(alone).with_body(2).with_state(more=5))
        bare = asked.run(app.fail, hooks=False)  # type: ignore[attr-defined]
        result = asked.send(bare.with_body("fine"))

    for each in (mine, result):
        replay = each.replay()
        assert replay.divergence is None
        assert replay.answer is not None
        assert replay.answer.body == each.body == b"7"
    later = result.replay("2026-02-01")
    assert later.answer is not None
    assert later.answer.body == b"4"
    with pytest.raises(NotReplayableError, match="no handler"):
        mine.replay("2026-02-01")

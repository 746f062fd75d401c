"""HO-7: a catch hook may replace the answer of a failure, and never make it a success."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import HttpError, LocalContext, Response
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told

Catch = dict[str, Any]
catches: st.SearchStrategy[Catch] = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([200, 204, 302, 399, 400, 409, 418, 503, 599]),
        "header": st.sampled_from(["one", "two"]),
        "body": st.sampled_from([{"sorry": 1}, "text", None]),
        "raises": st.just(True),  # noqa: FBT003
    },
)


def hook(catch: Catch) -> Callable[..., Any]:
    def call(res: Response) -> None:
        if "status" in catch:
            res.status = catch["status"]
        if "header" in catch:
            res.header("x-said", catch["header"])
        if "body" in catch:
            res.write(catch["body"])
        if "raises" in catch:
            raise KeyError

    return call


def expected(drawn: list[Catch], status: int) -> tuple[int, str | None, Any]:
    """Say what the client gets: the last registered hook runs first, the last writer wins."""
    said, body = None, "the problem"
    for catch in reversed(drawn):
        if "raises" in catch or catch.get("status", 400) < 400:
            continue
        status = catch.get("status", status)
        said = catch.get("header", said)
        body = catch.get("body", body)
    return status, said, body


def sent(drawn: list[Catch], error: BaseException) -> Told:
    async def handle() -> None:
        raise error

    harness = Controlled(version_of(handle, catch=[hook(catch) for catch in drawn]))
    told = run_virtual(harness.send())
    harness.controller.close()
    return told


@pytest.mark.proves("HO-7", "HO-6")
@given(
    drawn=st.lists(catches, max_size=4),
    error=st.sampled_from([KeyError("x"), HttpError(404, "gone", "It is gone.")]),
)
def test_the_last_writer_wins_and_a_failure_stays_one(
    drawn: list[Catch], error: BaseException
) -> None:
    told = sent(drawn, error)

    status, said, body = expected(drawn, 404 if isinstance(error, HttpError) else 500)
    refused = [c for c in drawn if "raises" not in c and c.get("status", 400) < 400]
    event(f"tried to succeed: {bool(refused)}")
    event(f"replaced: {body != 'the problem'}")
    assert told.answer.status == status >= 400
    assert dict(told.answer.headers).get("x-said") == said
    assert told.json["instance"] if body == "the problem" else told.json == body
    assert (told.facts[-1].type, told.facts[-1].data.status) == ("response.sent", status)
    assert told.state.phase == "failed"
    failed = [f.data.failure.error for f in told.facts if f.type == "hook.failed"]
    assert failed.count("CatchStatusError") == len(refused)
    assert told.types.count("hook.started") == len(drawn)


@pytest.mark.proves("HO-7")
def test_a_catch_hook_says_it_in_its_own_words() -> None:
    async def handle(lctx: LocalContext) -> None:
        raise KeyError

    def sorry(res: Response, error: BaseException) -> None:
        res.status = 409
        res.header("x-why", type(error).__name__)
        res.write({"sorry": True})

    def too_kind(res: Response) -> None:
        res.status = 200
        res.write({"fine": True})

    told = run_virtual(Controlled(version_of(handle, catch=[sorry, too_kind])).send())

    assert (told.answer.status, told.json) == (409, {"sorry": True})
    headers = dict(told.answer.headers)
    assert (headers["x-why"], headers["content-type"]) == ("KeyError", "application/json")
    failed = next(fact for fact in told.facts if fact.type == "hook.failed")
    assert (failed.data.failure.error, failed.data.failure.code) == ("CatchStatusError", "RT304")
    assert "fine" not in str(told.answer.body)

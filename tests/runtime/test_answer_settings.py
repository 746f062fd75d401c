"""What an app says of its answers and of what is kept of bodies: RS-1, RS-3, RX-10."""

from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, HttpError, Request
from runtime.errors import NotRecordedError, PolicySyntaxError, RegistrationError
from runtime.lifecycle.problems import URN, problem, rebased
from runtime.manifests import from_json, to_json
from runtime.testing import Harness

BASE = "https://errors.shop.example/problems#"
words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


@pytest.mark.proves("RS-1")
@given(st.sampled_from([URN, BASE, "tag:a,2026:"]), words, st.sampled_from([400, 404, 503]), words)
def test_a_document_of_another_base_differs_by_its_type_alone(
    base: str, code: str, status: int, detail: str
) -> None:
    """Seen to fail with the code left out, and with the length of another prefix."""
    own = problem(status, code, instance="req-1", detail=detail, members={"of": URN})
    other = rebased(own, base)

    said, was = msgspec.json.decode(other.body), msgspec.json.decode(own.body)
    assert said == {**was, "type": base + code}
    assert (other.status, other.headers) == (own.status, own.headers)
    assert rebased(other, base) == other
    event(f"own: {base == URN}")


class Kept(msgspec.Struct):
    n: int


def shop(**settings: Any) -> App:
    app = App("set", **settings)

    @app.handler("POST /fail")
    async def fail(req: Request[str]) -> int:
        if req.body == "http":
            raise HttpError(409, "sold-out")
        return 1 // 0

    @app.handler("POST /long/{n:int}", max_answer=64)
    async def long(req: Request[Any]) -> str:
        return "x" * int(req.path.n)

    @app.handler("POST /longer/{n:int}")
    async def longer(req: Request[Any]) -> bytes:
        return b"x" * int(req.path.n)

    @app.handler("POST /untyped")
    async def untyped(req: Request[Any]) -> Any:
        return {"got": len(req.body["text"])}

    @app.handler("POST /unread")
    async def unread(req: Request[Any]) -> int:
        return 7

    @app.handler("POST /kept")
    async def kept(req: Request[Kept]) -> Kept:
        return req.body

    return app


@pytest.mark.proves("RS-1")
def test_every_problem_of_an_app_begins_as_it_says() -> None:
    with Harness(shop(problem_base=BASE), replayed=True) as asked:
        results = [
            asked.get("/nowhere"), asked.get("/fail"), asked.post("/fail", json=1),
            asked.post("/fail", json="http"), asked.post("/fail", json="other"),
        ]  # fmt: skip
        results.append(asked.post("/fail", json="x", headers={"timescape-timeout": "?"}))
        asked.store_full()
        results.append(asked.post("/kept", json={"n": 1}))

    assert [each.code for each in results] == [
        "route-not-found", "method-not-allowed", "validation-failed", "sold-out",
        "handler-error", "header-malformed", "log-unavailable",
    ]  # fmt: skip
    for each in results:
        assert each.json["type"] == f"{BASE}{each.code}"
        assert not each.facts or each.facts[-1].data.body in (each.json, None)
    with pytest.raises(PolicySyntaxError, match="no beginning of a URI"):
        shop(problem_base="shop errors")


@pytest.mark.proves("RS-3", "HO-7", "HO-9")
@pytest.mark.parametrize(
    ("bodies", "status", "code"),
    [
        (["x" * 62], 409, None),
        (["x" * 63], 500, "response-invalid"),
        (["x" * 63, "short"], 409, None),  # the last writer wins
        ([object()], 500, "response-invalid"),
        ([], 409, "sold-out"),  # our own documents are longer than that
    ],
)
def test_what_catch_hooks_write_is_held_to_the_same_bound(
    bodies: list[Any], status: int, code: str | None
) -> None:
    """Seen to fail with the body of each writer held to it."""
    app = App("set")

    def sorry(body: object) -> Any:
        return lambda res: res.header("x-said", "a").header("x-said", "b").write(body)

    hooks = [sorry(body) for body in reversed(bodies)]

    @app.handler("GET /", max_answer=64, catch=hooks)
    async def fails() -> None:
        raise HttpError(409, "sold-out")

    with Harness(app, replayed=True) as asked:
        got = asked.get("/")

    refused = [fact for fact in got.facts if fact.type == "validation.failed"]
    assert (got.status, got.facts[-1].data.code) == (status, code or "sold-out")
    assert [fact.key for fact in refused] == ["response"] * (status == 500)
    assert len(got.body) <= 64 or got.code == code
    said = [value for name, value in got.facts[-1].data.headers if name == "x-said"]
    assert said == (["a", "b"] if bodies and status == 409 else [])


@pytest.mark.proves("RS-3", "MG-2")
def test_an_answer_may_be_as_long_as_its_handler_says_or_the_app() -> None:
    app = shop(max_answer=100)
    with Harness(app) as asked:
        own = [asked.post(f"/long/{n}", json=0).status for n in (62, 63)]
        apps = [asked.post(f"/longer/{n}", json=0) for n in (100, 101)]
    with Harness(shop()) as asked:
        most = [asked.post(f"/longer/{n}", json=0).status for n in (16 << 20, (16 << 20) + 1)]

    assert own == [200, 500]  # with its quotes
    assert [each.status for each in apps] == [200, 500]
    assert apps[1].code == "response-invalid"
    assert most == [200, 500]
    limits = {each.handler: each.policies.max_answer for each in app.manifests}
    assert (limits["post-long-n"], limits["post-kept"]) == (64, 100)
    assert all(from_json(to_json(each)) == each for each in app.manifests)
    for wrong in (0, True, "1", 1 << 30):
        with pytest.raises(PolicySyntaxError, match="max_answer"):
            App("x", max_answer=wrong)  # type: ignore[arg-type]
        with pytest.raises(RegistrationError, match="max_answer"):
            App("x").handler("GET /", max_answer=wrong)(shop)  # type: ignore[arg-type]


@pytest.mark.proves("RX-10", "IN-11")
def test_bodies_without_declared_fields_may_leave_size_and_digest_alone() -> None:
    """Seen to fail with the beginning of the body kept as text."""
    secret = {"text": "canary-5b1e"}
    with Harness(shop(record_untyped=False), replayed=False) as asked:
        untyped = asked.post("/untyped", json=secret)
        unread = asked.post("/unread", json=secret)
        kept = asked.post("/kept", json={"n": 7})
        raw = asked.send(asked.request("POST", "/longer/3").with_body(b"canary-5b1e")
                         .with_header("content-type", "application/json"))  # fmt: skip
    with Harness(shop(), replayed=True) as asked:
        whole = asked.post("/untyped", json=secret)

    untyped.assert_status(200).assert_body({"got": 11})
    assert raw.status == 400
    assert "canary-5b1e" not in repr(untyped.facts) + repr(unread.facts)
    first = untyped.facts[0].data
    assert (first.body, first.body_text, first.body_size) == (None, None, 22)
    assert len(first.body_digest) == 64
    assert untyped.facts[-1].data.body is None
    assert (kept.facts[0].data.body, kept.facts[-1].data.body) == ({"n": 7}, {"n": 7})
    assert whole.facts[0].data.body == secret
    assert whole.facts[-1].data.body == {"got": 11}

    with pytest.raises(NotRecordedError):
        untyped.replay()
    again = unread.replay()
    assert again.divergence is None
    assert kept.replay().divergence is None

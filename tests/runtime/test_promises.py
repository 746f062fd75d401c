"""What a handler promises besides types is kept, and written where callers read it."""

from typing import Any

import pytest

from debugger.session.routing import undeclared
from runtime import App, HttpError, Request, Response, promise
from runtime.codegen.openapi import openapi
from runtime.codegen.operations import service
from runtime.codegen.selection import select
from runtime.control import control_stream
from runtime.errors import PolicySyntaxError
from runtime.manifests import from_json, to_json
from runtime.problem_facts import ProblemUndeclared
from runtime.testing import Harness
from runtime.testing.contracts import check_handler


def shop() -> App:
    app = App("shop")

    @app.handler(
        "POST /orders",
        promises=promise(
            status=202,
            problems={"sold-out": 409},
            needs=["X-Tenant"],
            reads=["X-Region"],
            gives=["Location"],
            page_size=2,
            order="newest  first",
        ),
    )
    async def order(req: Request[list[int]], res: Response) -> list[int]:
        if req.body[:1] == [7]:
            raise HttpError(409, "sold-out")
        if req.body != [9]:
            res.header("Location", "/orders/1")
        if req.body == [1]:
            res.status = 200
        return req.body

    return app


def raising(raised: list[tuple[int, str]], **said: Any) -> App:
    app = App("shop")

    @app.handler("POST /orders", idempotency="off", **said)
    async def order() -> None:
        raise HttpError(*raised[0])

    return app


@pytest.mark.proves("BR-6")
def test_a_code_that_is_not_declared_is_sent_and_found_once() -> None:
    raised = [(409, "sold-out")]
    codes = promise(problems={"sold-out": 409, "locked": 423})
    made = Harness(raising(raised, promises=codes))
    with made as harness:

        def ask(status: int, code: str) -> Any:
            raised[0] = status, code
            answer = harness.post("/orders")
            assert (answer.status, answer.code) == (status, code)
            return answer

        ask(409, "sold-out")
        ask(409, "conflict")
        first = ask(418, "teapot")
        ask(418, "teapot")
        other = ask(409, "locked")
        stream = control_stream("shop")
        found = [e for e in made.store.read(stream) if e.type == "problem.undeclared"]

        version = first.facts[2].key
        assert [(e.key, e.data) for e in found] == [
            (version, ProblemUndeclared("teapot", 418, first.headers["request-id"])),
            (version, ProblemUndeclared("locked", 409, other.headers["request-id"])),
        ]
        assert undeclared(made.store, stream, version) == ["409 locked", "418 teapot"]


@pytest.mark.proves("BR-6")
def test_a_handler_that_declares_no_codes_may_raise_any() -> None:
    made = Harness(raising([(418, "teapot")]))
    with made as harness:
        assert harness.post("/orders").code == "teapot"
        facts = list(made.store.read(control_stream("shop")))
        assert not [each for each in facts if each.type == "problem.undeclared"]


@pytest.mark.proves("BR-6", "BR-7", "BR-8")
def test_requests_and_answers_are_held_to_what_was_promised() -> None:
    with Harness(shop()) as harness:

        def ask(body: Any, *tenant: str) -> Any:
            asking = harness.request("POST", "/orders").with_body(body)
            for name in tenant:
                asking = asking.with_header("x-tenant", name)
            return harness.send(asking)

        assert (ask([2], "a").status, ask([1], "a").status) == (202, 200)
        assert ask([2], "a").headers["location"] == "/orders/1"
        assert (ask([7], "a").status, ask([7], "a").code) == (409, "sold-out")
        refused = ask("no")
        assert refused.status == 400
        assert [each["path"] for each in refused.json["issues"]] == ["/headers/x-tenant", ""]
        assert [each["path"] for each in ask([2]).json["issues"]] == ["/headers/x-tenant"]
        assert (ask([1, 2, 3], "a").status, ask([1, 2, 3], "a").code) == (500, "response-invalid")
        assert ask([9], "a").code == "response-invalid"


@pytest.mark.proves("BR-6", "MG-2", "CG-11")
def test_promises_are_part_of_the_contract_and_of_the_openapi_document() -> None:
    (manifest,) = shop().manifests
    assert from_json(to_json(manifest)) == manifest
    assert manifest.answers[0][0] == 202

    plain = App("shop")
    plain.handler("POST /orders")(lambda req: None)
    assert "promises" not in plain.manifests[0].plain()

    chosen = select([manifest])
    document, _ = openapi("shop", service(chosen, python=True), chosen, "")
    written = document["paths"]["/orders"]["post"]
    assert [(p["name"], p.get("required", False)) for p in written["parameters"]] == [
        ("x-tenant", True),
        ("x-region", False),
    ]
    assert set(written["responses"]) == {"202", "409", "default"}
    assert written["responses"]["202"]["headers"]["location"]["required"]
    assert (written["x-timescape-page-size"], written["x-timescape-order"]) == (2, "newest first")


@pytest.mark.proves("CT-1", "BR-6")
def test_a_handler_that_answers_a_problem_it_does_not_promise_is_found() -> None:
    app = App("a")

    @app.handler("POST /a", promises=promise(problems={"odd": 409}, needs=["x-a"]))
    async def odd(req: Request[int]) -> int:
        if req.body % 2:
            raise HttpError(409, "odd" if req.body < 5 else "large")
        return req.body

    with pytest.raises(AssertionError, match="promises no such problem"):
        check_handler(app, "POST /a", examples=50)


@pytest.mark.proves("BR-7", "MG-4")
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 404},
        {"status": 204},
        {"problems": {"a": 200}},
        {"problems": {"A b": 400}},
        {"needs": ["Authorization"]},
        {"needs": ["content-length"]},
        {"gives": ["a b"]},
        {"may_give": [7]},
        {"page_size": 0},
        {"page_size": True},
    ],
)
def test_what_nobody_can_promise_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PolicySyntaxError):
        promise(**wrong)
    with pytest.raises(PolicySyntaxError, match="Write promises=promise"):
        App("a").handler("GET /a", promises=wrong)(lambda: None)  # type: ignore[arg-type]

"""Handlers are held to their contracts wherever a request can be wrong (CT-1)."""

import contextlib
import enum
import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, HttpError, Pattern, Request, Response, Sensitive, promise
from runtime.authentication import ApiKey, ApiKeys, key_digest
from runtime.gtype import gtype
from runtime.testing import Harness
from runtime.testing.contracts import as_test, check_handler, curl
from runtime.testing.request_faults import at_place, faults_of
from runtime.testing.strategies import CANARY, located_faults

KEY = "shop_k1_" + "4f1c" * 11


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Line(msgspec.Struct, forbid_unknown_fields=True):
    sku: Annotated[str, Pattern(r"[A-Z]{3}")]
    counts: dict[str, int]
    card: Annotated[str, Sensitive]
    colour: Colour | None = None


class Look(msgspec.Struct):
    n: int
    colour: Colour
    ids: list[UUID] = []
    at: float | None = None
    text: str = ""


def asked_in_all_ways() -> App:
    app = App("ways", auth=[ApiKeys("shop", [ApiKey("k1", key_digest(KEY), "ann")])])

    @app.handler(
        "POST /lines/{n:int}/{name}", version="2026-01-01", query=Look, roles={"customer"},
        scopes={"lines:write"}, limits="5/minute", idempotency="required",
        promises=promise(needs=["X-Tenant"], problems={"sold-out": 409}),
    )  # fmt: skip
    async def lines(req: Request[list[Line]]) -> int:
        if len(req.body) > 2:
            raise HttpError(409, "sold-out")
        return len(req.body)

    @app.handler("GET /days/{day:date}/{rest:path}")
    async def days(req: Request[Any]) -> str:
        return str(req.path.day)

    return app


@pytest.mark.proves("CT-1")
def test_a_handler_that_keeps_its_contract_passes_in_every_part_of_a_request() -> None:
    app = asked_in_all_ways()
    check_handler(app, "POST /lines/{n:int}/{name}", examples=25)
    check_handler(app, "GET /days/{day:date}/{rest:path}", examples=15)

    (manifest,) = [each for each in app.manifests if each.method == "POST"]
    told = [each.what for each in faults_of(manifest)]
    assert {"n in the path is no int", "header x-tenant is left out", "n is left out",
            "ids is no value", "n is there twice", "the body is no JSON"} <= set(told)  # fmt: skip
    assert "text is no value" not in told
    assert "ids is there twice" not in told


def meddling(meddle: Any) -> App:
    app = App("meddles")

    @app.handler("POST /n/{n:int}", query=Look, promises=promise(needs=["X-A"]))
    async def n(req: Request[Line]) -> int:
        return 1

    app.catch(meddle)
    return app


def echoes(req: Request[Any], res: Response) -> None:
    res.write({"issues": [{"path": "/"}], "you": str(req.query)}, status=400)


def forgives(res: Response) -> None:
    res.write({"issues": []}, status=422)


def moves(res: Response) -> None:
    document = {"code": "validation-failed", "issues": [{"path": "/nowhere"}]}
    res.header("content-type", "application/problem+json")
    res.write(document, status=400)


@pytest.mark.proves("CT-1")
@pytest.mark.parametrize(
    ("meddle", "found"),
    [
        (forgives, "did not answer 400"),
        (moves, "names no fault at"),
        (echoes, "says back what it refused|did not answer|names no fault"),
    ],
)
def test_a_handler_that_breaks_its_contract_is_found_with_its_request(
    meddle: Any, found: str
) -> None:
    with pytest.raises(AssertionError, match=found) as caught:
        check_handler(meddling(meddle), "POST /n/{n:int}", examples=20)

    (note,) = [each for each in caught.value.__notes__ if each.startswith("curl -X POST ")]
    line, test = note.split("\n\n", 1)
    assert "http://localhost:8000/n/" in line
    assert re.match(r"def test_post_[0-9a-f]{8}\(\) -> None:\n    with Harness\(app\)", test)


@pytest.mark.proves("CT-1")
def test_an_answer_has_a_status_that_is_declared() -> None:
    """Of success; 204 stands for None, where the type has it."""
    app = App("statuses")

    @app.handler("POST /made")
    async def made(req: Request[Line], res: Response) -> Line:
        res.status = 201
        return req.body

    app.handler("POST /promised", promises=promise(status=201))(made)

    @app.handler("POST /perhaps")
    async def perhaps(req: Request[Line]) -> Line | None:
        return req.body if len(req.body.counts) % 2 else None

    with pytest.raises(AssertionError, match="declares to answer 200"):
        check_handler(app, "POST /made", examples=3)
    check_handler(app, "POST /promised", examples=3)
    check_handler(app, "POST /perhaps", examples=3)


def guarded_by_nothing() -> App:
    app = App("printed")

    @app.handler("POST /n/{name}", query=Look)
    async def n(req: Request[Any]) -> int:
        raise ValueError(req.body)

    return app


@pytest.mark.proves("CT-1")
@given(
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=5).filter(
        lambda text: text not in {".", ".."}
    ),
    st.dictionaries(st.sampled_from(["a b", "n"]), st.text(st.characters(codec="utf-8"))),
    st.none() | st.binary(max_size=6) | st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from([None, 400, 404, 415]),
)
def test_what_is_printed_as_a_test_sends_the_same_request_and_claims_its_status(
    name: str, query: dict[str, str], body: Any, wanted: int | None
) -> None:
    """Seen to fail with the target decoded, with the body as text, and with 400 for all faults."""
    asking = PRINTED.request("POST", "/n/{name}").with_path(name=name).with_query(**query)
    if body is not None:
        asking = asking.with_body(body).with_header("x-a", "it's")
    sent = _Caught()

    scope: dict[str, Any] = {"Harness": lambda _: contextlib.nullcontext(sent), "app": None}
    exec(as_test(asking, PRINTED_RESULT, wanted), scope)  # noqa: S102 - it is what is printed
    (test,) = [each for key, each in scope.items() if key.startswith("test_")]
    # It was answered 404, which a request that conforms may be.
    claims = contextlib.nullcontext() if wanted in {None, 404} else pytest.raises(AssertionError)
    with claims:
        test()

    (again,) = sent.askings
    assert (again.method, again.target) == (asking.method, asking.target)
    assert (again.headers, again.body) == (asking.headers, asking.body)
    assert curl(again) == curl(asking)
    event(f"body: {type(body).__name__}")


PRINTED = Harness(guarded_by_nothing())
with Harness(guarded_by_nothing()) as _asked:
    PRINTED_RESULT = _asked.get("/nowhere")


class _Caught:
    """Takes what a printed test sends."""

    def __init__(self) -> None:
        self.askings: list[Any] = []

    def request(self, method: str, target: str) -> Any:
        return PRINTED.request(method, target)

    def send(self, asking: Any) -> Any:
        self.askings.append(asking)
        return PRINTED_RESULT


@pytest.mark.proves("TH-12", "CT-1")
@given(located_faults(gtype(list[Line])))
def test_a_fault_is_where_it_is_said_to_be(drawn: tuple[Any, str]) -> None:
    """By putting what stands there right again, for faults that replace something."""
    value, where = drawn
    found = value
    for step in where.split("/")[1:]:
        key = int(step) if isinstance(found, list) else step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key not in found:
            event("left out")
            return
        found = found[key]
    event("replaced")
    assert found in (None, True, 7, 1.5, CANARY, [], [CANARY]) or CANARY in found.values()


@pytest.mark.proves("CT-1")
def test_an_issue_is_at_a_fault_where_one_is_above_the_other() -> None:
    assert at_place("/items/2/sku", "/items/2/sku")
    assert at_place("", "/items/2")
    assert at_place("/items/2/sku", "/items/2")
    assert at_place("/card/*", "/card/number")
    assert not at_place("/items/1", "/items/2/sku")

"""What transformers get and give: numbers as they were written, and the headers of manifests."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, Parts, Request, Response, promise
from runtime.lifecycle.binding import bind
from runtime.lifecycle.carried import Carried, checked
from runtime.testing import Harness
from runtime.testing.version_contracts import check_transformers

OLD, NEW = "2026-03-01", "2026-06-01"


class Price(msgspec.Struct):
    price: Decimal


class Priced(msgspec.Struct):
    price: Decimal
    currency: str


def euros(parts: Parts) -> Parts:
    parts.body["currency"] = "EUR"
    return parts


BOUND = bind(euros, frozenset({"parts"}))


def prices() -> App:
    app = App("prices")

    @app.handler("POST /prices", version=OLD)
    async def old(req: Request[Price]) -> str:
        return f"old {req.body.price}"

    @app.handler("POST /prices", version=NEW)
    async def new(req: Request[Priced]) -> str:
        return f"{req.body.price} {req.body.currency}"

    app.transformer("POST /prices", OLD, NEW, request_up=euros)
    return app


@pytest.mark.proves("TX-3", "TX-7")
def test_a_number_that_a_step_does_not_touch_is_what_was_sent() -> None:
    with Harness(prices()) as asked:
        for number in ("0.1", "12345678901234567.891", "9e999", "1e-999", "123456789012345678901"):
            sent = asked.request("POST", "/prices").with_query(v=OLD)
            sent = sent.with_header("content-type", "application/json")
            answer = asked.send(sent.with_body(b'{"price": %s}' % number.encode()))

            price, currency = answer.json.split()
            assert (Decimal(price), currency) == (Decimal(number), "EUR")


@pytest.mark.proves("TX-3")
@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_numbers_are_floats_and_are_written_again_without_loss(number: Decimal) -> None:
    parts = Carried(b'{"n":%s}' % format(number, "E").encode()).parts()
    found = parts.body["n"]

    assert isinstance(found, float)
    assert type(found * 2.0) is float
    written = checked(parts, Carried(b""), BOUND, 10_000, frozenset()).body
    assert msgspec.json.decode(written, type=dict[str, Decimal])["n"] == number


@pytest.mark.proves("TX-7")
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("inside", [False, True])
def test_what_is_no_number_is_not_handed_on_as_nothing(number: float, *, inside: bool) -> None:
    app = App("odd")

    @app.handler("GET /odd", version=OLD)
    async def old() -> float | dict[str, Any] | None:
        return 1.0

    @app.handler("GET /odd", version=NEW)
    async def new() -> str:
        return "new"

    def down(parts: Parts) -> Parts:
        parts.body = {"a": [1, {"b": number}]} if inside else number
        return parts

    app.transformer("GET /odd", OLD, NEW, response_down=down)
    with Harness(app) as asked:
        answer = asked.send(asked.request("GET", "/odd").with_query(v=OLD))

        assert (answer.status, answer.code) == (500, "transform-failed")


# --- headers ---


def located(
    up: Callable[[Parts], Parts] | None, down: Callable[[Parts], Parts] | None, **more: Any
) -> App:
    """Make an app whose older version reads a region and gives a place; its newer one not."""
    app = App("located")
    before = promise(reads=["X-Region"], gives=["Location"])

    @app.handler("POST /orders", version=OLD, promises=before)
    async def old(req: Request[int], res: Response) -> str:
        res.header("Location", "/old").header("X-Own", "1")
        return f"old in {req.headers['x-region']}"

    @app.handler("POST /orders", version=NEW, promises=promise(needs=["X-Tenant"]))
    async def new(req: Request[int], res: Response) -> str:
        res.header("X-Own", "1")
        return f"new for {req.headers['x-tenant']}, {req.headers.get('x-region', 'nowhere')}"

    app.transformer("POST /orders", OLD, NEW, request_up=up, response_down=down, **more)
    return app


def to_tenant(parts: Parts) -> Parts:
    parts.headers = {"x-tenant": f"all of {parts.headers.pop('x-region')}"}
    return parts


def from_body(parts: Parts) -> Parts:
    parts.headers["location"] = "/orders/1"
    return parts


@pytest.mark.proves("TX-3", "TX-5", "DP-1", "BR-7")
def test_a_step_makes_the_headers_that_manifests_name() -> None:
    with Harness(located(to_tenant, from_body)) as asked:
        sent = asked.request("POST", "/orders").with_query(v=OLD).with_body(7)
        sent = sent.with_header("x-region", "north").with_header("x-other", "stays")
        answer = asked.send(sent)

        assert (answer.status, answer.json) == (200, "new for all of north, nowhere")
        assert (answer.headers["location"], answer.headers["x-own"]) == ("/orders/1", "1")
        hops = [each for each in answer.facts if each.type == "transform.applied"]
        assert [each.data.side for each in hops] == ["request", "response"]


@pytest.mark.proves("TX-3", "TX-7")
@pytest.mark.parametrize(
    "headers",
    [
        {"x-tenant": "a", "x-other": "b"},
        {"x-tenant": "a", "authorization": "b"},
        {"X-Tenant": "a"},
        {"x-tenant": "a\r\nx-evil: 1"},
        {"x-tenant": 7},
        {7: "a"},
        ["x-tenant"],
        {},
    ],
)
def test_a_step_that_makes_others_or_none_is_passed_by(headers: Any) -> None:
    def up(parts: Parts) -> Parts:
        parts.headers = headers
        return parts

    with Harness(located(up, from_body)) as asked:
        sent = asked.request("POST", "/orders").with_query(v=OLD).with_body(7)
        answer = asked.send(sent.with_header("x-region", "north"))

        assert answer.json == "old in north"
        assert answer.headers["timescape-version"].endswith("-001")


@pytest.mark.proves("TX-3", "TX-7")
def test_an_answer_without_a_header_that_was_promised_fails() -> None:
    with Harness(located(to_tenant, lambda parts: parts)) as asked:
        sent = asked.request("POST", "/orders").with_query(v=OLD).with_body(7)
        answer = asked.send(sent.with_header("x-region", "north"))

        assert (answer.status, answer.code) == (500, "response-invalid")


@pytest.mark.proves("TX-8")
def test_the_laws_of_transformers_know_of_headers() -> None:
    def up(parts: Parts) -> Parts:
        parts.headers = {"x-tenant": "all"}
        return parts

    check_transformers(located(up, None), "POST /orders", examples=5)
    with pytest.raises(AssertionError, match="x-tenant"):
        check_transformers(located(lambda parts: parts, None), "POST /orders", examples=5)

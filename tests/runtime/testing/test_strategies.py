"""Strategies drawn from types as data, and handlers held to their contracts."""

import asyncio
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from debugger.demo.shop import Item
from debugger.demo.shop import app as shop
from runtime import App, Check, Request
from runtime.errors import UnsupportedTypeError, VersionNotFound
from runtime.gtype import check, gtype
from runtime.messages import ValidationFailed
from runtime.principals import Principal
from runtime.testing import run_virtual
from runtime.testing.contracts import check_handler
from runtime.testing.strategies import one_fault_away, principals, schedules, values
from tests.generated.odd_app import Cat, Colour
from tests.runtime.schemas import Schema, schemas

EVEN = Annotated[int, Check(lambda n: n % 2 == 0, "even", "an even number")]


@pytest.mark.proves("TH-12")
@given(st.data(), schemas(1))
def test_what_is_drawn_of_a_type_conforms_to_it(data: st.DataObject, schema: Schema) -> None:
    value = data.draw(values(gtype(list[schema.hint])))  # type: ignore[name-defined]

    check(list[schema.hint]).decode(msgspec.json.encode(value))  # type: ignore[name-defined]
    assert isinstance(value, list)


@pytest.mark.proves("TH-12")
@given(values(gtype(Item)), one_fault_away(gtype(Item)))
def test_one_fault_away_is_refused(good: Any, bad: Any) -> None:
    checked = check(Item)

    assert checked.decode(msgspec.json.encode(good)).sku == good["sku"]
    with pytest.raises(ValidationFailed):
        checked.decode(msgspec.json.encode(bad))


@pytest.mark.proves("TH-12", "SI-2")
@given(principals(["customer", "admin"]), schedules(turns=20))
def test_principals_and_schedules_are_drawn(who: Principal, schedule: list[int]) -> None:
    done: list[int] = []

    async def one(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    async def scenario() -> None:
        await asyncio.gather(*(one(number) for number in range(3)))

    run_virtual(scenario(), schedule)

    event(f"anonymous: {who.is_anonymous}, in order: {done == [0, 1, 2]}")
    assert sorted(done) == [0, 1, 2]
    assert set(who.roles) <= {"customer", "admin"}


@pytest.mark.proves("TH-12")
def test_a_check_in_code_needs_values() -> None:
    with pytest.raises(UnsupportedTypeError, match="even"):
        values(gtype(EVEN))
    with pytest.raises(UnsupportedTypeError, match="no fault"):
        one_fault_away(gtype(Any))

    assert values(gtype(EVEN), {"even": st.just(4)}) is not None


@pytest.mark.proves("CT-1")
def test_a_handler_that_keeps_its_contract_passes() -> None:
    check_handler(shop, "PUT /carts/{cart}", examples=15)

    with pytest.raises(VersionNotFound, match="POST /orders"):
        check_handler(shop, "GET /nowhere")


@pytest.mark.proves("CT-1")
def test_a_handler_that_fails_on_some_request_is_found() -> None:
    app = App("breaks")

    @app.handler("POST /n")
    async def refuse(req: Request[bool]) -> int:
        return 10 // (not req.body)

    @app.handler("POST /c")
    async def show(req: Request[list[Colour]]) -> Cat:
        return Cat()

    with pytest.raises(AssertionError, match="failed on a request that conforms: 500") as caught:
        check_handler(app, "POST /n")
    assert any("curl -X POST http://localhost:8000/n " in n for n in caught.value.__notes__)
    check_handler(app, "POST /c", examples=5)

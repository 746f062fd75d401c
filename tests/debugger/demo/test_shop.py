"""The demo shop does what its visitors and the tutorial expect of it, with its one defect."""

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from debugger.demo.catalogue import CATALOGUE, RATES
from debugger.demo.shop import app
from debugger.demo.traffic import (
    BANK_DOWN,
    BANK_HANGS,
    DECLINED,
    GOOD_CARD,
    MIX,
    Visit,
    complaint,
    visits,
)
from eventstore import Event
from eventstore.memory import MemoryStore
from runtime.context import REQUEST_REDUCER
from runtime.effects.virtual_loop import run_virtual
from tests.faces.asgi import Reply, ask, facts_of, memory_store

HOOKS = "debugger.demo.shop."


def record(planned: Sequence[Visit]) -> tuple[MemoryStore, list[Reply]]:
    """Let the visits happen one after the other, on a log in memory and virtual time."""
    store = memory_store()

    async def scenario() -> list[Reply]:
        app.start(store)
        try:
            return [
                await ask(app, v.method, v.target, v.body or None, headers=v.headers)
                for v in planned
            ]
        finally:
            await app.stop()

    return store, run_virtual(scenario())


def order(**more: Any) -> Visit:
    body = {"customer": "bo", "card": GOOD_CARD, "items": [{"sku": "mug", "quantity": 2}]} | more
    headers = (("content-type", "application/json"),)
    return Visit("order", "POST", "/orders", msgspec.json.encode(body), headers)


def one(visit: Visit) -> tuple[Reply, list[Event]]:
    store, replies = record([visit])
    return replies[0], facts_of(store, replies[0])


def values_of(facts: list[Event]) -> Any:
    return REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), facts).values


def money(value: Any) -> Decimal:
    return Decimal(value["$decimal"])


def names(facts: list[Event]) -> list[str]:
    return [event.type for event in facts]


def test_equal_seeds_give_equal_visits_and_others_do_not() -> None:
    assert visits(300, 7) == visits(300, 7)
    assert visits(300, 7) != visits(300, 8)


def test_every_kind_of_visit_is_among_the_first() -> None:
    kinds = {visit.kind for visit in visits(1 + len(MIX), 7)}

    assert len(kinds) == 1 + len(MIX)
    assert "complaint" in {visit.kind for visit in visits(1, 7)}


def test_visits_end_in_every_way_a_request_can() -> None:
    _, replies = record(visits(120, 7))

    assert {reply.status for reply in replies} == {200, 400, 402, 404, 405, 409, 500, 504}


def test_the_customer_who_complains_pays_more_with_the_voucher_than_without() -> None:
    """The planted defect: a book's price with tax is taken for its price without."""
    with_voucher, facts = one(order(items=[{"sku": "atlas", "quantity": 1}], voucher="AUTUMN10"))
    without, _ = one(order(items=[{"sku": "atlas", "quantity": 1}]))

    line = values_of(facts)["lines"][0]

    assert without.json["total"] == "33.00"
    assert with_voucher.json["total"] == "35.31"
    assert money(line["net"]) == money(line["shelf"])
    assert money(line["unit_net"]) == Decimal("30.84")


def test_the_complaint_is_always_the_same_sum() -> None:
    reply, _ = one(complaint(random.Random(1)))  # noqa: S311 - not for secrets

    assert reply.json["total"] == "46.02"


@pytest.mark.parametrize("sku", [sku for sku, p in CATALOGUE.items() if p.category != "book"])
def test_without_books_totals_are_right(sku: str) -> None:
    """The defect does not show everywhere, or it would have been seen at once."""
    reply, facts = one(order(items=[{"sku": sku, "quantity": 3}], voucher="FRIENDS25"))
    line = values_of(facts)["lines"][0]

    net = (money(line["unit_net"]) * 3 * Decimal("0.75")).quantize(Decimal("0.01"))
    tax = (net * RATES[CATALOGUE[sku].category]).quantize(Decimal("0.01"))

    assert Decimal(reply.json["total"]) == net + tax


def test_the_older_edition_knows_neither_the_hook_nor_its_defect() -> None:
    visit = order(items=[{"sku": "atlas", "quantity": 1}], voucher="AUTUMN10")
    older = Visit(visit.kind, "POST", "/orders?version=2026-03-01", visit.body, visit.headers)

    reply, facts = one(older)

    assert reply.json["total"] == "29.70"
    assert f"{HOOKS}spare_books" not in {event.key for event in facts}


def test_hooks_of_all_three_levels_run_in_order() -> None:
    _, facts = one(order(gift=True))

    started = [
        (event.data.kind, event.data.level, str(event.key).removeprefix(HOOKS))
        for event in facts
        if event.type == "hook.started"
    ]

    assert [level for kind, level, _ in started if kind == "before"] == [
        "global", "route", "route", "route", "route", "local",
    ]  # fmt: skip
    assert [name for kind, _, name in started if kind == "after"] == ["give_points", "keep_audit"]
    assert values_of(facts)["lines"][-1]["sku"] == "wrap"


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"card": DECLINED}, 402, "card-declined"),
        ({"card": BANK_DOWN}, 500, "handler-error"),
        ({"card": BANK_HANGS}, 504, "timeout"),
        (
            {"items": [{"sku": "tea", "quantity": 1}, {"sku": "knots", "quantity": 1}]},
            409,
            "out-of-stock",
        ),
    ],
)
def test_an_order_that_fails_gives_back_what_it_had_reserved(
    more: dict[str, Any], status: int, code: str
) -> None:
    reply, facts = one(order(**more))
    reserved = [e for e in facts if e.type == "effect.returned" and e.data.value is True]

    assert (reply.status, reply.code) == (status, code)
    assert names(facts).count("compensation.ran") == names(facts).count("compensation.registered")
    assert names(facts).count("compensation.ran") == len(reserved) >= 1
    assert f"{HOOKS}tell_customer" in {event.key for event in facts}


def test_a_cart_too_small_for_the_bundle_price_goes_back_to_label_prices() -> None:
    def cart(quantity: int) -> list[Event]:
        visit = order(items=[{"sku": "tea", "quantity": quantity}])
        return one(Visit("cart", "PUT", "/carts/c1", visit.body, visit.headers))[1]

    small, large = cart(3), cart(10)

    assert "context.restored" in names(small)
    assert money(values_of(small)["net"]) == 24
    assert "context.restored" not in names(large)
    assert money(values_of(large)["net"]) == 76


def test_card_numbers_are_nowhere_in_the_log() -> None:
    store, _ = record(visits(120, 7))
    everything = str([row.events for row in store.read_log(limit=10_000)])

    cards = [GOOD_CARD, DECLINED, BANK_DOWN, BANK_HANGS]

    assert "redacted" in everything
    assert [card for card in cards if card in everything or card[-9:] in everything] == []

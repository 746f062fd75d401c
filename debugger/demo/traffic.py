"""What the shop's visitors do. Pure: a seed and a number give always the same visits."""

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from debugger.demo.catalogue import CATALOGUE, VOUCHERS

GOOD_CARD = "4000 0566 5566 5556"
DECLINED = "4000 0000 0000 0002"
BANK_DOWN = "4000 0000 0000 0119"
BANK_HANGS = "4000 0000 0000 0259"

CUSTOMERS = ("ann", "bo", "cleo", "dag", "eve", "finn")


class Visit(msgspec.Struct, frozen=True):
    """One request to be sent."""

    kind: str
    method: str
    target: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


Maker = Callable[[random.Random], Visit]


def _json(kind: str, method: str, target: str, body: Any) -> Visit:
    headers = (("content-type", "application/json"),)
    return Visit(kind, method, target, msgspec.json.encode(body), headers)


def _items(chance: random.Random) -> list[dict[str, Any]]:
    sold = [sku for sku, product in CATALOGUE.items() if product.units and sku != "wrap"]
    picked = chance.sample(sold, chance.randint(1, 4))
    return [{"sku": sku, "quantity": chance.randint(1, 5)} for sku in picked]


def _order(chance: random.Random, **more: Any) -> dict[str, Any]:
    order: dict[str, Any] = {
        "customer": chance.choice(CUSTOMERS),
        "card": GOOD_CARD,
        "items": _items(chance),
    }
    if chance.random() < 0.3:
        order["voucher"] = chance.choice(sorted(VOUCHERS))
    if chance.random() < 0.2:
        order["gift"] = True
    return order | more


def complaint(_: random.Random) -> Visit:
    """Ann buys a book and a mug with a voucher, and is charged more than without."""
    items = [{"sku": "atlas", "quantity": 1}, {"sku": "mug", "quantity": 1}]
    body = {"customer": "ann", "card": GOOD_CARD, "items": items, "voucher": "AUTUMN10"}
    return _json("complaint", "POST", "/orders", body)


def _browse(chance: random.Random) -> Visit:
    category = chance.choice(["", "?category=book", "?category=kitchen", "?category=food"])
    return Visit("browse", "GET", f"/products{category}", headers=(("user-agent", "shop-app/3"),))


def _cart(chance: random.Random) -> Visit:
    return _json("cart", "PUT", f"/carts/c{chance.randint(1, 99)}", {"items": _items(chance)})


def _buy(chance: random.Random) -> Visit:
    return _json("order", "POST", "/orders", _order(chance))


def _buy_pinned(chance: random.Random) -> Visit:
    return _json("pinned", "POST", "/orders?version=2026-03-01", _order(chance))


def _refund(chance: random.Random) -> Visit:
    order = str(UUID(int=chance.getrandbits(128), version=4))
    body = {"order": order, "cents": chance.randint(1, 15_000)}
    return _json("refund", "POST", "/refunds", body)


def _large_refund(chance: random.Random) -> Visit:
    order = str(UUID(int=chance.getrandbits(128), version=4))
    return _json("large refund", "POST", "/refunds", {"order": order, "cents": 95_000})


def _wrong_types(chance: random.Random) -> Visit:
    body = _order(chance, items=[{"sku": 7, "quantity": 0}, {"quantity": "two"}], customer="")
    return _json("wrong types", "POST", "/orders", body)


def _not_json(_: random.Random) -> Visit:
    headers = (("content-type", "application/json"),)
    return Visit("not JSON", "POST", "/orders", b'{"customer": "bo", ', headers)


def _no_route(chance: random.Random) -> Visit:
    return Visit("no route", "GET", f"/wishlists/{chance.randint(1, 9)}")


def _wrong_method(_: random.Random) -> Visit:
    return Visit("wrong method", "DELETE", "/products")


def _unknown_product(chance: random.Random) -> Visit:
    body = _order(chance, items=[{"sku": "unicorn", "quantity": 1}])
    return _json("unknown product", "POST", "/orders", body)


def _sold_out(chance: random.Random) -> Visit:
    items = [{"sku": "tea", "quantity": 2}, {"sku": "knots", "quantity": 1}]
    return _json("sold out", "POST", "/orders", _order(chance, items=items))


def _declined(chance: random.Random) -> Visit:
    return _json("declined", "POST", "/orders", _order(chance, card=DECLINED))


def _bank_down(chance: random.Random) -> Visit:
    return _json("bank down", "POST", "/orders", _order(chance, card=BANK_DOWN))


def _bank_hangs(chance: random.Random) -> Visit:
    body = _order(chance, card=BANK_HANGS)
    return _json("bank hangs", "POST", "/orders", body)


MIX: tuple[tuple[Maker, int], ...] = (
    (_buy, 26), (_browse, 24), (_cart, 16), (_refund, 8), (_buy_pinned, 6),
    (_declined, 4), (_wrong_types, 3), (_sold_out, 3), (_bank_down, 3), (_bank_hangs, 2),
    (_large_refund, 2), (_not_json, 1), (_no_route, 1), (_unknown_product, 1), (_wrong_method, 1),
)  # fmt: skip
"""What visitors do, and how often in a hundred."""


def visits(count: int, seed: int) -> list[Visit]:
    """Draw *count* visits: the complaint, one of each kind as far as they go, then by the mix.

    The order is shuffled, so that failures lie between the good ones.
    """
    chance = random.Random(seed)  # noqa: S311 - not for secrets: runs are to be alike
    makers = [complaint, *(maker for maker, _ in MIX)][:count]
    weights = [weight for _, weight in MIX]
    makers += chance.choices([maker for maker, _ in MIX], weights, k=count - len(makers))
    chance.shuffle(makers)
    return [maker(chance) for maker in makers]

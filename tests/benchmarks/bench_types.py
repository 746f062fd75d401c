"""Validation of a compiled type against msgspec's own decoder, on the same bytes.

A type bounds how deep its text nests, unless it holds any value or itself; a pattern is run by RE2.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec

from runtime.gtype import Pattern, check
from tests.benchmarks.measure import Row, compare, rate

COUNT = 5_000


class Item(msgspec.Struct):
    """A line of an order, as msgspec alone can check it."""

    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=8)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Order(msgspec.Struct):
    """An order of some lines."""

    customer: str
    items: list[Item]
    note: str | None = None


class Coded(msgspec.Struct):
    """The same with a pattern at the customer."""

    customer: Annotated[str, Pattern("[a-z]{2,20}")]
    items: list[Item]
    note: str | None = None


BODY = msgspec.json.encode(
    {"customer": "ann", "items": [{"sku": f"mug-{n}", "quantity": n + 1} for n in range(50)]}
)


def rows() -> list[Row]:
    theirs = msgspec.json.Decoder(Order).decode
    return [
        _against(theirs, "validation of a body of 50 lines, 1.5 KB", Order, 0.9),
        _against(theirs, "the same with a pattern", Coded, None),
    ]


def _against(theirs: Callable[[bytes], object], what: str, hint: type, bar: float | None) -> Row:
    ours = check(hint).decode
    return compare(
        what,
        lambda: rate(COUNT, lambda: _each(ours)),
        lambda: rate(COUNT, lambda: _each(theirs)),
        peer="msgspec's decoder",
        unit="bodies/s",
        bar=bar,
    )


def _each(decode: Callable[[bytes], object]) -> None:
    for _ in range(COUNT):
        decode(BODY)

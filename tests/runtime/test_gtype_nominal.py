"""GT-2: a `NewType` and a `Brand` are nominal names, wherever in a type they stand."""

import dataclasses
from typing import Annotated, Any, Generic, NamedTuple, NewType, Optional, TypedDict, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import Brand
from runtime.breaking import compare
from runtime.gtype import GType, check, gtype

OrderId = NewType("OrderId", int)
UserId = NewType("UserId", int)
Name = NewType("Name", str)
T = TypeVar("T")


class Order(msgspec.Struct):
    id: OrderId
    buyer: UserId | None = None
    lines: "list[OrderId]" = []


class Renamed(msgspec.Struct, rename="upper"):
    id: OrderId


class Box(msgspec.Struct, Generic[T]):
    one: T
    many: list[T] = []


@dataclasses.dataclass
class Plain:
    id: OrderId


class Keyed(TypedDict, total=False):
    id: OrderId


class Pair(NamedTuple):
    id: OrderId
    by: UserId


class Node(msgspec.Struct):
    id: OrderId
    next: Optional["Node"] = None


def brands(made: GType) -> set[str]:
    """Collect every nominal name of a type, from its plain form."""
    found: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("brand"), str):
                found.add(part["brand"])
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(msgspec.json.decode(made.to_json()))
    return found


@pytest.mark.proves("GT-2")
@pytest.mark.parametrize(
    ("hint", "names"),
    [
        (OrderId, {"OrderId"}),
        (Order, {"OrderId", "UserId"}),
        (Renamed, {"OrderId"}),
        (Box[OrderId], {"OrderId"}),
        (Plain, {"OrderId"}),
        (Keyed, {"OrderId"}),
        (Pair, {"OrderId", "UserId"}),
        (Node, {"OrderId"}),
        (dict[Name, tuple[OrderId, int]], {"Name", "OrderId"}),
        (tuple[UserId, ...], {"UserId"}),
        (Name | OrderId | None, {"Name", "OrderId"}),
        (Annotated[OrderId, msgspec.Meta(title="an order")], {"OrderId"}),
        (Annotated[OrderId, Brand("Outer")], {"Outer"}),
        (NewType("Outer", OrderId), {"Outer"}),
        (int, set()),
    ],
)
def test_a_name_is_read_wherever_it_stands(hint: Any, names: set[str]) -> None:
    assert brands(gtype(hint)) == names


@pytest.mark.proves("GT-2", "GT-16")
def test_two_names_are_two_types_and_their_values_are_alike() -> None:
    assert gtype(OrderId).digest != gtype(UserId).digest != gtype(int).digest
    assert gtype(OrderId).digest == gtype(Annotated[int, Brand("OrderId")]).digest
    assert check(OrderId).decode(b"7") == check(int).decode(b"7") == 7


@pytest.mark.proves("GT-2", "BR-29")
def test_another_name_is_a_breaking_change() -> None:
    found = compare(gtype(list[OrderId]), gtype(list[UserId]))

    assert [change.rule.id for change in found.changes] == ["BR-29"]


leaves = st.sampled_from([int, str, OrderId, UserId, Name])
hints = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda t: list[t]),  # type: ignore[valid-type]
        inner.map(lambda t: dict[str, t]),  # type: ignore[valid-type]
        inner.map(lambda t: t | None),
        st.tuples(inner, inner).map(lambda two: tuple[two]),  # type: ignore[valid-type]
    ),
    max_leaves=6,
)


def written(hint: Any) -> set[str]:
    """Collect the names in a hint, from the hint."""
    if isinstance(hint, NewType):
        return {hint.__name__}
    return set().union(*(written(part) for part in getattr(hint, "__args__", ())))


@pytest.mark.proves("GT-2")
@given(hints)
def test_law_every_name_of_a_hint_is_in_its_type(hint: Any) -> None:
    assert brands(gtype(hint)) == written(hint)

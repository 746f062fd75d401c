"""P14 and X4: breaking is what some value shows, in either direction; DF-1 … DF-3."""

from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.breaking import RULES, Comparison, Direction, compare
from runtime.gtype import gtype, kinds
from runtime.gtype.kinds import Object
from runtime.gtype.passes import Passes
from runtime.gtype.plan import find
from runtime.gtype.schema import GType
from tests.laws.edits import edits, types, values


def refuses(type_: GType, value: Any) -> bool:
    """Say, by the collecting pass alone, whether *type_* refuses *value*."""
    return bool(find(Passes(type_.objects, {}).node(type_.root), value).issues)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[GType, GType]:
    old = draw(types())
    new = old
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2, 3]))):
        new = draw(edits(new))
    return old, new


@pytest.mark.proves("DF-3", "P14")
@given(pair=pairs(), data=st.data())
def test_p14_what_is_not_breaking_refuses_nothing(pair: tuple[GType, GType], data: Any) -> None:
    """Without a breaking change, what was valid for the writer is valid for the reader.

    Seen to fail with a loosened bound taken for a tightened one.
    """
    old, new = pair
    request, response = compare(old, new, "request"), compare(old, new, "response")
    event(f"request breaks: {request.breaking}")
    event(f"response breaks: {response.breaking}")
    for comparison, writer, reader in ((request, old, new), (response, new, old)):
        for _ in range(4):
            value = data.draw(values(writer))
            assert not refuses(writer, value), "the values are not those of the type"
            if not comparison.breaking:
                assert not refuses(reader, value), (comparison.changes, value)


@pytest.mark.proves("DF-2", "P14")
@given(pair=pairs())
def test_p14_swapping_sides_and_direction_agrees(pair: tuple[GType, GType]) -> None:
    """What breaks requests one way breaks answers the other way, where values show it."""
    old, new = pair

    def shown(comparison: Comparison) -> bool:
        return any(
            change.rule.by_value and change.verdict(comparison.direction) == "breaking"
            for change in comparison.changes
        )

    assert shown(compare(old, new, "request")) == shown(compare(new, old, "response"))


sizes = st.tuples(st.integers(0, 3), st.none() | st.integers(3, 6))


def long(size: int, kind: str) -> Any:
    return "x" * size if kind == "text" else [0] * size


@pytest.mark.proves("DF-3", "P14")
@given(before=sizes, after=sizes, kind=st.sampled_from(["text", "array"]))
def test_p14_a_moved_bound_breaks_iff_an_outermost_value_is_refused(
    before: tuple[int, int | None], after: tuple[int, int | None], kind: str
) -> None:
    """Seen to fail with an upper bound that is compared as a lower one."""

    def made(size: tuple[int, int | None]) -> GType:
        if kind == "text":
            return GType(kinds.Text(min_length=size[0], max_length=size[1]))
        return GType(kinds.Array(item=kinds.Int(), min_length=size[0], max_length=size[1]))

    both: list[tuple[Direction, Any, Any]] = [
        ("request", before, after), ("response", after, before),
    ]  # fmt: skip
    for direction, writer, reader in both:
        least, most = writer
        outermost = [long(least, kind), long(99 if most is None else most, kind)]
        witness = any(refuses(made(reader), value) for value in outermost)
        event(f"a witness: {witness}")
        assert compare(made(before), made(after), direction).breaking == witness


class Order(msgspec.Struct):
    sku: str
    count: int = 1


class Counted(msgspec.Struct):
    sku: str
    count: int


@pytest.mark.proves("DF-3", "P14")
def test_a_field_that_has_to_be_there_breaks_requests_and_no_answers() -> None:
    old, new = gtype(Order), gtype(Counted)

    assert compare(old, new, "request").breaking
    assert not compare(old, new, "response").breaking
    assert not compare(new, old, "request").breaking
    assert compare(new, old, "response").breaking


@pytest.mark.proves("DF-1", "DF-2", "X4")
def test_two_ways_of_writing_one_type_differ_in_nothing() -> None:
    class Wrote(msgspec.Struct):
        count: int | None
        sku: str

    class Rewrote(msgspec.Struct):
        sku: str
        count: None | int  # noqa: RUF036 - the other way round

    one, other = gtype(Wrote), gtype(Rewrote)

    assert one.digest == other.digest
    assert compare(one, other).changes == compare(one, other).changes == ()


@pytest.mark.proves("DF-1", "DF-2", "X4")
@given(pair=pairs(), data=st.data())
def test_x04_a_comparison_is_one_whatever_the_order_of_writing(
    pair: tuple[GType, GType], data: Any
) -> None:
    """Order of fields changes nothing; the same type compared is nothing.

    Seen to fail with fields that stand in a type's canonical form as they were written.
    """
    old, new = pair
    assert compare(old, old).changes == ()
    mixed = reordered(new, data)
    assert new.digest == mixed.digest
    assert compare(new, mixed).changes == ()
    one, other = compare(old, new), compare(old, mixed)
    assert msgspec.json.encode(one.to_json()) == msgspec.json.encode(other.to_json())
    assert one.digest == other.digest


def reordered(type_: GType, data: Any) -> GType:
    def mixed(each: Object) -> Object:
        fields = each.fields if each.as_array else tuple(data.draw(st.permutations(each.fields)))
        return msgspec.structs.replace(each, fields=fields)

    return GType(type_.root, tuple(mixed(each) for each in type_.objects))


def test_each_rule_has_a_verdict_for_each_direction() -> None:
    """The table is whole, and a rule that is safe both ways changes nothing that is stored."""
    for name, rule in RULES.items():
        worst = [rule.request, rule.response]
        if "breaking" not in worst and rule.by_value:
            assert rule.stored != "breaking" or name == "sensitive-dropped", name

"""Places and comparisons in filters: three values, never a guess (TM-7 to TM-9)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import FilterError
from debugger.session import Session
from debugger.session.watches import breakpoint_of, next_hit, watch_of, watched
from debugger.timeline import ABSENT, FACT_FIELDS, MOMENT_ROOTS, REQUEST_FIELDS, Unknown
from debugger.timeline import judge as judge_of
from debugger.timeline import parse as parse_of
from debugger.timeline.predicate import And, Comparing, Holding, Not, Or, Predicate, Word
from debugger.timeline.values import Call, Constant, Place, Value
from tests.debugger.stores import memory_store, shop

STATE: dict[str, Any] = {
    "total": {"$decimal": "118.50"},
    "lines": [{"net": 3, "tag": "a"}, {"net": 5}],
    "card": {"$redacted": 1},
    "ok": True,
    "nothing": None,
    "odd key": {"$obj": ["shop.Item@1", {"sku": "mug"}]},
}
OLD: dict[str, Any] = {**STATE, "total": {"$decimal": "118"}}


class Moment:
    """A moment that answers from two states."""

    def field(self, name: str) -> str | int | None:
        return {"kind": "context.set"}.get(name)

    def has(self, word: str) -> bool:
        return word in "context.set"

    def columns(self) -> list[str]:
        return ["context.set"]

    def root(self, name: str) -> Any:
        return {"state": STATE, "old": OLD}.get(name, ABSENT)


def judge(text: str) -> bool | Unknown:
    return judge_of(parse(text), Moment(), FACT_FIELDS, 0)


def parse(text: str) -> Predicate:
    return parse_of(text, FACT_FIELDS, MOMENT_ROOTS)


@pytest.mark.proves("TM-7", "TM-8")
@pytest.mark.parametrize(
    "text",
    [
        "state.total > 118", "state.total==118.5", "118 < state.total", "old.total == 118",
        "changed(state.total)", "!changed(state.ok)", "state.lines[*].net >= 5",
        "len(state.lines) == 2", "state.ok", "state.ok == true", "exists(state.card)",
        "!exists(state.gone)", 'state["odd key"].sku in ["mug", "tea"]', "state.nothing == null",
        'lower(state["odd key"].sku) == "mug"', '"net" in state.lines[0]', "state.total < 2m",
        "kind:context.set state.total > 118", "state.card == 3 or state.ok",
        'state["odd key"].sku contains "u"', "state.total != 118", "state.nothing != 3",
    ],
)  # fmt: skip
def test_what_holds_of_the_moment(text: str) -> None:
    assert judge(text) is True


@pytest.mark.proves("TM-8")
@pytest.mark.parametrize(
    "text",
    [
        "state.total > 119", "state.gone == null", "state.gone != 3", "state.gone",
        "old.total > 118",
        "state.lines[7].net == 3", "changed(state.lines)", "error.code == 3",
        "state.card == 3 and kind:other", "state.nothing == 0",
    ],
)  # fmt: skip
def test_what_does_not_hold_and_what_is_absent(text: str) -> None:
    assert judge(text) is False


@pytest.mark.proves("TM-8")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("state.card == 3", "redacted"),
        ("!state.card == 3", "redacted"),
        ("state.card.number == 3", "redacted"),
        ("state.ok == 1", "boolean and number do not compare"),
        ('state.total > "a"', "number and text do not compare"),
        ("state.total", "number is not true or false"),
        ("len(state.total) > 1", "number has no length"),
        ("changed(3)", "only a place of the state can have changed"),
        ("state.card == 3 or kind:other", "redacted"),
    ],
)
def test_what_nobody_can_say_is_unknown_with_the_reason(text: str, reason: str) -> None:
    assert judge(text) == Unknown(reason)


@pytest.mark.proves("TM-9")
def test_more_values_than_are_looked_at_are_unknown() -> None:
    class Wide(Moment):
        def root(self, name: str) -> Any:
            return {"many": [[0] * 200] * 200}

    found = judge_of(parse("state.many[*][*] == 1"), Wide(), FACT_FIELDS, 0)

    assert found == Unknown("more values than are looked at")


@pytest.mark.proves("TM-10")
@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [
        ("state.total >", 13, 'a value, such as 400, "text", true, null, [1, 2] or state.total'),
        ("state.[", 6, 'a name; write others as ["odd name"]'),
        ("len(state.x", 11, "`)`"),
        ("state[x]", 6, "an index, `*`, or a name in quotes"),
        ("stat.total > 3", 11, "a term; a comparison stands behind a place, such as"),
        ("state.x in [state.y]", 19, "a constant; lists hold no places"),
    ],
)
def test_a_fault_in_a_value_has_a_place(text: str, cells: int, expected: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)

    assert caught.value.cells == cells
    assert caught.value.expected.startswith(f"expected {expected}")


@pytest.mark.proves("TM-7", "TM-10")
def test_a_list_of_requests_knows_no_places_and_says_so() -> None:
    with pytest.raises(FilterError, match="Lists know fields only"):
        parse_of("state.total > 3", REQUEST_FIELDS)


# --- laws ---

_names = st.one_of(st.sampled_from(["total", "lines", "net"]), st.text(max_size=5))
_steps = st.lists(st.one_of(_names, st.integers(0, 99), st.none()), min_size=1, max_size=4)
_places = st.builds(Place, st.sampled_from(MOMENT_ROOTS), _steps.map(tuple))
_numbers = st.decimals(-999, 999, places=2)
_plain_values = st.one_of(
    st.booleans(), st.none(), _numbers, st.text(st.characters(codec="utf-8"), max_size=8)
)
_constants = st.recursive(
    st.builds(Constant, _plain_values),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: Constant(tuple(items))),
    max_leaves=4,
)
_calls = st.builds(Call, st.sampled_from(["len", "exists", "changed", "lower"]), _places)
_values: st.SearchStrategy[Value] = st.one_of(_places, _constants, _calls)
_ops = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "contains"])
_terms: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Comparing, _values, _ops, _values),
    st.builds(Holding, st.one_of(_places, _calls)),
    st.builds(Word, st.sampled_from(["state", "500", "in", "a<b", "[x]", "len", "state.x", "~"])),
)


def _joined(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(And, several), st.builds(Or, several))


_predicates = st.recursive(_terms, _joined, max_leaves=6)


@pytest.mark.proves("TM-9")
@given(predicate=_predicates)
def test_a_comparison_written_out_reads_back_the_same(predicate: Predicate) -> None:
    assert parse(str(predicate)) == predicate


@pytest.mark.proves("TM-8")
@given(one=_plain_values, other=_plain_values, op=st.sampled_from(["==", "!=", "<", ">="]))
def test_constants_compare_as_python_compares_equal_kinds(one: Any, other: Any, op: str) -> None:
    answer = judge_of(Comparing(Constant(one), op, Constant(other)), Moment(), FACT_FIELDS, 0)
    kinds = {type(one), type(other)}

    if type(None) in kinds and op in ("==", "!="):
        assert answer is ((one is other) == (op == "=="))
    elif len(kinds) > 1 or (kinds & {bool, type(None)} and op in ("<", ">=")):
        assert isinstance(answer, Unknown)
    else:
        wanted = {"==": one == other, "!=": one != other}
        ordered = {"<": lambda: one < other, ">=": lambda: one >= other}
        assert answer is (wanted[op] if op in wanted else ordered[op]())


@pytest.mark.proves("TM-8")
@given(predicate=_predicates)
def test_what_is_unknown_stays_so_under_not(predicate: Predicate) -> None:
    plain = judge_of(predicate, Moment(), FACT_FIELDS, 0)
    turned = judge_of(Not(predicate), Moment(), FACT_FIELDS, 0)

    assert turned == (plain if isinstance(plain, Unknown) else not plain)


# --- breakpoints and watches ---


@pytest.mark.proves("TM-2", "TM-8")
def test_the_next_hit_is_the_one_a_full_scan_finds() -> None:
    with memory_store() as store:
        made = shop(store)
        session = Session(store)
        timeline = session.timeline(made.order)
        for text in ("changed(state.total)", "kind:hook.*", "state.total > 120", "state.items"):
            point = breakpoint_of(text)
            hits = session.facts(timeline, text)
            for at in range(timeline.last + 1):
                later = next_hit(session, timeline, [point], at, forward=True)
                earlier = next_hit(session, timeline, [point], at, forward=False)
                assert later.revision == min((h for h in hits if h > at), default=None)
                assert earlier.revision == max((h for h in hits if h < at), default=None)
        unsure = next_hit(session, timeline, [breakpoint_of("state.items")], 0, forward=True)
        assert (unsure.unknown, unsure.reason) == (13, "list is not true or false")


@pytest.mark.proves("TM-8")
def test_a_watch_shows_value_and_what_it_was() -> None:
    with memory_store() as store:
        made = shop(store)
        session = Session(store)
        timeline = session.timeline(made.order)
        texts = [watch_of("/total"), watch_of("state.total > 120"), watch_of("len(state.items)")]
        found = watched(session, timeline, texts, 17)

    assert texts[0] == "state.total"
    assert [(each.now, each.before) for each in found] == [
        ({"$decimal": "121.50"}, {"$decimal": "118.00"}),
        (True, False),
        ({"$decimal": "2"}, {"$decimal": "2"}),
    ]
    assert [each.changed for each in found] == [True, True, False]

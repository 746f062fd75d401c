"""Differences between values, and patches: each undoes what the other finds."""

from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore.values import encode, same
from runtime.context import diff, diff_values, patch
from runtime.errors import PatchError
from runtime.facts import Change
from tests.strategies import CLASSES, Color, Item, Point, small_trees, trees


def changes(a: Any, b: Any) -> list[tuple[Any, ...]]:
    """Give the changes from value *a* to value *b*, short."""
    found = diff(encode(a, CLASSES), encode(b, CLASSES))
    assert same(patch(encode(a, CLASSES), found), encode(b, CLASSES))
    return [
        (c.op, "/".join(map(str, c.path)), *([c.value] if c.op != "remove" else []),
         *([c.remove] if c.op == "splice" else []))
        for c in found
    ]  # fmt: skip


@pytest.mark.proves("SN-6")
@given(a=small_trees, b=small_trees)
def test_a_patch_makes_the_second_value_of_the_first(a: Any, b: Any) -> None:
    before = msgspec.json.encode(a)
    found = diff(a, b)

    event("same" if not found else "whole" if found[0].path == () else "in parts")
    assert same(patch(a, found), b)
    assert msgspec.json.encode(a) == before
    assert (found == ()) == same(a, b)
    assert diff(a, b) == found


@pytest.mark.proves("SN-6")
@given(a=trees, b=trees)
def test_a_patch_makes_any_value_of_any_other(a: Any, b: Any) -> None:
    assert same(patch(a, diff(a, b)), b)
    assert diff(a, a) == diff(b, msgspec.json.decode(msgspec.json.encode(b))) == ()


@pytest.mark.proves("SN-6")
@given(a=small_trees, b=small_trees)
def test_a_patch_survives_being_stored(a: Any, b: Any) -> None:
    stored = msgspec.json.encode(diff(a, b))

    assert same(patch(a, msgspec.json.decode(stored, type=tuple[Change, ...])), b)


states = st.dictionaries(st.sampled_from(["a", "$obj", "$dict", "$set"]), small_trees, max_size=4)


@pytest.mark.proves("SN-3", "SN-6")
@given(a=states, b=states)
def test_a_patch_makes_one_state_of_another_whatever_the_keys(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    made = patch(a, diff_values(a, b))

    assert [*made] == [*b]
    assert all(same(made[key], b[key]) for key in b)


def test_keys_of_a_state_that_look_like_tags_are_ordinary() -> None:
    assert diff_values({"$obj": None, "a": 1}, {"$obj": 1}) == (
        Change("remove", ("a",)),
        Change("replace", ("$obj",), 1),
    )


@st.composite
def single_edits(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw a tree, and the same with one thing changed somewhere in it."""
    plain = st.recursive(
        st.integers(0, 9),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    )
    tree = draw(plain)
    edited = msgspec.json.decode(msgspec.json.encode({"root": tree}))
    node, step = edited, "root"
    while isinstance(node[step], list | dict) and draw(st.booleans()):
        node = node[step]
        step = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
    node[step] = draw(st.sampled_from(["other", 99]))
    return tree, edited["root"]


@pytest.mark.proves("SN-5")
@given(pair=single_edits())
def test_a_single_edit_is_a_single_change(pair: tuple[Any, Any]) -> None:
    before, after = pair

    found = diff(before, after)

    assert [change.op for change in found] == ["replace"]


@pytest.mark.proves("SN-5")
@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, 1, []),
        (1, 2, [("replace", "", 2)]),
        (1, 1.0, [("replace", "", 1.0)]),
        (1, True, [("replace", "", True)]),
        (float("nan"), float("nan"), []),
        ({"a": 1}, {"a": 1, "b": None}, [("add", "b", None)]),
        ({"a": 1, "b": 2}, {"b": 2}, [("remove", "a")]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, [("replace", "a/b/c", 2)]),
        (
            {"a": 1, "b": 2, "c": 3},
            {"b": 5, "c": 3, "d": 4},
            [("remove", "a"), ("replace", "b", 5), ("add", "d", 4)],
        ),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, [("remove", "a"), ("add", "a", 1)]),
        ({"a": 1}, [1], [("replace", "", [1])]),
        ([1, 2, 3], [1, 5, 3], [("replace", "1", 5)]),
        ([1, 2, 3], [1, 3], [("splice", "1", [], 1)]),
        ([1, 3], [1, 2, 3], [("splice", "1", [2], 0)]),
        ([1], [1, 1], [("splice", "1", [1], 0)]),
        ([1, 2, 3, 4], [1, 7, 8, 9, 4], [("splice", "1", [7, 8, 9], 2)]),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], [("replace", "1/a", 3)]),
        ({1, 2}, {1, 3}, [("replace", "", {"$set": [1, 3]})]),
        ((1, 2), (1, 3), [("replace", "", {"$tuple": [1, 3]})]),
        (b"a", b"b", [("replace", "", {"$bytes": "Yg=="})]),
        ({1: "a"}, {1: "b"}, [("replace", "$dict/0/1", "b")]),
        ({1: "a"}, {1: "a", 2: "b"}, [("splice", "$dict/1", [[2, "b"]], 0)]),
        ({"a/b": 1, "~": 1}, {"a/b": 2, "~": 1}, [("replace", "a/b", 2)]),
        (Item("a", [1]), Item("a", [2]), [("replace", "$obj/1/quantity/0", 2)]),
        (
            Item("a", 1),
            Point("a", 1),
            [("replace", "", {"$obj": ["tests.strategies.Point@1", {"x": "a", "y": 1}]})],
        ),
        (Color.RED, Color.GREEN, [("replace", "", {"$enum": ["tests.strategies.Color", "GREEN"]})]),
        ({"a": {}}, {"a": (1,)}, [("replace", "a", {"$tuple": [1]})]),
    ],
)
def test_differences_are_as_small_as_the_rule_says(a: Any, b: Any, expected: list[Any]) -> None:
    assert changes(a, b) == expected


def test_what_a_patch_does_not_touch_is_shared() -> None:
    tree: Any = {"a": {"x": 1}, "b": [{"y": 2}]}

    made = patch(tree, [Change("replace", ("a", "x"), 5)])

    assert made["b"] is tree["b"]
    assert tree["a"] == {"x": 1}


def test_what_stands_in_a_fact_is_never_changed_by_a_later_operation() -> None:
    inserted: dict[str, Any] = {"list": []}
    first = Change("add", ("k",), inserted)

    made = patch({}, [first, Change("splice", ("k", "list", 0), [1])])

    assert made == {"k": {"list": [1]}}
    assert inserted == {"list": []}


@pytest.mark.proves("SN-6")
@pytest.mark.parametrize(
    "change",
    [
        Change("add", ("a",), 1),
        Change("add", ("l", 0), 1),
        Change("add", (0,), 1),
        Change("add", (), 1),
        Change("remove", ("absent",)),
        Change("remove", ("l", 0)),
        Change("remove", ()),
        Change("replace", ("absent",), 1),
        Change("replace", ("l", 2), 1),
        Change("replace", ("l", -1), 1),
        Change("replace", ("l", "0"), 1),
        Change("replace", ("a", "x"), 1),
        Change("replace", ("absent", "x"), 1),
        Change("splice", ("l", 3), []),
        Change("splice", ("l", 1), [], 2),
        Change("splice", ("l", -1), []),
        Change("splice", ("l", 0), [], -1),
        Change("splice", ("l", "0"), []),
        Change("splice", ("l", 0), 5),
        Change("splice", ("a", 0), []),
        Change("splice", ("a",), []),
        Change("move", ("a",), 1),
        Change("move", (), 1),
    ],
    ids=repr,
)
def test_a_misfit_is_refused_and_nothing_is_applied(change: Change) -> None:
    tree = {"a": 1, "l": [1, 2]}

    with pytest.raises(PatchError, match=change.op):
        patch(tree, [Change("replace", ("l", 0), 9), change])

    assert tree == {"a": 1, "l": [1, 2]}

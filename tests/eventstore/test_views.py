"""Frozen views: equal to what they show, lazy, and never to be changed in place."""

import copy
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given

from eventstore import EventStoreError
from eventstore.values import (
    FrozenDict,
    FrozenList,
    FrozenObject,
    FrozenSet,
    FrozenValueError,
    UnknownMember,
    Viewer,
    encode,
    json_hook,
    same,
    view,
)
from tests.strategies import CLASSES, Access, Color, FrozenItem, Item, Point, values

VIEWER = Viewer(CLASSES, "Use lctx.edit.")

WRITES: dict[type, list[str]] = {
    list: [
        "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse",
        "__setitem__", "__delitem__", "__iadd__", "__imul__",
    ],
    dict: [
        "update", "pop", "popitem", "clear", "setdefault",
        "__setitem__", "__delitem__", "__ior__",
    ],
    set: [
        "add", "discard", "remove", "pop", "clear", "update", "intersection_update",
        "difference_update", "symmetric_difference_update",
        "__ior__", "__iand__", "__isub__", "__ixor__",
    ],
}  # fmt: skip


def shown(value: Any) -> Any:
    return VIEWER.view(encode(value, CLASSES))


def has_nan(value: Any) -> bool:
    return "NaN" in repr(value) or "nan" in repr(value)


@pytest.mark.proves("VC-5")
@given(value=values)
def test_a_view_equals_what_it_shows_and_thaws_to_it(value: Any) -> None:
    tree = encode(value, CLASSES)
    seen = VIEWER.view(tree)

    if not has_nan(value):
        assert seen == value
        assert value == seen
    assert same(encode(seen, CLASSES), tree)
    if hasattr(seen, "thaw"):
        assert same(encode(seen.thaw(), CLASSES), tree)
        assert type(seen.thaw()) is type(value)
        assert not isinstance(seen, type(value))


@pytest.mark.proves("VC-5")
@given(value=values)
def test_a_thawed_view_is_a_copy_of_its_own(value: Any) -> None:
    tree = encode({"kept": value, "list": [1, {"a": 1}]}, CLASSES)
    before = msgspec.json.encode(tree)

    thawed = VIEWER.view(tree).thaw()
    thawed["list"][1]["a"] = 2
    thawed["list"].append(3)
    thawed.pop("kept")

    assert msgspec.json.encode(tree) == before


@pytest.mark.proves("VC-5")
@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, {1: 2}, {1, 2}])
def test_every_write_is_refused_with_the_remedy(value: Any) -> None:
    seen = shown(value)

    for name in WRITES[type(value)]:
        with pytest.raises(FrozenValueError, match=r"Use lctx\.edit\."):
            getattr(seen, name)(*[0] * (2 if name in ("insert", "__setitem__") else 1))

    assert seen == value


def test_the_list_of_writes_is_whole() -> None:
    """Whatever list, dict and set have and a frozen one has not is a write or listed here."""
    harmless = {
        list: {"__init__", "__le__", "__ge__", "__sizeof__"},
        dict: {"__init__", "fromkeys", "__sizeof__"},
        set: {"__init__", "__sizeof__", "symmetric_difference"},
    }
    for plain, frozen in ((list, FrozenList), (dict, FrozenDict), (set, FrozenSet)):
        changing = {n for n in vars(plain) if n in WRITES[plain]}
        assert changing == set(WRITES[plain])
        assert set(vars(plain)) - set(dir(frozen)) - changing <= harmless[plain]


@pytest.mark.proves("VC-5")
def test_augmented_assignment_changes_nothing() -> None:
    seen: Any = shown({"a": [1], "s": {1}})
    with pytest.raises(FrozenValueError):
        seen["a"] += [2]
    with pytest.raises(FrozenValueError):
        seen["a"][0] = 2
    with pytest.raises(FrozenValueError):
        seen |= {"b": 1}

    assert seen == {"a": [1], "s": {1}}


@pytest.mark.proves("VC-5")
def test_fields_are_read_by_name_and_never_written() -> None:
    seen = shown(Item("a", [1]))

    assert (seen.sku, seen.quantity) == ("a", [1])
    assert "quantity" in dir(seen)
    with pytest.raises(FrozenValueError, match="A recorded object"):
        seen.sku = "b"
    with pytest.raises(FrozenValueError):
        del seen.sku
    with pytest.raises(AttributeError, match="there are: sku, quantity"):
        _ = seen.price


@pytest.mark.proves("VC-5")
def test_objects_equal_their_own_class_only() -> None:
    seen = shown(Item("a", 1))

    assert seen == Item("a", 1)
    assert seen != Item("a", 2)
    assert seen != Point("a", 1)
    assert seen == shown(Item("a", 1.0))
    assert seen != shown(Point("a", 1))
    assert seen != {"sku": "a", "quantity": 1}
    assert view(encode(Item("a"), CLASSES)) == seen
    assert hash(shown(FrozenItem("a"))) == hash(FrozenItem("a"))
    with pytest.raises(TypeError):
        hash(seen)


@pytest.mark.proves("VC-5")
def test_a_list_reads_as_a_list() -> None:
    seen = shown([3, [1], "a"])

    assert (seen[0], seen[-1], len(seen), seen[1:]) == (3, "a", 3, [[1], "a"])
    assert (list(seen), 3 in seen, seen.index("a"), seen.count(3)) == ([3, [1], "a"], True, 2, 1)
    assert (seen + [1], [1] + seen) == ([3, [1], "a", 1], [1, 3, [1], "a"])  # noqa: RUF005
    assert seen * 2 == 2 * seen == [3, [1], "a"] * 2
    assert isinstance(seen[1], FrozenList)
    assert shown([1]) < shown([2])
    assert shown([2]) > [1]
    assert seen != [3, [1]]
    assert seen != (3, [1], "a")
    assert seen.copy() == seen
    assert repr(seen) == "FrozenList([3, FrozenList([1]), 'a'])"
    with pytest.raises(TypeError):
        hash(seen)


@pytest.mark.proves("VC-5")
def test_a_dict_reads_as_a_dict_with_plain_keys() -> None:
    seen = shown({"a": [1], "b": 2})
    odd = shown({1: "x", (1, 2): ["y"], "$k": None})

    assert (seen["a"], seen.get("c", 5), "b" in seen, len(seen)) == ([1], 5, True, 2)
    assert (list(seen), list(seen.values())) == (["a", "b"], [[1], 2])
    assert (seen | {"b": 3}, {"b": 3} | seen) == ({"a": [1], "b": 3}, {"b": 2, "a": [1]})
    assert (odd[1], odd[1, 2], odd["$k"]) == ("x", ["y"], None)
    assert {**seen} == dict(seen) == seen.copy() == {"a": [1], "b": 2}
    assert repr(seen) == "FrozenDict({'a': FrozenList([1]), 'b': 2})"
    assert seen != [("a", [1])]
    with pytest.raises(KeyError):
        seen["c"]
    with pytest.raises(TypeError):
        hash(odd)


@pytest.mark.proves("VC-5", "LC-5")
def test_a_set_reads_as_a_set_in_the_order_of_its_bytes() -> None:
    seen = shown({30, 4, 100})

    assert list(seen) == [100, 30, 4]
    assert (4 in seen, len(seen), seen == {4, 30, 100}, seen <= {4, 30, 100, 1}) == (
        True, 3, True, True,
    )  # fmt: skip
    assert (seen | {1}, seen & {4}, seen - {4}) == ({1, 4, 30, 100}, {4}, {30, 100})
    assert (seen.union([1]), seen.intersection([4]), seen.difference([4])) == (
        {1, 4, 30, 100}, {4}, {30, 100},
    )  # fmt: skip
    assert (seen.issubset([4, 30, 100]), seen.issuperset([4]), seen.copy()) == (
        True, True, {4, 30, 100},
    )  # fmt: skip
    assert repr(seen) == "FrozenSet({100, 30, 4})"


@pytest.mark.proves("VC-5")
def test_what_cannot_change_is_shown_as_itself() -> None:
    assert shown((1, [2])) == (1, [2])
    assert isinstance(shown((1, [2]))[1], FrozenList)
    assert type(shown(frozenset({1}))) is frozenset
    assert shown(Color.RED) is Color.RED
    assert shown("a") == "a"


@pytest.mark.proves("VC-5")
def test_copies_and_pickles_of_a_view_are_plain() -> None:
    seen = shown({"a": [Item("a", [1])]})

    for made in (copy.deepcopy(seen), copy.copy(seen), pickle.loads(pickle.dumps(seen))):  # noqa: S301
        assert type(made) is dict
        assert made == {"a": [Item("a", [1])]}


@pytest.mark.proves("VC-5")
def test_views_can_be_recorded_inside_other_values() -> None:
    seen = shown({"a": [1], "i": Item("x")})
    deep: Any = seen["a"]
    for _ in range(63):
        deep = [deep]

    assert encode({"again": seen, "one": seen["i"]}, CLASSES) == {
        "again": encode({"a": [1], "i": Item("x")}, CLASSES),
        "one": encode(Item("x"), CLASSES),
    }
    assert encode(deep) is not None
    with pytest.raises(EventStoreError, match="depth"):
        encode([deep])


@pytest.mark.proves("UP-4")
def test_views_without_the_classes_show_the_same_and_write_the_same() -> None:
    tree = encode([Item("a", [1]), Color.RED, Access(2**70 & 1)], CLASSES)
    item, color, access = view(tree)

    assert isinstance(item, FrozenObject)
    assert item.quantity == [1]
    assert item.thaw() == item
    assert {item: 1}[item] == 1
    assert color == UnknownMember("tests.strategies.Color", "RED")
    assert same(encode([item, color, access]), tree)


def test_json_writes_views_as_what_they_show() -> None:
    seen = shown({"list": [1, {"a": {1}}], "item": Item("a", [2]), "t": (1,)})

    data = msgspec.json.encode(seen, enc_hook=json_hook)

    expected = '{"list":[1,{"a":[1]}],"item":{"sku":"a","quantity":[2]},"t":[1]}'
    assert data.decode() == expected
    with pytest.raises(NotImplementedError):
        msgspec.json.encode(object(), enc_hook=json_hook)


@pytest.mark.proves("VC-3")
@pytest.mark.parametrize(
    "tree", [{"$set": 1}, {"$dict": [[1]]}, {"$obj": [1, {}]}, {"$no": 1}, {"$dict": [[[], 1]]}]
)
def test_a_corrupt_tree_is_refused_when_it_is_shown(tree: Any) -> None:
    with pytest.raises(EventStoreError) as caught:
        view(tree)

    assert caught.value.code == "corrupt-value"


def test_the_error_survives_pickle_and_is_what_callers_expect() -> None:
    error = FrozenValueError("A recorded list", "Use lctx.edit.")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert isinstance(error, EventStoreError)
    assert isinstance(error, TypeError)
    assert isinstance(error, AttributeError)
    assert (str(again), again.code) == (str(error), "frozen-value")

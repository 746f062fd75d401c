"""Values to JSON and back: the table of the format, row by row, and its laws."""

import dataclasses
import datetime as dt
import enum
import io
import json
import struct
import uuid
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given

from eventstore import EventStoreError
from eventstore.values import (
    Classes,
    FrozenObject,
    Redacted,
    Sealed,
    UnknownMember,
    decode,
    dumps,
    encode,
    loads,
    same,
    value_depth,
)
from tests.strategies import (
    CLASSES,
    Access,
    Color,
    FrozenItem,
    FrozenPoint,
    Item,
    Point,
    containers,
    trees,
    unrecordable,
    values,
)

HERE = "tests.strategies"
PARIS = ZoneInfo("Europe/Paris")

TABLE: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "true"),
    (False, "false"),
    (7, "7"),
    (2**63 - 1, "9223372036854775807"),
    (-(2**63), "-9223372036854775808"),
    (2**63, '{"$int":"0x8000000000000000"}'),
    (-(2**63) - 1, '{"$int":"-0x8000000000000001"}'),
    (1.0, "1.0"),
    (-0.0, "-0.0"),
    (1e16, "1e16"),
    (float("inf"), '{"$float":"inf"}'),
    (float("-inf"), '{"$float":"-inf"}'),
    ("é", '"é"'),
    ("a\0", '{"$str":"YQA="}'),
    ("\ud800", '{"$str":"7aCA"}'),
    (b"\0\xff", '{"$bytes":"AP8="}'),
    ([], "[]"),
    ([1, [2]], "[1,[2]]"),
    ((), '{"$tuple":[]}'),
    ((1, (2,)), '{"$tuple":[1,{"$tuple":[2]}]}'),
    ({3, 1, 2}, '{"$set":[1,2,3]}'),
    (frozenset({"b", "a"}), '{"$frozenset":["a","b"]}'),
    ({}, "{}"),
    ({"b": 1, "a": 2}, '{"b":1,"a":2}'),
    ({"$a": 1}, '{"$dict":[["$a",1]]}'),
    ({"a\0": 1}, '{"$dict":[[{"$str":"YQA="},1]]}'),
    ({1: "a", "1": "b"}, '{"$dict":[[1,"a"],["1","b"]]}'),
    ({(1, 2): 3}, '{"$dict":[[{"$tuple":[1,2]},3]]}'),
    (dt.datetime(2026, 1, 2, 3, 4, 5), '{"$datetime":"2026-01-02T03:04:05"}'),  # noqa: DTZ001
    (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), '{"$datetime":"2026-01-02T00:00:00Z"}'),
    (
        dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-5, microseconds=1))),
        '{"$datetime":"2026-01-02T00:00:00-04:59:59.999999"}',
    ),
    (
        dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(microseconds=1))),
        '{"$datetime":"2026-01-02T00:00:00+00:00:00.000001"}',
    ),
    (
        dt.datetime(2026, 10, 25, 2, 30, tzinfo=PARIS),
        '{"$datetime":"2026-10-25T02:30:00+02:00[Europe/Paris]"}',
    ),
    (
        dt.datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=1),
        '{"$datetime":["2026-10-25T02:30:00+01:00[Europe/Paris]",1]}',
    ),
    (dt.time(1, 2, 3, 4), '{"$time":"01:02:03.000004"}'),
    (dt.time(1, 2, tzinfo=dt.UTC, fold=1), '{"$time":["01:02:00Z",1]}'),
    (dt.time(1, 2, tzinfo=PARIS), '{"$time":"01:02:00[Europe/Paris]"}'),
    (dt.date(2026, 1, 2), '{"$date":"2026-01-02"}'),
    (dt.timedelta(-1, 2, 3), '{"$timedelta":[-1,2,3]}'),
    (Decimal("1.50"), '{"$decimal":"1.50"}'),
    (Decimal("-0"), '{"$decimal":"-0"}'),
    (Decimal("1E+3"), '{"$decimal":"1E+3"}'),
    (uuid.UUID(int=5), '{"$uuid":"00000000-0000-0000-0000-000000000005"}'),
    (Color.RED, f'{{"$enum":["{HERE}.Color","RED"]}}'),
    (Access.READ | Access.WRITE, f'{{"$enum":["{HERE}.Access",3]}}'),
    (Item("a", 2), f'{{"$obj":["{HERE}.Item@1",{{"sku":"a","quantity":2}}]}}'),
    (Item("a"), f'{{"$obj":["{HERE}.Item@1",{{"sku":"a","quantity":1}}]}}'),
    (FrozenItem("a"), f'{{"$obj":["{HERE}.FrozenItem@1",{{"sku":"a"}}]}}'),
    (Point(1), f'{{"$obj":["{HERE}.Point@1",{{"x":1,"y":0}}]}}'),
    (FrozenPoint(1), f'{{"$obj":["{HERE}.FrozenPoint@1",{{"x":1}}]}}'),
    (Sealed(4, b"\0"), '{"$sealed":[4,"AA=="]}'),
    (Redacted(), '{"$redacted":true}'),
]


def form(value: Any) -> Any:
    """Spell a value out, so that strictly equal ones are spelt alike (SN-7)."""
    if isinstance(value, dict):
        return dict, [(form(key), form(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), list(map(form, value))
    if isinstance(value, set | frozenset):
        return type(value), sorted(repr(form(member)) for member in value)
    if isinstance(value, msgspec.Struct):
        return type(value), [form(getattr(value, name)) for name in value.__struct_fields__]
    if dataclasses.is_dataclass(value):
        return type(value), [form(getattr(value, f.name)) for f in dataclasses.fields(value)]
    return type(value), repr(value)


def strictly_equal(a: Any, b: Any) -> bool:
    return bool(form(a) == form(b))


@pytest.mark.proves("VC-1")
@pytest.mark.parametrize(("value", "text"), TABLE, ids=[text for _, text in TABLE])
def test_each_row_of_the_table_is_written_and_read_as_it_says(value: Any, text: str) -> None:
    assert dumps(value, CLASSES).decode() == text
    assert strictly_equal(loads(text, CLASSES), value)


@given(value=values)
def test_what_is_decoded_strictly_equals_what_was_encoded(value: Any) -> None:
    """The law of the codec, key order included; through the bytes."""
    assert strictly_equal(loads(dumps(value, CLASSES), CLASSES), value)


@given(value=values)
def test_equal_values_have_equal_bytes_and_those_hold_no_nul(value: Any) -> None:
    data = dumps(value, CLASSES)

    assert dumps(decode(encode(value, CLASSES), CLASSES), CLASSES) == data
    assert b"\\u0000" not in data
    assert json.loads(data, parse_constant=pytest.fail) is not ...


@given(value=values)
def test_a_value_can_be_read_without_its_classes_and_written_again(value: Any) -> None:
    """What a debugger does, which never has the application's classes."""
    tree = encode(value, CLASSES)

    assert same(encode(decode(tree)), tree)


@given(a=trees, b=trees)
def test_same_is_strict_equality(a: Any, b: Any) -> None:
    assert same(a, b) == strictly_equal(decode(a, CLASSES), decode(b, CLASSES))
    assert same(a, encode(decode(a, CLASSES), CLASSES))


@pytest.mark.proves("SN-7")
def test_values_of_other_types_are_never_the_same() -> None:
    apart = [1, 1.0, True, "1", Decimal(1), None, 0, 0.0, -0.0, False, [], (), {}, set()]

    found = [(a, b) for a in apart for b in apart if same(encode(a), encode(b))]

    assert len(found) == len(apart)
    assert same(encode(float("nan")), encode(float("nan")))


@pytest.mark.proves("VC-1")
def test_two_nans_and_two_spellings_of_a_letter_stay_two_keys() -> None:
    value = {float("nan"): 1, float("nan"): 2, "\u00e9": 3, "e\u0301": 4}

    back = decode(encode(value))

    assert list(back.values()) == [1, 2, 3, 4]
    assert len(decode(encode({float("nan"), float("nan")}))) == 2


def test_later_changes_to_a_value_do_not_reach_its_tree() -> None:
    value = {"a": [1]}
    tree = encode(value)

    value["a"].append(2)

    assert tree == {"a": [1]}


# --- refusals ---


def refusal(value: object, classes: Classes = CLASSES) -> dict[str, object]:
    with pytest.raises(EventStoreError) as caught:
        encode(value, classes)
    assert caught.value.code == "unsupported-value"
    return caught.value.fields


class Bag(dict[str, int]):
    """A subclass of what is supported."""


class Nowhere(dt.tzinfo):
    """A zone that has no name to be stored under."""

    def utcoffset(self, _: dt.datetime | None) -> None:
        return None

    dst = tzname = utcoffset


NO_CHANGES = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"
UNKNOWN = ZoneInfo.from_file(io.BytesIO(NO_CHANGES), key="Not/Known")
"""A zone from a file, under a name that leads back to none."""


class Loose(msgspec.Struct, dict=True):
    """A Struct that may hold more than its fields."""

    a: int


@dataclasses.dataclass
class Late:
    """A dataclass whose field may be missing."""

    a: int = dataclasses.field(init=False)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.proves("VC-2")
@pytest.mark.parametrize(
    ("value", "path", "kind", "reason"),
    [
        (object(), "", "builtins.object", "type"),
        ({"a": [1, bytearray()]}, "/a/1", "builtins.bytearray", "type"),
        ({"a/b": {"c~d": 1j}}, "/a~1b/c~0d", "builtins.complex", "type"),
        ({1: {2: 1j}}, "/1/2", "builtins.complex", "type"),
        ([1, (2, {3: print})], "/1/1/3", "builtins.builtin_function_or_method", "type"),
        ([{frozenset({1j})}], "/0", "builtins.complex", "type"),
        ([{(1, 1j): 2}], "/0", "builtins.complex", "type"),
        (dt.time(1, tzinfo=Nowhere()), "", "datetime.time", "tzinfo"),
        ([Bag()], "/0", f"{__name__}.Bag", "subclass"),
        (Item("a", Loose(1)), "/quantity", f"{__name__}.Loose", "unregistered"),
        ([nested(64)], "/0" + "/0" * 63, "builtins.list", "depth"),
        (
            dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(0), "X")),
            "", "datetime.datetime", "tzinfo",
        ),
        ([dt.datetime(2026, 1, 1, tzinfo=UNKNOWN)], "/0", "datetime.datetime", "tzinfo"),
        (dt.time(1, tzinfo=UNKNOWN), "", "datetime.time", "tzinfo"),
    ],
)  # fmt: skip
def test_the_first_fault_is_named(value: object, path: str, kind: str, reason: str) -> None:
    assert refusal(value) == {"path": path, "type": kind, "reason": reason}


@pytest.mark.proves("VC-2")
def test_a_cycle_is_named_where_it_closes() -> None:
    value: list[Any] = [1]
    value.append({"again": value})

    assert refusal([value])["path"] == "/0/1/again"
    assert refusal([value])["reason"] == "cycle"


@pytest.mark.proves("VC-2")
def test_more_or_fewer_attributes_than_fields_are_refused() -> None:
    loose = Loose(1)
    loose.b = 2  # type: ignore[attr-defined]
    classes = Classes(Loose, Late)

    assert refusal([loose], classes)["reason"] == "attribute"
    assert refusal([Late()], classes)["reason"] == "attribute"


@pytest.mark.proves("VC-2")
def test_shared_references_are_copies_and_cannot_explode() -> None:
    value: list[Any] = []
    for _ in range(60):
        value = [value, value]

    with pytest.raises(EventStoreError) as caught:
        encode(value, max_size=10_000)

    assert caught.value.fields["reason"] == "size"

    one = [1]
    assert encode([one, one]) == [[1], [1]]


@pytest.mark.proves("VC-2")
@pytest.mark.parametrize(
    "value", ["ä" * 21, b"x" * 21, ["x" * 21], {"k" * 21: None}], ids=lambda v: type(v).__name__
)
def test_what_comes_last_counts_as_well(value: object) -> None:
    with pytest.raises(EventStoreError) as caught:
        encode(value, max_size=20)

    assert caught.value.fields["reason"] == "size"


@pytest.mark.proves("VC-2")
@given(value=containers, bad=unrecordable)
def test_an_unrecordable_part_is_found_wherever_it_hides(value: Any, bad: object) -> None:
    assert refusal([value, {"k": bad}])["path"] == "/1/k"


@pytest.mark.proves("VC-3")
@pytest.mark.parametrize(
    "text",
    [
        "", "{", "nope", '{"$what":1}', '{"$tuple":[],"a":1}', '{"a":1,"$b":2}',
        '{"$dict":[[1,2],[1,3]]}', '{"$dict":[[1,2],[1.0,3]]}', '{"$dict":[[[],1]]}',
        '{"$dict":[[1]]}', '{"$dict":{}}', '{"$dict":{"ab":1}}', '{"$dict":["ab"]}',
        '{"$set":[1,1]}', '{"$set":[[]]}', '{"$tuple":1}',
        '{"$bytes":"AP8"}', '{"$bytes":"AP9="}', '{"$bytes":"A P8="}', '{"$bytes":1}',
        '{"$str":"YQ=="}', '{"$str":"/w=="}', '{"$int":"0x5"}', '{"$int":"5"}',
        '{"$int":"0X8000000000000000"}', '{"$float":"1.0"}', '{"$float":"NaN"}',
        '{"$date":"20260102"}', '{"$date":"2026-13-01"}', '{"$datetime":"2026-01-02"}',
        '{"$datetime":"2026-01-02T00:00:00[Mars/Olympus]"}', '{"$time":["01:02:00",0]}',
        '{"$datetime":"2026-01-02T00:00:00[../../etc/passwd]"}', '{"$datetime":[]}',
        '{"$timedelta":[0,90000,0]}', '{"$timedelta":[1]}', '{"$decimal":"x"}',
        '{"$decimal":1}', '{"$uuid":"5"}', '{"$redacted":false}', '{"$sealed":[1]}',
        f'{{"$enum":["{HERE}.Color","BLUE"]}}', f'{{"$enum":["{HERE}.Access",99]}}',
        f'{{"$obj":["{HERE}.Item@1",{{"sku":1,"more":2}}]}}', f'{{"$obj":["{HERE}.Item@1",{{}}]}}',
        f'{{"$obj":["{HERE}.Point@1",{{}}]}}', '{"$obj":[1,2]}', '{"$obj":["a.B@1"]}',
        "[" * 65 + "]" * 65, "[" * 100_000,
    ],
)  # fmt: skip
def test_what_no_encoder_wrote_is_refused(text: str) -> None:
    with pytest.raises(EventStoreError) as caught:
        loads(text, CLASSES)

    assert caught.value.code == "corrupt-value"


@pytest.mark.proves("VC-3")
def test_a_value_may_be_64_deep() -> None:
    assert decode(encode(nested(64))) == nested(64)
    assert value_depth(encode(nested(64))) == 64
    assert value_depth(encode(({1: [Item("a", {2})]},), CLASSES)) == 5


@pytest.mark.proves("VC-3")
def test_a_field_added_with_a_default_reads_older_values() -> None:
    grown = Classes(Grown)
    assert loads(f'{{"$obj":["{__name__}.Grown@1",{{}}]}}', grown) == Grown([])

    older = f'{{"$obj":["{HERE}.Item@1",{{"sku":"a"}}]}}'

    assert loads(older, CLASSES) == Item("a", 1)
    assert loads(older.replace("Item", "Point").replace("sku", "x"), CLASSES) == Point("a", 0)


@dataclasses.dataclass
class Grown:
    """A dataclass that got a field later."""

    a: list[int] = dataclasses.field(default_factory=list)


@pytest.mark.proves("UP-4")
def test_a_flag_too_large_for_an_integer_of_json_is_shown() -> None:
    tree = {"$enum": ["shop.Huge", {"$int": "0x8000000000000000"}]}

    assert decode(tree) == UnknownMember("shop.Huge", 2**63)
    assert encode(decode(tree)) == tree


# --- classes ---


class Eager(msgspec.Struct):
    """Would run code when it is decoded."""

    a: int

    def __post_init__(self) -> None:
        raise AssertionError


@dataclasses.dataclass
class Careful:
    """Likewise."""

    a: int

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError


@dataclasses.dataclass(init=False)
class Made:
    """Likewise."""

    a: int

    def __init__(self) -> None:
        raise AssertionError


class Odd(enum.Flag):
    """Likewise."""

    A = 1

    @classmethod
    def _missing_(cls, value: object) -> Any:
        raise AssertionError


@dataclasses.dataclass
class Listed(list[int]):
    """Has content that is no field."""

    a: int = 0


@pytest.mark.proves("VC-1")
@pytest.mark.parametrize("cls", [Eager, Careful, Made, Odd, Listed, int, object])
def test_a_class_that_would_run_code_cannot_be_registered(cls: type) -> None:
    with pytest.raises(EventStoreError) as caught:
        Classes(cls)

    assert caught.value.code == "unsupported-class"


def local_class() -> type[Any]:
    class Local(msgspec.Struct):
        a: int

    return Local


@pytest.mark.proves("VC-1")
def test_two_classes_of_one_name_are_kept_apart() -> None:
    first, second = local_class(), local_class()
    classes = Classes(first)

    with pytest.raises(EventStoreError, match="another class"):
        classes.register(second)

    assert classes.register(second, schema=2) is second
    assert type(decode(encode(second(a=1), classes), classes)) is second


@pytest.mark.proves("VC-1")
def test_classes_that_adopt_learn_what_they_encode_and_nothing_by_name() -> None:
    writer, reader = Classes(adopt=True), Classes(adopt=True)

    tree = encode([Item("a"), Color.RED], writer)

    assert decode(tree, writer) == [Item("a"), Color.RED]
    assert refusal(Odd.A, writer)["reason"] == "unregistered"
    assert isinstance(decode(tree, reader)[0], FrozenObject)


@pytest.mark.proves("UP-4")
def test_unknown_labels_become_plain_shown_values() -> None:
    item, color, access = decode(encode([Item("a"), Color.RED, Access.READ], CLASSES))

    assert (item.sku, item.quantity) == ("a", 1)
    assert repr(item) == "Item(sku='a', quantity=1)"
    assert color == UnknownMember(f"{HERE}.Color", "RED")
    assert str(color) == "Color.RED"
    assert str(access) == "Access.1"

"""P9, P12, P13 over types as data: every hint gives a type for exactly its values."""

import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import uuid
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.errors import UnsupportedTypeError
from runtime.gtype import GType, PlainChecker, check, gtype, kinds
from runtime.messages import ValidationFailed
from tests.runtime.json_schema import conforms
from tests.runtime.schemas import CANARY, LEAVES, Schema, mutated, schemas

# --- what a hint takes, read off the hint itself: the oracle of P9 ---

_JSON = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str"}
_JSON |= {list: "array", dict: "object"}
ALL = frozenset(_JSON.values())
_FORMATS = {dt.datetime, dt.date, dt.time, dt.timedelta, uuid.UUID, bytes, decimal.Decimal}
_TEXT = {*_FORMATS, str} - {decimal.Decimal}


def taken(hint: Any) -> frozenset[str]:  # noqa: PLR0911 - one for each kind
    """Name the Python types of plain data that *hint* takes; a second reading of hints."""
    origin = getattr(hint, "__origin__", None)
    if hasattr(hint, "__metadata__"):
        return taken(origin)
    if hint is Any:
        return ALL
    if hint is decimal.Decimal:
        return frozenset({"str", "int", "float"})
    if hint in _TEXT:
        return frozenset({"str"})
    if hint in {None, type(None), bool, int, float}:
        kind = _JSON[type(None) if hint is None else hint]
        return frozenset({"int", "float"}) if hint is float else frozenset({kind})
    if origin is Literal:
        return frozenset(_JSON[type(value)] for value in hint.__args__)
    if isinstance(hint, enum.EnumMeta):
        return frozenset(_JSON[type(each.value)] for each in list[enum.Enum](hint))
    if hasattr(hint, "__args__") and (origin is None or "Union" in str(origin)):
        return frozenset[str]().union(*map(taken, hint.__args__))
    if origin in {list, set, tuple}:
        return frozenset({"array"})
    struct = getattr(hint, "__struct_config__", None)
    return frozenset({"array" if struct is not None and struct.array_like else "object"})


_SAMPLES: dict[str, Any] = {
    "null": None, "bool": True, "int": 7, "float": 0.5, "str": "~", "array": [], "object": {},
}  # fmt: skip


@pytest.mark.proves("P9", "GT-1", "GT-3", "GT-6")
@given(st.data(), schemas(2))
def test_p09_a_type_takes_its_values_and_no_value_of_another_kind(
    data: st.DataObject, schema: Schema
) -> None:
    """Seen to fail with booleans taken for integers."""
    checked = check(schema.hint)
    value = msgspec.json.decode(msgspec.json.encode(data.draw(schema.values)))
    kinds = taken(schema.hint)
    others = sorted(ALL - kinds)

    read = checked.decode(msgspec.json.encode(value))
    again = checked.decode(msgspec.json.encode(read))

    assert again == read
    event(f"another kind: {bool(others)}")
    for kind in others:
        with pytest.raises(ValidationFailed) as caught:
            checked.decode(msgspec.json.encode(_SAMPLES[kind]))
        assert [i.code for i in caught.value.issues] == ["null" if kind == "null" else "kind"]


class Colour(enum.Enum):
    RED = "red"


class Cat(msgspec.Struct, tag="cat"):
    lives: int = 9


class Dog(msgspec.Struct, tag="dog"):
    friend: "Cat | Dog | None" = None


class Named(NamedTuple):
    a: int


class Typed(TypedDict):
    a: int


@dataclasses.dataclass
class Data:
    a: int


KINDS: list[tuple[Any, str]] = [
    (Any, "any"), (None, "null"), (bool, "bool"), (int, "int"), (float, "float"),
    (decimal.Decimal, "decimal"), (str, "str"), (bytes, "bytes"), (dt.datetime, "datetime"),
    (dt.date, "date"), (dt.time, "time"), (dt.timedelta, "timedelta"), (uuid.UUID, "uuid"),
    (Literal["a", 1], "literal"), (Colour, "enum"), (list[int], "array"),
    (tuple[int, ...], "array"), (set[int], "array"), (frozenset[int], "array"),
    (tuple[int, str], "tuple"), (Cat, "ref"), (Data, "ref"), (Typed, "ref"), (Named, "ref"),
    (dict[str, int], "map"), (int | None, "union"),
]  # fmt: skip


@pytest.mark.proves("P9", "GT-1")
@pytest.mark.parametrize(("hint", "kind"), KINDS, ids=str)
def test_every_kind_of_hint_has_its_kind_of_type(hint: Any, kind: str) -> None:
    made = gtype(hint)

    assert kind_of(made.root) == kind
    assert [kind_of(each) for each in made.objects] == (["object"] if kind == "ref" else [])
    with pytest.raises(AttributeError):
        made.root = made.root  # type: ignore[misc]


def kind_of(part: Any) -> str:
    return str(part.__struct_config__.tag)


class Base(msgspec.Struct, forbid_unknown_fields=True):
    a: int


class Derived(Base, forbid_unknown_fields=True):
    b: int


@pytest.mark.proves("GT-1")
def test_inheritance_is_one_object_and_recursion_a_ref() -> None:
    derived, dog = gtype(Derived), gtype(Dog)

    assert [field.name for field in derived.objects[0].fields] == ["a", "b"]
    assert check(Derived).decode(b'{"a":1,"b":2}') == Derived(1, 2)
    assert [each.name for each in dog.objects] == ["Dog", "Cat"]
    assert dog.depth == 4  # Dog, union, Cat, int


# --- P13: the type rebuilt from data says the same, issue by issue ---


@pytest.mark.proves("P13", "GT-17")
@given(st.data(), schemas(2))
def test_p13_a_type_read_back_from_data_finds_the_same_issues(
    data: st.DataObject, schema: Schema
) -> None:
    checked = check(schema.hint)
    value = data.draw(schema.values)
    broken = data.draw(st.booleans())
    if broken:
        value, _ = data.draw(mutated(value))
    raw = msgspec.json.encode(value)

    text = checked.type.to_json()
    rebuilt = GType.from_json(text)
    plainly = PlainChecker(rebuilt)

    event(f"broken: {broken}")
    assert rebuilt == checked.type
    assert rebuilt.to_json() == text
    assert plainly.issues(msgspec.json.decode(raw)) == checked.issues(msgspec.json.decode(raw))
    assert verdict(plainly, raw) == verdict(checked, raw)


def verdict(checker: Any, raw: bytes) -> Any:
    try:
        checker.decode(raw)
    except ValidationFailed as refused:
        return refused.issues
    return "accepted"


# --- GT-16: the digest ---


@pytest.mark.proves("P9", "GT-16")
@given(schemas(2), st.randoms(use_true_random=False))
def test_p09_the_digest_is_that_of_the_meaning(schema: Schema, chance: Any) -> None:
    """Whatever the order of fields, unions and objects, and whatever they are called."""
    made = gtype(schema.hint)
    other = shuffled(made, chance)

    event(f"moved: {other != made}")
    assert other.canonical == made.canonical
    assert other.digest == made.digest


def shuffled(made: GType, chance: Any) -> GType:
    """Write a type otherwise: another order of all that has none, other names, more copies."""
    order = list(range(len(made.objects)))
    chance.shuffle(order)
    moved = {old: new for new, old in enumerate(order)}
    count = len(order)

    def turn(value: Any) -> Any:
        if isinstance(value, list):
            return [turn(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        kind = value.get("kind")
        value = {k: v if k in {"default", "doc"} else turn(v) for k, v in value.items()}
        if kind == "ref":
            # Either the object or its copy in the second half of the table.
            value["to"] = moved[value.get("to", 0)] + chance.choice((0, count))
        if kind == "union":
            chance.shuffle(value["members"])
        if kind == "object":
            value["name"] = "Other"
            if not value.get("as_array"):
                chance.shuffle(value.get("fields", []))
        return value

    stored = msgspec.json.decode(made.to_json())
    table = [turn(stored["objects"][old]) for old in order]
    copies = [turn(stored["objects"][old]) for old in order]
    root = turn(stored["root"])
    return GType.from_json(
        msgspec.json.encode({"gtype": 1, "root": root, "objects": table + copies})
    )


class One(msgspec.Struct):
    a: int
    b: "One | None" = None


class Two(msgspec.Struct):
    """Says the same in other words."""

    b: "Two | None" = None
    a: int = msgspec.field(name="a", default=0)


class Same(msgspec.Struct, kw_only=True):
    """Says the same in another order."""

    b: "None | Same" = None  # noqa: RUF036 - the other order
    a: Annotated[int, msgspec.Meta(description="a number")]


@pytest.mark.proves("GT-16")
def test_names_and_documentation_do_not_count_and_defaults_do() -> None:
    assert gtype(One).digest == gtype(Same).digest
    assert gtype(One).digest != gtype(Two).digest
    assert gtype(One).canonical == (
        b'{"root":{"kind":"ref","to":0},"types":[{"fields":[{"name":"a","type":{"kind":"int"}},'
        b'{"default":null,"name":"b","required":false,"type":{"kind":"union","members":'
        b'[{"kind":"null"},{"kind":"ref","to":0}]}}],"kind":"object"}]}'
    )
    assert gtype(One).digest == ("sha256:" + hashlib.sha256(gtype(One).canonical).hexdigest())


# --- GT-18: JSON Schema ---


def _expressible(part: Any) -> bool:
    match part:
        case kinds.Array(collapse=True):
            return part.min_length is None and part.max_length is None
        case kinds.Date() | kinds.DateTime() | kinds.Time() | kinds.Duration() | kinds.Uuid():
            return False
        case kinds.Bytes() | kinds.Decimal():
            return False
        case _:
            return True


@pytest.mark.proves("GT-18")
@given(st.data(), schemas(2))
def test_the_schema_of_a_request_says_what_we_say(data: st.DataObject, schema: Schema) -> None:
    checked = check(schema.hint)
    value = data.draw(schema.values)
    broken = data.draw(st.booleans())
    if broken:
        value, _ = data.draw(mutated(value))
    value = msgspec.json.decode(msgspec.json.encode(value))
    accepted = not checked.issues(value).issues
    exact = all(_expressible(part) for part in checked.type.parts())
    spelt = "." in msgspec.json.encode(value).decode()

    holds = conforms(checked.type.json_schema(), value)

    event(f"accepted: {accepted}, exact: {exact}")
    # What a schema cannot say it leaves open; it never refuses what we take.
    assert holds or not accepted
    assert holds == accepted or not exact or spelt


@pytest.mark.proves("GT-18")
@given(st.data(), schemas(2))
def test_what_is_sent_conforms_to_the_schema_of_the_answer(
    data: st.DataObject, schema: Schema
) -> None:
    checked = check(schema.hint, side="response")
    value = checked.decode(msgspec.json.encode(data.draw(schema.values)))

    sent = msgspec.json.decode(checked.encode(value))

    assert conforms(checked.type.json_schema("response"), sent)


class Line(msgspec.Struct, forbid_unknown_fields=True):
    sku: Annotated[str, msgspec.Meta(min_length=1, description="What it is.")]
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    tags: set[str] = set()


@pytest.mark.proves("GT-18")
def test_a_schema_reads_as_one_would_write_it() -> None:
    def line(*required: str, **tags: Any) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "sku": {"type": "string", "minLength": 1, "description": "What it is."},
                "count": {"type": "integer", "minimum": 1, "default": 1},
                "tags": {"type": "array", "items": {"type": "string"}, **tags, "default": []},
            },
            "required": list(required),
            "additionalProperties": False,
        }

    made = gtype(list[Line])
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "array",
        "items": {"$ref": "#/$defs/Line"},
    }

    assert made.json_schema() == {**head, "$defs": {"Line": line("sku")}}
    assert made.json_schema("response") == {
        **head,
        "$defs": {"Line": line("sku", "count", "tags", uniqueItems=True)},
    }


# --- P12: several faults at once ---


@pytest.mark.proves("P12", "GT-9", "GT-10", "GT-11", "GT-12")
@given(st.data(), st.lists(st.sampled_from(LEAVES[2:]), min_size=2, max_size=5))
def test_p12_each_of_several_faults_is_told_at_its_place_and_no_other(
    data: st.DataObject, leaves: list[Schema]
) -> None:
    """Every fault of several, in an array below an object; the others stay silent.

    Seen to fail with an issue at the array in place of its item.
    """
    items = [(f"f{n}", list[leaf.hint]) for n, leaf in enumerate(leaves)]  # type: ignore[name-defined]
    checked = check(msgspec.defstruct("Holder", items))
    good = {f"f{n}": [data.draw(leaf.values)] * 2 for n, leaf in enumerate(leaves)}
    faulty = data.draw(st.sets(st.integers(0, len(leaves) - 1), min_size=1))
    bad = {name: list(values) for name, values in good.items()}
    for n in faulty:
        bad[f"f{n}"][1] = CANARY if leaves[n].hint in _FORMATS else {CANARY: CANARY}

    found = checked.issues(bad).issues

    assert [issue.path for issue in found] == [f"/f{n}/1" for n in sorted(faulty)]
    assert checked.issues(good).issues == ()
    assert CANARY not in msgspec.json.encode(found).decode()


# --- GT-9: unions ---


class Plain(msgspec.Struct):
    a: int


class Other(msgspec.Struct):
    b: int


@pytest.mark.proves("GT-9")
@pytest.mark.parametrize(
    ("hint", "both"),
    [
        (Plain | Other, ("Plain", "Other")),
        (str | dt.date, ("str", "date")),
        (list[int] | tuple[int, int], ("list", "tuple")),
        (dt.date | uuid.UUID, ("date", "UUID")),
        (Plain | dict[str, int], ("Plain", "dict")),
        (Literal["a"] | str, ("literal", "str")),
        (decimal.Decimal | str, ("str", "ecimal")),
    ],
    ids=str,
)
def test_a_union_that_nothing_decides_is_refused_naming_both(hint: Any, both: Any) -> None:
    with pytest.raises(UnsupportedTypeError) as caught:
        gtype(hint)

    assert [name for name in both if name not in caught.value.problem] == []
    assert "ag the" in caught.value.remedy or "tag its" in caught.value.remedy


@pytest.mark.proves("GT-9", "GT-10")
@pytest.mark.parametrize(
    ("value", "path", "code", "expected"),
    [
        ({"type": "cat", "lives": "x"}, "/lives", "kind", "integer"),
        ({"type": "cow"}, "/type", "tag", 'one of "cat", "dog"'),
        ({}, "/type", "tag", 'one of "cat", "dog"'),
        (7, "", "kind", "null or object"),
        (
            {"type": "dog", "friend": {"type": "cat", "lives": 0.5}},
            "/friend/lives",
            "kind",
            "integer",
        ),
    ],
)
def test_the_issues_of_a_union_are_those_of_the_branch(
    value: Any, path: str, code: str, expected: str
) -> None:
    (issue,) = check(Cat | Dog | None).issues(value).issues

    assert (issue.path, issue.code, issue.expected) == (path, code, expected)

"""Requests and answers are checked by their types, and every fault is told with its place."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import (
    ConstraintError,
    InvalidDefaultError,
    RegistrationError,
    UnsupportedTypeError,
)
from runtime.facts import Issue
from runtime.gtype import Checker, QueryReader, Sensitive, check, format_issues, issues_for
from runtime.gtype.findings import At, pointer
from runtime.messages import ValidationFailed
from tests.runtime.schemas import CANARY, Schema, mutated, plain, schemas


class Item(msgspec.Struct, forbid_unknown_fields=True):
    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=8)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Order(msgspec.Struct):
    customer: str
    items: Annotated[list[Item], msgspec.Meta(min_length=1)]
    card: Annotated[str, Sensitive]
    note: str | None = None
    parts: "list[Order]" = []


ORDER = check(Order)
GOOD = b'{"customer":"ann","items":[{"sku":"a","quantity":3}],"card":"4242"}'


def refused(checked: Checker[Any], raw: bytes) -> tuple[Issue, ...]:
    with pytest.raises(ValidationFailed) as caught:
        checked.decode(raw)
    assert caught.value.issues
    return caught.value.issues


def found(checked: Checker[Any], raw: bytes) -> list[tuple[str, str]]:
    return [(issue.path, issue.code) for issue in refused(checked, raw)]


def accepts(checked: Checker[Any], raw: bytes) -> bool:
    try:
        checked.decode(raw)
    except ValidationFailed:
        return False
    return True


# --- the law ---


@pytest.mark.proves("P13", "GT-15", "GT-20")
@given(st.data(), schemas())
def test_p13_the_decoder_accepts_where_the_pass_finds_nothing(
    data: st.DataObject, schema: Schema
) -> None:
    """Seen to fail with the length of text counted in bytes."""
    value = data.draw(schema.values)
    if data.draw(st.booleans()):
        value, _ = data.draw(mutated(value))
    checked = check(schema.hint)

    raw = msgspec.json.encode(value)

    assert accepts(checked, raw) == (checked.issues(msgspec.json.decode(raw)).issues == ())


@pytest.mark.proves("P13", "GT-8")
@given(st.data(), schemas())
def test_p13_what_conforms_is_accepted(data: st.DataObject, schema: Schema) -> None:
    raw = msgspec.json.encode(data.draw(schema.values))

    assert accepts(check(schema.hint), raw)


@pytest.mark.proves("P13")
def test_the_pass_and_the_decoder_agree_on_an_order() -> None:
    wrong = GOOD.replace(b"3}", b"0}")

    assert ORDER.decode(GOOD) == Order("ann", [Item("a", 3)], "4242")
    assert ORDER.issues(msgspec.json.decode(GOOD)).issues == ()
    assert found(ORDER, wrong) == [("/items/0/quantity", "minimum")]


@pytest.mark.proves("P12", "GT-10")
@given(st.data(), schemas())
def test_p12_issues_stand_where_the_fault_is_and_never_show_it(
    data: st.DataObject, schema: Schema
) -> None:
    value, at = data.draw(mutated(data.draw(schema.values)))
    issues = check(schema.hint).issues(value).issues
    # Changing a tag changes what its object must hold; changing a length, what a tuple must.
    place: At = None
    for step in at[:-1]:
        place = (place, step)
    where = pointer(place)

    assert all(_related(issue.path, where) for issue in issues)
    # A name may be told, since the caller must find it; a value never.
    told = [(issue.code, issue.expected, issue.actual) for issue in issues]
    assert CANARY not in str(told)


def _related(path: str, where: str) -> bool:
    return f"{path}/".startswith(f"{where}/") or f"{where}/".startswith(f"{path}/")


@given(raw=st.binary(max_size=200) | plain.map(msgspec.json.encode), schema=schemas())
@pytest.mark.proves("GT-20")
def test_no_bytes_make_anything_but_issues(raw: bytes, schema: Schema) -> None:
    checked = check(schema.hint)

    if not accepts(checked, raw):
        assert all(isinstance(issue, Issue) for issue in refused(checked, raw))


# --- what is found ---


@pytest.mark.proves("P12", "GT-5", "GT-10", "GT-11")
def test_all_faults_are_listed_in_schema_order() -> None:
    raw = b'{"items":[{"sku":"","quantity":"x","z":1},7],"card":null,"customer":5}'

    assert found(ORDER, raw) == [
        ("/customer", "kind"),
        ("/items/0/sku", "length"),
        ("/items/0/quantity", "kind"),
        ("/items/0/z", "unknown-field"),
        ("/items/1", "kind"),
        ("/card", "null"),
    ]


@pytest.mark.proves("P12", "GT-10")
def test_an_issue_says_what_was_expected_and_what_came() -> None:
    (issue,) = refused(ORDER, GOOD.replace(b'"a"', b'"123456789"'))

    assert issue == Issue(
        path="/items/0/sku",
        code="length",
        expected="at most 8 characters",
        actual="string of 9",
        message="items[0].sku: expected at most 8 characters, got string of 9.",
    )


@pytest.mark.proves("GT-10")
@pytest.mark.parametrize(
    ("hint", "raw", "code"),
    [
        (Order, b"[]", "kind"),
        (Order, b"null", "null"),
        (int, b"1.0", "kind"),
        (int, b"1e3", "kind"),
        (int, b"true", "kind"),
        (int, b'"1"', "kind"),
        (bool, b"1", "kind"),
        (float, b"1e999", "syntax"),
        (Annotated[int, msgspec.Meta(multiple_of=3)], b"4", "multiple"),
        (Annotated[float, msgspec.Meta(lt=2)], b"2", "maximum"),
        (Annotated[list[int], msgspec.Meta(max_length=1)], b"[1,2]", "items"),
        (Annotated[set[int], msgspec.Meta(min_length=2)], b"[1,1]", "items"),
        (tuple[int, int], b"[1]", "length"),
        (dt.datetime, b'"2026-01-01T00:00:00"', "format"),
        (dt.datetime, b'"0001-01-01T00:00:00+23:00"', "format"),
        (Decimal, b'"NaN"', "format"),
        (Decimal, b'"1e9999"', "format"),
        (Decimal, b'"' + b"1" * 35 + b'"', "format"),
        (dict[int, str], b'{"x":"y"}', "kind"),
        (set[Any], b"[[]]", "check"),
    ],
)
def test_each_kind_of_fault_has_its_code(hint: Any, raw: bytes, code: str) -> None:
    assert [issue.code for issue in refused(check(hint), raw)] == [code]


@pytest.mark.proves("GT-11", "GT-20")
@pytest.mark.parametrize(
    ("raw", "actual"),
    [
        (b"{", "a fault at byte 1"),
        (b'{"a":1,}', "a fault at byte 7"),
        (b'"\xff"', "other bytes at byte 1"),
        (b"[" * 65 + b"]" * 65, "more levels"),
        (b"[" * 100_000, "more levels"),
        (b'"\\ud800"', "a fault at byte 8"),
    ],
)
def test_what_is_no_json_is_one_issue(raw: bytes, actual: str) -> None:
    (issue,) = refused(check(Any), raw)

    assert (issue.code, issue.path, issue.actual) == ("syntax", "", actual)


@pytest.mark.proves("GT-20")
def test_brackets_in_strings_are_not_levels() -> None:
    raw = msgspec.json.encode(["[" * 100, '"' + "{" * 100, "\\"])

    assert accepts(check(list[str]), raw)


@pytest.mark.proves("GT-11")
def test_no_body_is_missing() -> None:
    assert found(ORDER, b"") == [("", "missing")]


@pytest.mark.proves("GT-11")
def test_a_hundred_issues_are_enough() -> None:
    with pytest.raises(ValidationFailed) as caught:
        check(list[int]).decode(msgspec.json.encode(["x"] * 101))

    assert len(caught.value.issues) == 100
    assert caught.value.truncated


@pytest.mark.proves("GT-11", "GT-15")
def test_a_fault_beyond_the_nodes_looked_at_is_still_one_issue_at_its_place() -> None:
    raw = msgspec.json.encode([1] * 20_000 + ["x"])

    assert found(check(list[int]), raw) == [("/20000", "check")]


@pytest.mark.proves("GT-8", "GT-15")
def test_where_pass_and_decoder_differ_the_refusal_stands_without_the_value() -> None:
    (issue,) = refused(ORDER, GOOD.replace(b'"customer":', b'"customer":7,"customer":'))

    assert (issue.path, issue.code) == ("/customer", "check")


@pytest.mark.proves("GT-11")
def test_names_from_input_are_cut_and_hidden_below_sensitive() -> None:
    class Closed(msgspec.Struct, forbid_unknown_fields=True):
        pass

    class Holder(msgspec.Struct):
        open_: Closed
        secret: Annotated[Closed, Sensitive]

    long, odd = "n" * 300, "a\x00b"
    value = {"open_": {long: 1, odd: 1}, "secret": {"4242": 1}}
    paths = [issue.path for issue in check(Holder).issues(value).issues]

    assert paths == ["/open_/a\\u0000b", f"/open_/{'n' * 64}", "/secret/*"]


@pytest.mark.proves("GT-10", "GT-12")
def test_issues_can_be_read_by_people_and_picked_by_place() -> None:
    issues = refused(ORDER, b'{"items":[{"sku":"a","quantity":0}],"card":"x"}')

    assert format_issues(issues) == (
        "customer is missing; expected string. [missing]\n"
        "items[0].quantity: expected at least 1, got integer. [minimum]"
    )
    assert [i.code for i in issues_for(issues, "/items")] == ["minimum"]


# --- types ---

T = TypeVar("T")


class Box(msgspec.Struct, Generic[T]):
    content: T


class Pair(NamedTuple):
    left: int
    right: int = 0


class Options(TypedDict, total=False):
    size: int


@dataclass
class Point:
    x: int
    y: int = 0


@pytest.mark.proves("GT-4", "GT-8")
@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (Box[int], b'{"content":1}', b'{"content":"1"}'),
        (Pair, b"[1]", b"[]"),
        (Options, b"{}", b'{"size":null}'),
        (Point, b'{"x":1}', b'{"y":1}'),
        (Box[Box[str] | None], b'{"content":null}', b'{"content":{}}'),
    ],
)
def test_these_types_are_known(hint: Any, good: bytes, bad: bytes) -> None:
    checked = check(hint)

    assert accepts(checked, good)
    assert not accepts(checked, bad)


class Opaque:
    pass


class HoldsOpaque(msgspec.Struct):
    items: list[dict[str, Opaque]]


class BadDefault(msgspec.Struct):
    n: Annotated[int, msgspec.Meta(ge=1)] = 0


class Untagged(msgspec.Struct):
    pass


@pytest.mark.proves("GT-4", "GT-13")
@pytest.mark.parametrize(
    ("hint", "error", "says"),
    [
        (HoldsOpaque, UnsupportedTypeError, r"HoldsOpaque\.items\[\]\{\}"),
        (Opaque, UnsupportedTypeError, "Opaque"),
        (complex, UnsupportedTypeError, "complex"),
        (Untagged | Item, UnsupportedTypeError, "tag"),
        (str | dt.date, UnsupportedTypeError, "str-like"),
        (dict[float, int], UnsupportedTypeError, "keys of type float"),
        (list["Nowhere"], UnsupportedTypeError, "Nowhere"),  # type: ignore[name-defined]  # noqa: F821
        (BadDefault, InvalidDefaultError, r"BadDefault\.n"),
        (Annotated[int, msgspec.Meta(ge=3, le=1)], ConstraintError, "above 3"),
        (Annotated[str, msgspec.Meta(min_length=3, max_length=1)], ConstraintError, "at least 3"),
        (Annotated[float, msgspec.Meta(multiple_of=0.1)], ConstraintError, "multiple_of"),
        (Annotated[str, msgspec.Meta(ge=3)], ConstraintError, "numeric"),
        (Annotated[int, msgspec.Meta(min_length=3)], ConstraintError, "min_length"),
        (Annotated[int, msgspec.Meta(tz=True)], ConstraintError, "tz"),
        (Annotated[str, msgspec.Meta(pattern="(a+)+$")], ConstraintError, "pattern"),
        (Annotated[set[Point], msgspec.Meta(min_length=1)], ConstraintError, "set"),
    ],
)
def test_what_cannot_be_checked_is_refused_at_registration_with_its_place_and_a_remedy(
    hint: Any, error: type[RegistrationError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        check(hint)

    assert caught.value.remedy


@pytest.mark.proves("GT-15", "HO-9")
def test_an_answer_is_sent_as_its_type_declares_it() -> None:
    class More(Item):
        secret: str = CANARY

    class Plain(msgspec.Struct):
        sku: str
        left: int = 0

    written = check(list[Plain], side="response").encode([More("a", 1), {"sku": "b", "left": 2}])

    assert written == b'[{"sku":"a","left":0},{"sku":"b","left":2}]'
    with pytest.raises(ValidationFailed) as caught:
        check(Item, side="response").encode(More("a", 1))
    assert [i.code for i in caught.value.issues] == ["unknown-field"]


@pytest.mark.proves("HO-9")
def test_an_answer_that_is_no_plain_data_is_refused() -> None:
    with pytest.raises(ValidationFailed) as caught:
        check(Any, side="response").encode(Opaque())

    assert caught.value.side == "response"


# --- Sensitive ---


@pytest.mark.proves("GT-19")
def test_sensitive_values_are_left_out_wherever_they_stand() -> None:
    raw = b'{"card":"4242","parts":[{"card":["4242"],"customer":"ann"}],"note":"x"}'
    gone = {"$redacted": True}

    assert ORDER.redact.paths == ("/card",)
    assert ORDER.redact(raw) == {
        "card": gone,
        "parts": [{"card": gone, "customer": "ann"}],
        "note": "x",
    }


@pytest.mark.proves("GT-19")
def test_a_body_that_cannot_be_read_is_not_kept_if_it_may_hold_something_sensitive() -> None:
    assert ORDER.redact(b'{"card":"4242"') is None
    with pytest.raises(ValueError, match="not JSON"):
        check(Item).redact(b'{"sku":')


@pytest.mark.proves("GT-19")
@given(st.data(), schemas())
def test_nothing_marked_reaches_the_record(data: st.DataObject, schema: Schema) -> None:
    class Holder(msgspec.Struct):
        pass

    hint = msgspec.defstruct(
        "Holder",
        [("open", schema.hint), ("secret", Annotated[Any, Sensitive])],
    )
    value = {"open": data.draw(schema.values), "secret": [data.draw(plain), CANARY]}

    kept = check(hint).redact(msgspec.json.encode(value))

    assert kept == {
        **msgspec.json.decode(msgspec.json.encode(value)),
        "secret": {"$redacted": True},
    }


# --- text ---


class Search(msgspec.Struct):
    limit: Annotated[int, msgspec.Meta(ge=1)] = 10
    ratio: float = 1.0
    exact: bool = False
    tags: list[str] = []
    since: dt.date | None = None
    word: str | None = None


@pytest.mark.proves("GT-7")
def test_a_query_is_read_by_its_declared_type() -> None:
    reader = QueryReader(Search)
    pairs = [("limit", "5"), ("exact", "1"), ("tags", "a"), ("since", "2026-01-02"), ("x", "y")]

    assert reader.read(pairs) == {
        "limit": 5,
        "ratio": 1.0,
        "exact": True,
        "tags": ["a"],
        "since": dt.date(2026, 1, 2),
        "word": None,
    }


@pytest.mark.proves("GT-7")
@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("limit", "05", "kind"),
        ("limit", "+5", "kind"),
        ("limit", " 5", "kind"),
        ("limit", "5.0", "kind"),
        ("limit", "\u0665", "kind"),
        ("limit", "", "kind"),
        ("limit", "0", "minimum"),
        ("ratio", "nan", "kind"),
        ("ratio", "1e999", "kind"),
        ("exact", "yes", "kind"),
        ("exact", "True", "kind"),
        ("since", "2026-02-30", "format"),
    ],
)
def test_text_of_another_form_is_refused(name: str, text: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        QueryReader(Search).read([(name, text)])

    assert [(i.path, i.code) for i in caught.value.issues] == [(f"/query/{name}", code)]


@pytest.mark.proves("GT-7")
def test_the_text_null_is_text_and_a_repeated_key_needs_a_list() -> None:
    reader = QueryReader(Search)

    assert reader.read([("word", "null")])["word"] == "null"
    assert reader.read([("tags", "a"), ("tags", "b")])["tags"] == ["a", "b"]
    with pytest.raises(ValidationFailed) as caught:
        reader.read([("limit", "1"), ("limit", "2"), ("limit", "3")])
    assert [i.code for i in caught.value.issues] == ["repeated"]


@pytest.mark.proves("GT-7")
def test_a_query_type_that_text_cannot_fill_is_refused() -> None:
    with pytest.raises(UnsupportedTypeError, match="items"):
        QueryReader(Order)

"""Types and plain values that conform to them, or nearly do: for tests of `runtime.gtype`."""

import dataclasses
import datetime as dt
import decimal
import enum
import typing
import uuid
from typing import Annotated, Any, Literal

import msgspec
from hypothesis import strategies as st

CANARY = "canary-7f3a"
"""Stands in values only; wherever a value might leak, it must not be found."""

Path = tuple[str | int, ...]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    S = 1
    L = 2


@dataclasses.dataclass(frozen=True)
class Schema:
    """A hint, and the plain values that conform to it."""

    hint: Any
    values: st.SearchStrategy[Any]


ints = st.integers(-(2**70), 2**70)
floats = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | ints | floats | texts
aware = st.datetimes(
    min_value=dt.datetime(2, 1, 1),  # noqa: DTZ001 - made aware by the next line
    max_value=dt.datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30))]),
)
nearly_text = st.sampled_from(
    [
        "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "12:00:00", "NaN", "1e9999",
        "1.5", "P1D", "aGk=", "0001-01-01T00:00:00+23:00", "red", "", "x" * 40,
        "6f3f1b1e-7c0f-4a73-9d3c-0d1f2b0a8a11",
    ]
)  # fmt: skip
plain = st.recursive(
    scalars | nearly_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def _decimals() -> st.SearchStrategy[str]:
    return (
        st.decimals(allow_nan=False, allow_infinity=False, places=4)
        .map(str)
        .filter(lambda text: len(decimal.Decimal(text).as_tuple().digits) <= 34)
    )


_SHORT = Annotated[str, msgspec.Meta(min_length=2, max_length=4)]
LEAVES: tuple[Schema, ...] = (
    Schema(Any, plain),
    Schema(None, st.none()),
    Schema(bool, st.booleans()),
    Schema(int, ints),
    Schema(Annotated[int, msgspec.Meta(ge=0, lt=10)], st.integers(0, 9)),
    Schema(Annotated[int, msgspec.Meta(multiple_of=3)], st.integers(-99, 99).map(lambda n: n * 3)),
    Schema(float, floats),
    Schema(Annotated[float, msgspec.Meta(gt=0.5, le=2)], st.floats(0.5, 2, exclude_min=True)),
    Schema(str, texts),
    Schema(_SHORT, st.text("aé🎈", min_size=2, max_size=4)),
    Schema(decimal.Decimal, _decimals()),
    Schema(dt.datetime, aware.map(dt.datetime.isoformat)),
    Schema(Annotated[dt.datetime, msgspec.Meta(tz=False)], st.just("2026-01-01T00:00:00")),
    Schema(dt.date, st.dates().map(str)),
    Schema(dt.time, st.times().map(str)),
    Schema(dt.timedelta, st.sampled_from(["P1D", "PT1H", "-PT0.5S"])),
    Schema(uuid.UUID, st.uuids().map(str)),
    Schema(bytes, st.sampled_from(["", "aGk=", "AAAA"])),
    Schema(Colour, st.sampled_from(["red", "blue"])),
    Schema(Size, st.sampled_from([1, 2])),
    Schema(Literal["a", 1, None], st.sampled_from(["a", 1, None])),
)  # fmt: skip
_KEYS: tuple[Schema, ...] = (
    Schema(str, texts),
    Schema(Annotated[str, msgspec.Meta(min_length=2)], st.text("ab", min_size=2, max_size=3)),
    Schema(int, st.integers(-99, 99).map(str)),
    Schema(dt.date, st.dates().map(str)),
    Schema(Colour, st.sampled_from(["red", "blue"])),
)
_SET_ITEMS: tuple[Schema, ...] = tuple(
    s for s in LEAVES if s.hint in {int, str, dt.date, uuid.UUID, Colour}
)


@st.composite
def schemas(draw: st.DrawFn, depth: int = 3) -> Schema:
    """Draw a type, at most *depth* containers deep."""
    kind = draw(st.sampled_from(_NESTED if depth else ("leaf",)))
    return _MAKERS[kind](draw, depth - 1)


def _leaf(draw: st.DrawFn, _depth: int) -> Schema:
    return draw(st.sampled_from(LEAVES))


def _list(draw: st.DrawFn, depth: int) -> Schema:
    item = draw(schemas(depth))
    low, high = draw(st.sampled_from([(None, None), (1, None), (0, 2), (None, 3)]))
    hint = Annotated[list[item.hint], msgspec.Meta(min_length=low, max_length=high)]  # type: ignore[name-defined]
    top = 3 if high is None else high
    return Schema(hint, st.lists(item.values, min_size=low or 0, max_size=top))


def _set(draw: st.DrawFn, _depth: int) -> Schema:
    item = draw(st.sampled_from(_SET_ITEMS))
    low, high = draw(st.sampled_from([(None, None), (1, 2)]))
    hint = Annotated[set[item.hint], msgspec.Meta(min_length=low, max_length=high)]  # type: ignore[name-defined]
    return Schema(hint, st.lists(item.values, min_size=low or 0, max_size=high or 3))


def _map(draw: st.DrawFn, depth: int) -> Schema:
    key, value = draw(st.sampled_from(_KEYS)), draw(schemas(depth))
    return Schema(
        dict[key.hint, value.hint],  # type: ignore[name-defined]
        st.dictionaries(key.values, value.values, max_size=3),
    )


def _tuple(draw: st.DrawFn, depth: int) -> Schema:
    items = draw(st.lists(schemas(depth), min_size=1, max_size=3))
    hint = tuple.__class_getitem__(tuple(item.hint for item in items))
    return Schema(hint, st.tuples(*(item.values for item in items)).map(list))


def _optional(draw: st.DrawFn, depth: int) -> Schema:
    inner = draw(schemas(depth))
    return Schema(inner.hint | None, st.none() | inner.values) if inner.hint else inner


def _fields(draw: st.DrawFn, depth: int) -> list[tuple[str, Schema, bool]]:
    count = draw(st.integers(1, 4))
    return [(f"f{n}", draw(schemas(depth)), draw(st.booleans())) for n in range(count)]


def _objects(fields: list[tuple[str, Schema, bool]], wire: str) -> st.SearchStrategy[Any]:
    names = {name: name.upper() if wire == "upper" else name for name, _, _ in fields}
    required = {names[name]: schema.values for name, schema, needed in fields if needed}
    optional = {names[name]: schema.values for name, schema, needed in fields if not needed}
    return st.fixed_dictionaries(required, optional=optional)


def _struct(draw: st.DrawFn, depth: int) -> Schema:
    fields = sorted(_fields(draw, depth), key=lambda field: not field[2])
    wire: Literal["lower", "upper"] = draw(st.sampled_from(["lower", "upper"]))
    closed = draw(st.booleans())
    made = msgspec.defstruct(
        "Made",
        [
            (name, schema.hint)
            if needed
            else (name, schema.hint | msgspec.UnsetType, msgspec.UNSET)
            for name, schema, needed in ((n, _not_none(s), r) for n, s, r in fields)
        ],
        rename=wire,
        forbid_unknown_fields=closed,
    )
    return Schema(made, _objects(fields, wire))


def _not_none(schema: Schema) -> Schema:
    return Schema(type(None), schema.values) if schema.hint is None else schema


def _typed_dict(draw: st.DrawFn, depth: int) -> Schema:
    fields = _fields(draw, depth)
    hints = {
        name: typing.Required[schema.hint] if needed else typing.NotRequired[schema.hint]
        for name, schema, needed in fields
    }
    make: Any = typing.TypedDict
    return Schema(make("Made", hints), _objects(fields, "lower"))


def _tagged(draw: st.DrawFn, depth: int) -> Schema:
    one, two = draw(schemas(depth)), draw(schemas(depth))
    a = msgspec.defstruct("A", [("x", one.hint)], tag="a")
    b = msgspec.defstruct("B", [("y", two.hint)], tag="b")
    values = st.fixed_dictionaries({"type": st.just("a"), "x": one.values}) | (
        st.fixed_dictionaries({"type": st.just("b"), "y": two.values})
    )
    return Schema(a | b, values)


def _array_like(draw: st.DrawFn, depth: int) -> Schema:
    items = draw(st.lists(schemas(depth), min_size=1, max_size=3))
    closed = draw(st.booleans())
    made = msgspec.defstruct(
        "Made",
        [(f"f{n}", item.hint) for n, item in enumerate(items)],
        array_like=True,
        forbid_unknown_fields=closed,
    )
    return Schema(made, st.tuples(*(item.values for item in items)).map(list))


_NESTED = (
    "leaf", "leaf", "list", "set", "map", "tuple", "optional", "struct", "struct", "typed_dict",
    "tagged", "array_like",
)  # fmt: skip
_MAKERS = {
    "leaf": _leaf,
    "list": _list,
    "set": _set,
    "map": _map,
    "tuple": _tuple,
    "optional": _optional,
    "struct": _struct,
    "typed_dict": _typed_dict,
    "tagged": _tagged,
    "array_like": _array_like,
}


def places(value: Any, at: Path = ()) -> list[Path]:
    """Give every place in plain data, the root first."""
    found: list[Path] = [at]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, (*at, name))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            found += places(inner, (*at, n))
    return found


def replaced(value: Any, at: Path, new: Any) -> Any:
    """Give plain data with *new* in the place *at*."""
    if not at:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(value[at[0]], at[1:], new)
    return copy


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> tuple[Any, Path]:
    """Put something else somewhere in plain data; say where."""
    at = draw(st.sampled_from(places(value)))
    new = draw(plain | st.just(CANARY) | st.just({CANARY: 1}) | st.just([]))
    return replaced(value, at, new), at

"""Types drawn as data, values that fit them, and single edits of a type."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Field, Object
from runtime.gtype.schema import GType

NAMES = ("a", "b", "c", "d")
_small = st.integers(-3, 3)
_opt = st.none() | st.integers(0, 3)

INTS = st.builds(kinds.Int, ge=st.none() | _small, multiple_of=st.sampled_from([None, None, 2, 4]))
FLOATS = st.builds(kinds.Float, gt=st.none() | _small.map(float))
TEXTS = st.builds(
    kinds.Text,
    min_length=_opt,
    max_length=st.none() | st.integers(3, 5),
    form=st.sampled_from([None, None, None, "email"]),
).filter(lambda text: text.form is None or (text.min_length is text.max_length is None))
ENUMS = st.builds(
    kinds.Enum,
    values=st.lists(st.sampled_from(["x", "yy", 1, 2]), min_size=1, unique=True).map(tuple),
)
LEAVES = st.one_of(
    *[INTS] * 3,
    *[TEXTS] * 3,
    FLOATS,
    ENUMS,
    st.just(kinds.Bool()),
    st.just(kinds.Uuid()),
    st.just(kinds.Date()),
    st.just(kinds.Anything()),
    st.builds(kinds.DateTime, naive=st.booleans()),
    st.builds(kinds.Bytes, min_length=_opt),
    st.just(kinds.Decimal()),
)


def _holding(inner: st.SearchStrategy[Any_]) -> st.SearchStrategy[Any_]:
    return st.one_of(
        st.builds(
            kinds.Array, item=inner, min_length=_opt, max_length=st.none() | st.integers(3, 4)
        ),
        st.builds(kinds.Map, key=st.sampled_from([kinds.Text(), kinds.Uuid()]), value=inner),
        st.builds(lambda *both: kinds.Union(members=both), INTS, FLOATS),
        st.builds(kinds.Tuple, items=st.lists(inner, max_size=2).map(tuple)),
        inner.map(nullable),
    )  # fmt: skip


def nullable(part: Any_) -> Any_:
    if isinstance(part, kinds.Anything | kinds.Union):
        return part
    return kinds.Union(members=(part, kinds.Null()))


PARTS: st.SearchStrategy[Any_] = st.recursive(LEAVES, _holding, max_leaves=3)


@st.composite
def fields(draw: st.DrawFn, name: str | None = None) -> Field:
    name = name or draw(st.sampled_from(NAMES))
    return Field(name, draw(PARTS), required=draw(st.sampled_from([True, True, False])))


@st.composite
def types(draw: st.DrawFn) -> GType:
    """Draw an object, perhaps with another one or itself inside."""
    made = []
    for number in range(draw(st.integers(1, 2))):
        names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
        own = [draw(fields(name)) for name in names]
        if draw(st.booleans()):
            to = draw(st.integers(0, number))
            own.append(Field("more", nullable(kinds.Ref(to=to)), required=False))
        made.append(
            Object(
                name=f"T{number}",
                fields=tuple(own),
                closed=draw(st.booleans()),
                as_array=number == 0 and bool(own) and draw(st.integers(0, 4)) == 0,
            )
        )
    made = [placed(each) for each in made]
    return GType(kinds.Ref(to=len(made) - 1), tuple(made))


def placed(each: Object) -> Object:
    """What is written by its place may be left out at the end only."""
    if not each.as_array:
        return each
    ordered = sorted(each.fields, key=lambda field: not field.required)
    return msgspec.structs.replace(each, fields=tuple(ordered))


# --- edits ---


@st.composite
def edits(draw: st.DrawFn, type_: GType) -> GType:
    """Draw one edit of a type: a field goes, comes, changes its presence or its type."""
    number = draw(st.integers(0, len(type_.objects) - 1))
    each = type_.objects[number]
    changed = placed(draw(st.sampled_from(_EDITS))(draw, each))
    objects = [*type_.objects]
    objects[number] = changed
    return GType(type_.root, tuple(objects))


def _remove(draw: st.DrawFn, each: Object) -> Object:
    if not each.fields:
        return each
    gone = draw(st.integers(0, len(each.fields) - 1))
    left = tuple(field for n, field in enumerate(each.fields) if n != gone)
    return msgspec.structs.replace(each, fields=left)


def _add(draw: st.DrawFn, each: Object) -> Object:
    free = [name for name in NAMES if name not in {field.name for field in each.fields}]
    added = draw(fields(draw(st.sampled_from(free)))) if free else None
    return msgspec.structs.replace(each, fields=(*each.fields, *filter(None, [added])))


def _one(draw: st.DrawFn, each: Object, change: Callable[[Field], Field]) -> Object:
    if not each.fields:
        return each
    which = draw(st.integers(0, len(each.fields) - 1))
    made = [change(field) if n == which else field for n, field in enumerate(each.fields)]
    return msgspec.structs.replace(each, fields=tuple(made))


def _presence(draw: st.DrawFn, each: Object) -> Object:
    return _one(draw, each, lambda f: msgspec.structs.replace(f, required=not f.required))


def _retyped(draw: st.DrawFn, each: Object) -> Object:
    part = draw(PARTS)
    return _one(draw, each, lambda f: msgspec.structs.replace(f, type=part))


def _nulled(draw: st.DrawFn, each: Object) -> Object:
    def change(field: Field) -> Field:
        part = field.type
        if isinstance(part, kinds.Union):
            return msgspec.structs.replace(field, type=part.members[0])
        return msgspec.structs.replace(field, type=nullable(part))

    return _one(draw, each, change)


def _bounded(draw: st.DrawFn, each: Object) -> Object:
    """Move a bound of a field that has one, if any can."""
    can = [field for field in each.fields if isinstance(field.type, _BOUNDED)]
    if not can:
        return each
    field, bound = draw(st.sampled_from(can)), draw(_opt)
    part = field.type
    if isinstance(part, kinds.Int | kinds.Float):
        part = msgspec.structs.replace(part, ge=bound, gt=None)
    elif isinstance(part, kinds.Text | kinds.Array) and not getattr(part, "form", None):
        if draw(st.booleans()):
            part = msgspec.structs.replace(part, min_length=bound, max_length=None)
        else:
            part = msgspec.structs.replace(part, max_length=draw(st.none() | st.integers(3, 5)))
    made = msgspec.structs.replace(field, type=part)
    return msgspec.structs.replace(
        each, fields=tuple(made if old is field else old for old in each.fields)
    )


_BOUNDED = (kinds.Int, kinds.Float, kinds.Text, kinds.Array)


def _closed(draw: st.DrawFn, each: Object) -> Object:
    return msgspec.structs.replace(each, closed=not each.closed)


_EDITS = (_remove, _add, _presence, _retyped, _nulled, _bounded, _bounded, _bounded, _closed)


# --- values ---


def values(type_: GType) -> st.SearchStrategy[Any]:
    """Draw plain data that *type_* takes, of declared fields only."""
    return _values(type_.root, type_.objects, 0)


def _values(part: Any_, objects: Sequence[Object], depth: int) -> st.SearchStrategy[Any]:
    match part:
        case kinds.Ref():
            return _object(objects[part.to], objects, depth)
        case kinds.Union():
            members = part.members if depth < 3 else part.members[-1:]
            return st.one_of([_member(each, part.members, objects, depth) for each in members])
        case kinds.Array():
            most = part.max_length if part.max_length is not None else (part.min_length or 0) + 2
            inner = _values(part.item, objects, depth + 1)
            return st.lists(inner, min_size=part.min_length or 0, max_size=most)
        case kinds.Tuple():
            return st.tuples(*(_values(i, objects, depth + 1) for i in part.items)).map(list)
        case kinds.Map():
            keys = _leaf(part.key)
            return st.dictionaries(keys, _values(part.value, objects, depth + 1), max_size=2)
        case _:
            return _leaf(part)


def _member(
    part: Any_, beside: Sequence[Any_], objects: Sequence[Object], depth: int
) -> st.SearchStrategy[Any]:
    """Draw for one member; beside whole numbers any other number is judged by its own."""
    drawn = _values(part, objects, depth)
    if isinstance(part, kinds.Float) and any(isinstance(each, kinds.Int) for each in beside):
        return drawn.filter(lambda value: not isinstance(value, int))
    return drawn


@st.composite
def _object(draw: st.DrawFn, each: Object, objects: Sequence[Object], depth: int) -> Any:
    found: dict[str, Any] = {}
    for field in each.fields:
        left_out = not field.required and (depth > 2 or draw(st.booleans()))
        if left_out and each.as_array:
            break
        if not left_out:
            found[field.name] = draw(_values(field.type, objects, depth + 1))
    return list(found.values()) if each.as_array else found


_ANY = st.sampled_from([None, True, 7, 1.5, "text", "", [], [1], {}, {"a": 1}])


def _leaf(part: Any_) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one a kind
    match part:
        case kinds.Int():
            step = part.multiple_of or 1
            least = -(-(part.ge if part.ge is not None else -9) // step)
            return st.integers(least, least + 3).map(lambda n: n * step)
        case kinds.Float():
            low = part.gt if part.gt is not None else part.ge
            low = -4.0 if low is None else float(low)
            return st.sampled_from([low + 0.5, low + 1, low + 7.25]) | st.just(int(low) + 3)
        case kinds.Text(form="email"):
            return st.sampled_from(["ann@example.com", "b@c.example"])
        case kinds.Text():
            most = part.max_length if part.max_length is not None else (part.min_length or 0) + 4
            return st.text("xyz1é", min_size=part.min_length or 0, max_size=most)
        case kinds.Bytes():
            raw = st.binary(min_size=part.min_length or 0, max_size=6)
            return raw.map(lambda b: base64.b64encode(b).decode())
        case kinds.Enum() | kinds.Literal():
            return st.sampled_from(part.values)
        case kinds.DateTime():
            return st.just("2026-01-02T03:04:05" + ("" if part.naive else "Z"))
        case kinds.Anything():
            return _ANY
        case _:
            return _PLAIN[type(part)]


_PLAIN: dict[type, st.SearchStrategy[Any]] = {
    kinds.Bool: st.booleans(),
    kinds.Null: st.none(),
    kinds.Uuid: st.uuids().map(str),
    kinds.Date: st.dates().map(str),
    kinds.Decimal: st.sampled_from(["1.5", 3, "0", 2.25]),
}

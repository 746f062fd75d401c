"""Hypothesis strategies of values and requests, drawn from types as data (TH-12).

They need Hypothesis, which `timescape` itself does not: `pip install hypothesis`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from hypothesis import strategies as st

from runtime.errors import UnsupportedTypeError
from runtime.gtype import GType, PlainChecker, kinds
from runtime.gtype.findings import At, pointer
from runtime.gtype.kinds import Any_, Object
from runtime.gtype.patterns import to_ecma
from runtime.manifests import HandlerManifest
from runtime.principals import ANONYMOUS, Principal
from runtime.routing import parse

Strategy: TypeAlias = st.SearchStrategy[Any]
Overrides: TypeAlias = Mapping[str, Strategy]
"""Plain values for checks in code, by the code of their issues."""

CANARY = "canary-5b1e"
"""Stands in values that are refused: nothing that is answered may hold it."""
_TEXT = st.characters(exclude_categories=["Cs"])
_INT64 = 1 << 63
_DEEPEST = 6
NAME = "named-7c02"
"""Stands for names that are not known: an issue may say them, to say where it is (GT-11)."""
_WRONG: tuple[Any, ...] = (None, True, 7, 1.5, CANARY, [], [CANARY], {NAME: CANARY})


class Drawn(msgspec.Struct, frozen=True):
    """A request of a handler."""

    params: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Any
    has_body: bool
    fault: str | None = None
    """Where in the body it does not conform, as a pointer; None: it conforms."""


def values(made: GType, overrides: Overrides | None = None) -> Strategy:
    """Draw plain JSON data that conforms to a type.

    Args:
        made: the type.
        overrides: values for its checks in code, by the code of their issues.

    Raises:
        UnsupportedTypeError: a check in code has no override.
    """
    checker = PlainChecker(made)
    drawn = _Drawing(made.objects, overrides or {}).part(made.root, 0)
    # Sets may collapse below their least length, and a decimal may be beyond the limits.
    return drawn.filter(lambda value: not checker.issues(value).issues)


def one_fault_away(made: GType, overrides: Overrides | None = None) -> Strategy:
    """Draw plain JSON data that conforms but for one place.

    Raises:
        UnsupportedTypeError: everything conforms, or a check in code has no override.
    """
    return located_faults(made, overrides).map(lambda drawn: drawn[0])


def located_faults(made: GType, overrides: Overrides | None = None) -> Strategy:
    """Draw what `one_fault_away` does, each with the place as a pointer."""
    if isinstance(made.root, kinds.Anything):
        problem = "Any value conforms to this type: there is no fault to draw."
        raise UnsupportedTypeError(problem, "Declare a narrower type.")
    checker = PlainChecker(made)
    return (
        values(made, overrides)
        .flatmap(_with_a_fault)
        .filter(lambda drawn: bool(checker.issues(drawn[0]).issues))
    )


@st.composite
def _with_a_fault(draw: st.DrawFn, value: Any, at: At = None) -> tuple[Any, str]:
    """Replace, or leave out, what stands in one place; say which."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        if draw(st.booleans()):
            return {key: each for key, each in value.items() if key != name}, pointer((at, name))
        inner, where = draw(_with_a_fault(value[name], (at, name)))
        return {**value, name: inner}, where
    if isinstance(value, list) and value and draw(st.booleans()):
        n = draw(st.integers(0, len(value) - 1))
        inner, where = draw(_with_a_fault(value[n], (at, n)))
        return [*value[:n], inner, *value[n + 1 :]], where
    return draw(st.sampled_from(_WRONG)), pointer(at)


def requests(
    manifest: HandlerManifest, overrides: Overrides | None = None, *, valid: bool = True
) -> st.SearchStrategy[Drawn]:
    """Draw requests of a handler.

    Args:
        manifest: of the handler.
        overrides: see `values`.
        valid: False: the body is one fault away from what the handler takes.

    Raises:
        UnsupportedTypeError: see `values` and `one_fault_away`.
    """
    template = parse(f"{manifest.method} {manifest.path}")
    params = {name: _PATH[kind.name] for name, kind in template.parameters.items()}
    query: Strategy = st.just({})
    if manifest.query is not None:
        query = values(_type(manifest.query), overrides).filter(_is_spellable)
    body: Strategy = st.tuples(st.none(), st.none())
    if manifest.body is not None:
        made = _type(manifest.body)
        if valid:
            body = st.tuples(values(made, overrides), st.none())
        else:
            body = located_faults(made, overrides)
    has_body = manifest.body is not None
    return st.builds(
        lambda params, query, body: Drawn(params, query, body[0], has_body, body[1]),
        st.fixed_dictionaries(params), query, body,
    )  # fmt: skip


def principals(
    roles: Sequence[str] = (), scopes: Sequence[str] = ()
) -> st.SearchStrategy[Principal]:
    """Draw who asks: nobody, or somebody with some of these roles and scopes."""
    some_roles = st.lists(st.sampled_from(roles), unique=True) if roles else st.just([])
    some_scopes = st.lists(st.sampled_from(scopes), unique=True) if scopes else st.just([])
    known = st.builds(
        Principal,
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8),
        kind=st.sampled_from(["user", "service", "key"]),
        roles=some_roles.map(tuple),
        scopes=some_scopes.map(tuple),
        tenant=st.none() | st.sampled_from(["north", "south"]),
    )
    return st.just(ANONYMOUS) | known


def schedules(turns: int = 100, widest: int = 8) -> st.SearchStrategy[list[int]]:
    """Draw orders of tasks, for `run_virtual(scenario(), schedule)`; they shrink to asyncio's own.

    Args:
        turns: in which a schedule chooses; later ones go in asyncio's order.
        widest: how many of those that are ready it chooses among.
    """
    return st.lists(st.integers(0, widest - 1), max_size=turns)


def _is_spellable(query: Any) -> bool:
    """Say whether all numbers of a query can be read from text (GT-7)."""
    return all(
        -_INT64 <= each < _INT64
        for value in query.values()
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, int)
    )


def _type(stored: Any) -> GType:
    return GType(stored.root, stored.objects)


# Text in paths: no segment may be empty, or be `.` or `..`, or hold a control character.
_SEGMENT = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8).filter(
    lambda text: text not in {".", ".."}
)
_PATH: Mapping[str, Strategy] = {
    "str": _SEGMENT,
    "path": _SEGMENT,
    "int": st.integers(-_INT64, _INT64 - 1),
    "float": st.floats(-1e9, 1e9).map(lambda x: round(x, 3)),
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
}


class _Drawing:
    def __init__(self, objects: Sequence[Object], overrides: Overrides) -> None:
        self._objects = objects
        self._overrides = overrides
        self._known: dict[int, Strategy] = {}

    def part(self, part: Any_, depth: int) -> Strategy:  # noqa: PLR0911 - one a kind
        if part.rules:
            return self._ruled(part)
        match part:
            case kinds.Ref():
                return self._object(part.to, depth)
            case kinds.Array():
                return self._array(part, depth)
            case kinds.Tuple():
                return st.tuples(*(self.part(each, depth) for each in part.items)).map(list)
            case kinds.Map():
                most = 3 if part.max_length is None else min(3, part.max_length)
                least = part.min_length or 0
                keys, inner = self.part(part.key, depth).map(str), self.part(part.value, depth)
                return st.dictionaries(keys, inner, min_size=least, max_size=max(least, most))
            case kinds.Union():
                return st.one_of([self.part(each, depth) for each in part.members])
            case _:
                return _LEAVES[type(part)](part)

    def _ruled(self, part: Any_) -> Strategy:
        given = [self._overrides[r.code] for r in part.rules if r.code in self._overrides]
        if len(given) < len(part.rules):
            codes = ", ".join(rule.code for rule in part.rules)
            problem = f"Values for the check {codes} cannot be guessed."
            raise UnsupportedTypeError(problem, "Give them: overrides={code: strategy}.")
        return given[0]

    def _array(self, part: kinds.Array, depth: int) -> Strategy:
        least = part.min_length or 0
        most = least + 3 if part.max_length is None else min(least + 3, part.max_length)
        if depth > _DEEPEST:
            most = least
        inner = self.part(part.item, depth + 1) if most else st.nothing()
        unique = str if part.unique or part.collapse else None
        return st.lists(inner, min_size=least, max_size=most, unique_by=unique)

    def _object(self, number: int, depth: int) -> Strategy:
        if number not in self._known:
            # Noted before its fields are drawn, so that it may contain itself.
            self._known[number] = st.deferred(lambda: made)
            made = self._fields(self._objects[number], depth + 1)
        return self._known[number]

    def _fields(self, each: Object, depth: int) -> Strategy:
        if each.as_array:
            tag = [] if each.tag is None else [st.just(each.tag)]
            items = [self.part(field.type, depth) for field in each.fields]
            return st.tuples(*tag, *items).map(list)
        required = {f.name: self.part(f.type, depth) for f in each.fields if f.required}
        optional = {f.name: self.part(f.type, depth) for f in each.fields if not f.required}
        if each.tag_field is not None and each.tag is not None:
            required[each.tag_field] = st.just(each.tag)
        return st.fixed_dictionaries(required, optional=optional)


def _int(part: kinds.Int) -> Strategy:
    low = part.ge if part.gt is None else part.gt + 1
    high = part.le if part.lt is None else part.lt - 1
    step = part.multiple_of or 1
    low = None if low is None else -(-low // step)
    high = None if high is None else high // step
    return st.integers(low, high).map(lambda n: n * step)


def _float(part: kinds.Float) -> Strategy:
    low, high = (part.ge, part.le)
    return st.floats(
        part.gt if low is None else low,
        part.lt if high is None else high,
        exclude_min=low is None and part.gt is not None,
        exclude_max=high is None and part.lt is not None,
        allow_nan=False,
        allow_infinity=False,
    )


def _text(part: kinds.Text) -> Strategy:
    if part.pattern is not None:
        return st.from_regex(rf"(?a)\A(?:{to_ecma(part.pattern)})\Z")
    if part.form is not None:
        known = {
            "email": ["ann@example.org", "b.c+d@x.example"],
            "url": ["https://example.org/a?b"],
        }
        return st.sampled_from(known[part.form])
    least = part.min_length or 0
    most = least + 8 if part.max_length is None else min(part.max_length, least + 8)
    return st.text(_TEXT, min_size=least, max_size=most)


def _bytes(part: kinds.Bytes) -> Strategy:
    least = part.min_length or 0
    most = least + 8 if part.max_length is None else min(part.max_length, least + 8)
    sizes = st.binary(min_size=least, max_size=most)
    return sizes.map(lambda raw: msgspec.json.decode(msgspec.json.encode(raw)))


def _members(part: Any) -> Strategy:
    return st.sampled_from(part.values)


_LEAVES: Mapping[type, Callable[[Any], Strategy]] = {
    kinds.Anything: lambda _: (
        st.none() | st.booleans() | st.integers() | st.text(_TEXT, max_size=4)
    ),
    kinds.Null: lambda _: st.none(),
    kinds.Bool: lambda _: st.booleans(),
    kinds.Int: _int,
    kinds.Float: _float,
    kinds.Decimal: lambda _: st.decimals(-(10**9), 10**9, places=4, allow_nan=False).map(str),
    kinds.Text: _text,
    kinds.Bytes: _bytes,
    kinds.DateTime: lambda part: st.datetimes().map(
        lambda at: at.isoformat() + ("" if part.naive else "Z")
    ),
    kinds.Date: lambda _: st.dates().map(str),
    kinds.Time: lambda part: st.times().map(
        lambda at: at.isoformat() + ("Z" if part.aware else "")
    ),
    kinds.Duration: lambda _: st.integers(0, 10**6).map(lambda n: f"PT{n}S"),
    kinds.Uuid: lambda _: st.uuids().map(str),
    kinds.Literal: _members,
    kinds.Enum: _members,
}

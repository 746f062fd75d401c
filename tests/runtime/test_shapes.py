"""What a JSON body may look like is decided on its bytes, without reading it."""

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import PolicySyntaxError
from runtime.gtype import check
from runtime.gtype.crowds import crowded
from runtime.ingress.shapes import Shape, refused_shape
from tests.faces.asgi import JSON, Reply, ask
from tests.faces.guarded import Site, on

SMALL = Shape(members=3, items=4)


def naive(value: Any, shape: Shape) -> bool:
    """Say by walking through the decoded value whether it keeps within *shape*."""

    def depth(value: Any) -> int:
        below = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, below), default=0) if isinstance(value, dict | list) else 0

    def wide(value: Any) -> bool:
        if isinstance(value, dict):
            return len(value) > shape.members or any(map(wide, value.values()))
        return isinstance(value, list) and (len(value) > shape.items or any(map(wide, value)))

    return depth(value) <= 64 and not wide(value)


awkward = st.text('ab,[]{}\\"e10-:é', max_size=6)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | awkward
values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=6) | st.dictionaries(awkward, below, max_size=5),
    max_leaves=12,
)


@pytest.mark.proves("IN-4")
@given(
    value=values,
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
    nest=st.integers(0, 70),
)
def test_the_bytes_tell_what_the_value_would(
    value: Any, indent: int | None, *, ascii_only: bool, nest: int
) -> None:
    for _ in range(nest if isinstance(value, list) else 0):
        value = [value]
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()

    assert (refused_shape(raw, SMALL) is None) == naive(value, SMALL)
    assert (refused_shape(raw, Shape()) is None) == naive(value, Shape())


@pytest.mark.proves("IN-4")
@given(st.binary(max_size=40) | st.text('[]{},:"\\e0-', max_size=60).map(str.encode))
def test_bytes_that_are_no_json_are_left_to_who_decodes_them(raw: bytes) -> None:
    refusal = refused_shape(raw, SMALL)

    assert refusal is None or refusal.code == "too-complex"


@pytest.mark.proves("IN-4", "GT-20")
@pytest.mark.parametrize(
    ("raw", "limit"),
    [
        (b"[" * 64 + b"]" * 64, None),
        (b"[" * 65 + b"]" * 65, 64),
        (b'{"a":' * 65 + b"1" + b"}" * 65, 64),
        (b"[" * 1_000_000, 100_000),
        (b"[" * 60_000, 64),
        (b'[{"a":' * 33 + b"}]" * 33, 64),
        (b"]" + b"[" * 66, 64),
        (b"]" * 700, None),
        (b'"' + b"[" * 200 + b'"', None),
        (b'["\\"' + b"[" * 200 + b'"]', None),
        (b"[" + b"1," * 9_999 + b"1]", None),
        (b"[" + b"1," * 10_000 + b"1]", 10_000),
        (b"{" + b",".join(b'"%d":1' % n for n in range(1_000)) + b"}", None),
        (b"{" + b",".join(b'"%d":1' % n for n in range(1_001)) + b"}", 1_000),
        (b"[" + b",".join([b"[" + b"1," * 9_999 + b"1]"] * 9) + b"]", None),
        (b"[" + b",".join([b"[" + b"1," * 9_999 + b"1]"] * 10) + b"]", 100_000),
        (b"[" + b"[]," * 9_999 + b"[]]", None),
        (b"[" + b"{}" * 200_000 + b"]", 100_000),
        (b"1" * 128, None),
        (b"[" + b"1" * 129 + b"]", 128),
        (b"0." + b"1" * 127, 128),
        (b'"' + b"1" * 500 + b'"', None),
        (b"1e6144", None),
        (b"1E-6144", None),
        (b"[1.5e+6145]", 6_144),
        (b"1e0000000006144", None),
        (b"1e-99999999999999999999", 6_144),
        (b'["1e9999"]', None),
        (b'{"a":"\\\\","b":1e9999}', 6_144),
    ],
)
def test_each_limit_is_exact(raw: bytes, limit: int | None) -> None:
    refusal = refused_shape(raw, Shape())

    assert (None if refusal is None else refusal.members["limit"]) == limit


class Basket(msgspec.Struct):
    numbers: set[int] = msgspec.field(default_factory=set)
    many: Annotated[frozenset[int], msgspec.Meta(max_length=1_500)] = frozenset()
    prices: dict[int, int] = msgspec.field(default_factory=dict)
    names: dict[str, int] = msgspec.field(default_factory=dict)
    rows: list[int] = msgspec.field(default_factory=list)
    below: "list[Basket] | None" = None


@pytest.mark.proves("IN-4")
@pytest.mark.parametrize(
    ("field", "length", "fits"),
    [("numbers", 1_000, True), ("numbers", 1_001, False), ("many", 1_500, True),
     ("many", 1_501, False), ("prices", 1_000, True), ("prices", 1_001, False),
     ("names", 1_200, True), ("rows", 9_000, True)],
)  # fmt: skip
def test_what_is_kept_in_hash_tables_is_held_shorter(
    field: str, length: int, *, fits: bool
) -> None:
    keyed = field in {"prices", "names"}
    held: Any = {str(n): n for n in range(length)} if keyed else list(range(length))
    shape = Shape(members=2_000, crowded=crowded(check(Basket).type))

    for value in ({field: held}, {"below": [{"rows": [1]}, {field: held}]}):
        refusal = refused_shape(msgspec.json.encode(value), shape)
        assert (refusal is None) == fits
        assert refusal is None or refusal.code == "too-complex"
    # What comes before a fault is not put into a table either.
    refusal = refused_shape(msgspec.json.encode({field: [*held, 1, 2]})[:-1], shape)
    assert refusal is not None
    assert refusal.code == "malformed-body"


@pytest.mark.proves("IN-4")
def test_types_without_hash_tables_of_numbers_are_not_looked_through() -> None:
    assert crowded(check(list[dict[str, int]]).type) is None
    assert crowded(check(list[tuple[int, set[str]]]).type) is not None


@pytest.mark.proves("IN-4", "MG-4")
def test_an_app_and_a_handler_may_say_how_much_stands_side_by_side() -> None:
    site = Site(max_items=4)
    site.handler("POST /few")
    site.handler("POST /more", max_items=6, max_members=2)

    async def work(_: Site) -> list[Reply]:
        bodies = [("/few", [1] * 4), ("/few", [1] * 5), ("/more", [1] * 6), ("/more", [1] * 7),
                  ("/more", dict.fromkeys("abc", 1))]  # fmt: skip
        return [await ask(site.app, "POST", path, body) for path, body in bodies]

    replies = on(site, work)
    assert [each.status for each in replies] == [200, 400, 200, 400, 400]
    assert [each.json.get("limit") for each in replies if each.status == 400] == [4, 6, 2]
    few, more = (each.policies for each in site.app.manifests)
    assert (few.max_items, more.max_items, more.max_members) == (4, 6, 2)
    with pytest.raises(PolicySyntaxError):
        site.handler("POST /wrong", max_items=0)


@pytest.mark.proves("IN-4", "IN-16")
def test_a_body_that_is_too_complex_reaches_nobody_and_leaves_its_size_and_digest() -> None:
    site = Site()
    site.handler("POST /things")

    async def work(_: Site) -> Reply:
        return await ask(site.app, "POST", "/things", b"[" * 70, headers=[JSON])

    reply = on(site, work)
    assert (reply.status, reply.code, reply.json["limit"]) == (400, "too-complex", 64)
    assert site.ran == []
    rows = site.store.read_log(kinds=["request"])
    received = rows[0].events[0].data
    assert (received.body, received.body_size, received.body_text) == (None, 70, None)

"""How deep a text may nest that is read by a type (GT-20)."""

from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from runtime.facts import Issue
from runtime.gtype import Checker, check, gtype
from runtime.messages import ValidationFailed


class Leaf(msgspec.Struct):
    """An object that names what it holds."""

    size: int = 0


class Branch(msgspec.Struct):
    """An object that may hold its own like."""

    inner: "Branch | None" = None


class Ring(msgspec.Struct):
    """One that does so by way of another."""

    links: list["Link"] = []


class Link(msgspec.Struct):
    """The other."""

    ring: Ring | None = None


class Loose(msgspec.Struct):
    """An object with a field of any value."""

    inner: Any = None


BOUNDED = (int, list[list[str]], dict[str, Leaf], Leaf, tuple[Leaf, Leaf | None])
UNBOUNDED = (Any, list[Any], dict[str, Any], Branch, Ring, list[Link], Loose, tuple[int, Loose])


def nested(opens: bytes, closes: bytes, levels: int) -> bytes:
    return opens * levels + b"1" + closes * levels


def branches(levels: int) -> bytes:
    return b'{"inner":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


def issues(checked: Checker[Any], raw: bytes) -> tuple[Issue, ...]:
    try:
        checked.decode(raw)
    except ValidationFailed as refused:
        return refused.issues
    return ()


@pytest.mark.proves("GT-20")
def test_a_type_bounds_the_depth_unless_it_holds_anything_or_itself() -> None:
    assert [hint for hint in BOUNDED if not gtype(hint).is_bounded] == []
    assert [hint for hint in UNBOUNDED if gtype(hint).is_bounded] == []


@pytest.mark.proves("P13", "GT-15", "GT-20")
@given(st.sampled_from([Branch, Any]), st.integers(1, 130))
def test_p13_what_holds_itself_nests_as_deep_as_can_be_recorded(hint: Any, levels: int) -> None:
    """Seen to fail with types that hold themselves taken for bounded ones."""
    found = issues(check(hint), branches(levels))

    assert [issue.actual for issue in found] == (["more levels"] if levels > 64 else [])


@pytest.mark.proves("P13", "GT-8", "GT-15")
@given(st.integers(0, 300), st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")]))
def test_p13_what_a_type_does_not_know_is_as_deep_as_it_likes(
    levels: int, brackets: tuple[bytes, bytes]
) -> None:
    raw = b'{"more":' + nested(*brackets, levels) + b',"size":%s}'
    checked = check(Leaf)

    assert checked.decode(raw % b"2") == Leaf(2)
    assert [issue.path for issue in issues(checked, raw % b'"2"')] == ["/size"]


@pytest.mark.proves("GT-11", "GT-20")
def test_what_no_decoder_follows_is_one_issue_whatever_the_type() -> None:
    """Seen to fail without a bound at all: the decoder's own error is no answer."""
    raw = b'{"more":' + b"[" * 100_000

    found = [issues(check(hint), raw) for hint in (Leaf, Branch, int, Any)]

    assert [[issue.actual for issue in each] for each in found] == [["more levels"]] * 4

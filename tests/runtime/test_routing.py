"""Paths lead to handlers: templates, precedence, what is refused."""

import datetime as dt
import gc
import sys
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import RouteConflictError, RouteSyntaxError
from runtime.gtype import PATH_TYPES
from runtime.routing import Match, MethodNotAllowed, Routes, parse, split_path

UUID = "6f3f1b1e-7c0f-4a73-9d3c-0d1f2b0a8a11"


def table(*templates: str) -> Routes[str]:
    routes: Routes[str] = Routes()
    for text in templates:
        routes.add(parse(text), text, "shop.py:1")
    return routes


def route(routes: Routes[str], method: str, path: str) -> str | None:
    segments = split_path(path)
    assert segments is not None
    found = routes.match(method, segments)
    return found.route if isinstance(found, Match) else None


# --- templates ---


@pytest.mark.proves("RM-1", "MG-3")
def test_a_template_names_its_parameters_and_its_handler() -> None:
    template = parse("POST /orders/{order_id:int}/{part:str}")

    assert template.text == "POST /orders/{order_id:int}/{part}"
    assert {n: t.name for n, t in template.parameters.items()} == {"order_id": "int", "part": "str"}
    assert template.handler == "post-orders-order_id-part"
    assert parse("GET /").handler == "get"
    assert parse("GET /a.b/ü").handler == "get-a_b-_"


@pytest.mark.proves("RM-1")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET",
        "/orders",
        "get /orders",
        "GET orders",
        "GET  /orders",
        "HEAD /orders",
        "FETCH /orders",
        "GET /a//b",
        "GET /a/../b",
        "GET /a/./b",
        "GET /a{b}",
        "GET /{a}b",
        "GET /{a",
        "GET /a}",
        "GET /{}",
        "GET /{1a}",
        "GET /{a:number}",
        "GET /{a}/{a:int}",
        "GET /{a:path}/b",
        "GET /a%20b",
        "GET /a b",
        "GET /a?b",
        "GET /a\x00",
    ],
)
def test_bad_syntax_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(RouteSyntaxError, match="Route") as caught:
        parse(text)

    assert "{name:type}" in caught.value.remedy


@pytest.mark.proves("RM-2")
@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("GET /a/{x:int}", "GET /a/{y:int}"),
        ("GET /a/{x}", "GET /a/{y:str}"),
        ("GET /{x:path}", "GET /{rest:path}"),
    ],
)
def test_two_routes_of_one_shape_are_a_conflict_naming_both_places(one: str, two: str) -> None:
    routes: Routes[str] = Routes()
    routes.add(parse(one), one, "shop.py:10")

    with pytest.raises(RouteConflictError) as caught:
        routes.add(parse(two), two, "shop.py:20")

    assert "shop.py:10" in caught.value.problem
    assert "shop.py:20" in caught.value.problem


# --- precedence ---


@pytest.mark.proves("RM-2")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/x/all", "GET /x/all"),
        (f"/x/{UUID}", "GET /x/{a:uuid}"),
        ("/x/2026-01-31", "GET /x/{a:date}"),
        ("/x/7", "GET /x/{a:int}"),
        ("/x/-7", "GET /x/{a:int}"),
        ("/x/7.5", "GET /x/{a:float}"),
        ("/x/007", "GET /x/{a}"),
        ("/x/2026-02-30", "GET /x/{a}"),
        ("/x/9223372036854775808", "GET /x/{a:float}"),
        ("/x/seven", "GET /x/{a}"),
        ("/x/a/b", "GET /x/{a:path}"),
        ("/x", None),
        ("/x/", None),
        ("/X/all", None),
    ],
)
def test_the_most_specific_segment_wins(path: str, expected: str | None) -> None:
    kinds = ["path", "str", "float", "int", "date", "uuid"]
    routes = table(*(f"GET /x/{{a:{kind}}}" for kind in kinds), "GET /x/all")

    found = route(routes, "GET", path)

    assert (found or "").replace(":str", "") == (expected or "")


@pytest.mark.proves("RM-2")
def test_a_dead_end_is_left_for_a_less_specific_segment() -> None:
    routes = table("GET /a/b/c", "GET /a/{x}/d", "GET /{y}/b/e", "POST /a/{n:int}", "GET /a/{s}")

    assert route(routes, "GET", "/a/b/c") == "GET /a/b/c"
    assert route(routes, "GET", "/a/b/d") == "GET /a/{x}/d"
    assert route(routes, "GET", "/a/b/e") == "GET /{y}/b/e"
    assert route(routes, "GET", "/a/7") == "GET /a/{s}"
    assert route(routes, "POST", "/a/7") == "POST /a/{n:int}"


VALUES: dict[str, st.SearchStrategy[str]] = {
    "int": st.integers(-(2**63), 2**63 - 1).map(str),
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
    "float": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "str": st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(
        lambda text: text not in {".", ".."}
    ),
}


@pytest.mark.proves("RM-1", "RM-2", "IN-7")
@given(st.data(), st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
def test_every_value_of_its_type_is_matched_and_comes_back_as_sent(
    data: st.DataObject, kinds: list[str]
) -> None:
    routes = table("GET /" + "/".join(f"{{p{n}:{kind}}}" for n, kind in enumerate(kinds)))
    texts = [data.draw(VALUES[kind]) for kind in kinds]
    path = "/" + "/".join(quote(text, safe="") for text in texts)

    segments = split_path(path)
    assert segments is not None
    found = routes.match("GET", segments)

    assert isinstance(found, Match)
    assert list(found.params.values()) == texts
    assert all(
        PATH_TYPES[kind].read(text) is not None for kind, text in zip(kinds, texts, strict=True)
    )


@pytest.mark.proves("GT-7", "RM-1")
def test_path_values_have_the_types_of_the_template() -> None:
    read: dict[str, Any] = {name: kind.read for name, kind in PATH_TYPES.items()}

    assert read["int"]("-5") == -5
    assert read["date"]("2026-01-31") == dt.date(2026, 1, 31)
    assert read["uuid"](UUID) == uuid.UUID(UUID)
    assert read["float"]("1e3") == 1000.0
    assert [read["int"](text) for text in ("", "-", "+1", "01", "1_0", "\u0665", " 1")] == [
        None
    ] * 7
    assert [read["float"](text) for text in ("nan", "inf", "1e999", ".5", "5.")] == [None] * 5


# --- methods ---


@pytest.mark.proves("RM-3")
def test_another_method_is_told_what_is_allowed() -> None:
    routes = table("GET /a/{x}", "PUT /a/{x}", "DELETE /a/{n:int}")

    assert routes.match("POST", ["a", "b"]) == MethodNotAllowed(("GET", "HEAD", "OPTIONS", "PUT"))
    assert routes.match("POST", ["a", "7"]) == MethodNotAllowed(
        ("DELETE", "GET", "HEAD", "OPTIONS", "PUT")
    )
    assert routes.match("OPTIONS", ["b"]) is None


@pytest.mark.proves("RM-3")
def test_head_finds_get_and_a_slash_at_the_end_counts() -> None:
    routes = table("GET /a", "POST /b", "GET /c/")

    assert route(routes, "HEAD", "/a") == "GET /a"
    assert route(routes, "HEAD", "/b") is None
    assert route(routes, "GET", "/a/") is None
    assert route(routes, "GET", "/c/") == "GET /c/"
    assert route(routes, "GET", "/c") is None


# --- paths ---


@pytest.mark.proves("IN-7")
@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/", [""]),
        ("/a/b", ["a", "b"]),
        ("/a/", ["a", ""]),
        ("/a%2Fb", ["a/b"]),
        ("/%C3%A9", ["é"]),
        ("/\xc3\xa9", ["é"]),
        ("/.well-known/x", [".well-known", "x"]),
        ("/a+b", ["a+b"]),
    ],
)
def test_a_path_is_split_before_it_is_decoded(path: str, segments: list[str]) -> None:
    assert split_path(path) == segments


@pytest.mark.proves("IN-7")
@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "//",
        "//a",
        "/a//b",
        "/a%",
        "/a%2",
        "/a%zz",
        "/%ff",
        "/\xff",
        "/a/../b",
        "/..",
        "/.",
        "/a/%2e%2e/b",
        "/%2E",
        "/a%00",
        "/a%0Ab",
        "/a\x7f",
        "/a%C2%85",  # of the second block of controls
        "/%C2%9Fb",
        "/a\tb",
    ],
)
def test_a_path_that_is_not_clean_is_refused_never_repaired(path: str) -> None:
    assert split_path(path) is None


@pytest.mark.proves("IN-7")
@given(st.text(st.characters(max_codepoint=255), max_size=40).map(lambda t: f"/{t}"))
def test_no_path_makes_an_error(path: str) -> None:
    segments = split_path(path)

    assert segments is None or not {".", ".."} & set(segments)


# --- cost ---


def calls_of(work: Callable[[], object]) -> int:
    """Count the calls of Python functions that *work* makes: its cost, without a clock."""
    seen: list[str] = []
    gc.disable()  # whoever measures it, such as Hypothesis, is called when it collects
    sys.setprofile(lambda _frame, event, _arg: seen.append(event) if event == "call" else None)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return len(seen)


@pytest.mark.proves("RM-4")
@given(st.integers(1, 200), st.integers(1, 6))
def test_a_path_costs_by_its_length_and_not_by_the_number_of_routes(
    others: int, length: int
) -> None:
    wanted = "/".join(["", *["a"] * (length - 1), "{name}"])
    few = table(f"GET {wanted}")
    crowd = [f"GET /{name}/b{n}/{{name}}" for n in range(others) for name in ("a", f"z{n}")]
    many = table(f"GET {wanted}", *crowd)
    path = ["a"] * (length - 1) + ["x"]

    cost = calls_of(lambda: few.match("GET", path))
    assert calls_of(lambda: many.match("GET", path)) == cost
    assert cost <= 6 * (length + 1)

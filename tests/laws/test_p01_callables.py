"""P1: which callables are taken, and what they are called with."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.errors import SignatureError
from runtime.lifecycle.binding import HANDLER_NAMES, bind
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.local_context import LocalContext
from runtime.messages import Request, Response
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled

NAMES = ["req", "res", "lctx", "gctx", "req", "lctx", "item", "self", "request"]
SHAPES = ("function", "async", "generator", "async generator", "method", "object", "partial")
SCOPE = {name: f"the {name}" for name in HANDLER_NAMES}


@st.composite
def parameter_lists(draw: st.DrawFn) -> str:
    """Draw the parameters of a function, as source text."""
    names = draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True))
    kinds = sorted(draw(st.sampled_from("pnk")) for _ in names)
    order = {"p": 0, "n": 1, "k": 2}
    kinds.sort(key=order.__getitem__)
    parts: list[str] = []
    defaulted = False
    stars = draw(st.sampled_from(["", "", "", "*args", "**kwargs"]))
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind == "k" and "*" not in parts and "*args" not in parts:
            parts.append("*args" if stars == "*args" else "*")
        defaulted = draw(st.booleans()) or (defaulted and kind != "k")
        parts.append(f"{name}=None" if defaulted else name)
        if kind == "p" and (i + 1 == len(kinds) or kinds[i + 1] != "p"):
            parts.append("/")
    if stars == "*args" and "*args" not in parts and "*" not in parts:
        parts.append("*args")
    if stars == "**kwargs":
        parts.append("**kwargs")
    return ", ".join(parts)


def build(parameters: str, shape: str, bound: list[str]) -> Callable[..., Any]:
    """Compile a callable that returns what it was called with."""
    prefix = "async " if shape.startswith("async") else ""
    body = "yield dict(locals())" if "generator" in shape else "return dict(locals())"
    if shape in ("method", "object"):
        name = "__call__" if shape == "object" else "call"
        both = ", ".join(filter(None, ["this", parameters]))
        source = f"class C:\n def {name}({both}):\n  {body}"
        space: dict[str, Any] = {}
        exec(source, space)  # noqa: S102 - source of our own making
        made: Callable[..., Any] = space["C"]() if shape == "object" else space["C"]().call
        return made
    space = {}
    exec(f"{prefix}def f({parameters}):\n {body}", space)  # noqa: S102 - likewise
    function: Callable[..., Any] = space["f"]
    if shape == "partial":
        return functools.partial(function, **dict.fromkeys(bound, "bound"))
    return function


def oracle(target: Callable[..., Any]) -> tuple[str, list[str]]:
    """Say by `inspect` alone whether a callable is taken, and which parameters offend."""
    function = target
    bound: set[str] = set()
    while isinstance(function, functools.partial):
        bound |= set(function.keywords)
        function = function.func
    code = function if inspect.isroutine(function) else type(function).__call__
    if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
        return "refused", []
    offending = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.name not in bound
        and (p.name not in HANDLER_NAMES or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD))
    ]
    return ("refused" if offending else "taken"), offending


@pytest.mark.proves("P1", "HW-1", "HO-4")
@given(parameters=parameter_lists(), shape=st.sampled_from(SHAPES), data=st.data())
def test_p01_a_callable_is_taken_iff_its_free_parameters_are_ours(
    parameters: str, shape: str, data: st.DataObject
) -> None:
    """Seen to fail with a strange parameter taken if it has a default."""
    by_name = [p.split("=")[0] for p in parameters.split(", ") if p and p[0] not in "*/"]
    if "/" in parameters:
        by_name = by_name[parameters.split(", ").index("/") :]
    bound = data.draw(st.lists(st.sampled_from(by_name), unique=True)) if by_name else []
    target = build(parameters, shape, bound)
    verdict, offending = oracle(target)
    event(verdict)

    if verdict == "refused":
        with pytest.raises(SignatureError) as refused:
            bind(target)
        assert not offending or any(name in str(refused.value) for name in offending)
        return
    given_to = bind(target)(SCOPE)
    if inspect.iscoroutine(given_to):
        given_to = run_virtual(given_to)
    given_to.pop("this", None)
    filled = dict.fromkeys(bound, "bound") if shape == "partial" else {}
    assert given_to == {name: filled.get(name) or SCOPE[name] for name in given_to}


@pytest.mark.proves("P1", "HW-1")
def test_a_handler_gets_what_it_names_in_any_order() -> None:
    got: list[object] = []

    def handler(gctx: object, *, lctx: object, req: object) -> None:
        got.extend([gctx, lctx, req])

    harness = Controlled(version_of(handler), replayed=False)
    told = run_virtual(harness.send(b"7"))

    assert told.answer.status == 204
    assert [type(each) for each in got] == [GlobalContext, LocalContext, Request]


@pytest.mark.proves("HW-1")
def test_an_unknown_parameter_is_refused_by_name_even_with_a_default() -> None:
    def handler(req: object, item: object = None) -> None: ...

    with pytest.raises(SignatureError, match=r"handler asks for the parameter item"):
        bind(handler)


@pytest.mark.proves("HW-1")
@pytest.mark.parametrize("target", [dict, 7, int.__add__])
def test_classes_and_what_cannot_be_called_or_read_are_refused(target: Any) -> None:
    with pytest.raises(SignatureError):
        bind(target)


@pytest.mark.proves("HW-1")
def test_a_decorated_coroutine_function_is_seen_through() -> None:
    async def inner(res: Response) -> str:
        return f"{res} ok"

    @functools.wraps(inner)
    def outer(*args: Any, **kwargs: Any) -> Any:
        return inner(*args, **kwargs)

    bound = bind(outer)

    assert bound.is_async
    assert bound.names == ("res",)
    assert run_virtual(bound(SCOPE)) == "the res ok"


@pytest.mark.proves("HO-4")
def test_only_a_catch_hook_may_ask_for_the_error() -> None:
    def hook(error: BaseException) -> None: ...

    assert bind(hook, extra=frozenset({"error"})).names == ("error",)
    with pytest.raises(SignatureError, match="error"):
        bind(hook)


@pytest.mark.proves("P1", "HW-1")
def test_p01_a_partial_does_not_hide_that_more_may_come() -> None:
    def handle(req: object, lctx: object, *args: object) -> None: ...

    with pytest.raises(SignatureError, match=r"\*args"):
        bind(functools.partial(handle, lctx=None))

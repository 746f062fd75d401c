"""P4, P28: what is reached through `gctx.modules`, and what is not; EF-5: typed answers."""

import asyncio
import keyword
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore.values import Classes, decode, encode, same
from runtime import App, GlobalContext
from runtime.app.startup import control_stream
from runtime.errors import (
    DuplicateModuleError,
    RegistrationError,
    UnknownMethodError,
    UnknownModuleError,
)
from runtime.modules import ModuleRegistry
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told
from tests.faces.asgi import memory_store

words = st.sampled_from(
    ["a", "ab", "é", "λx", "mro", "keys", "items", "get", "class_", "x9", "_a", "a b", "9", ""]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text("aä\0", max_size=3)
    | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.tuples(inner)
        | st.dictionaries(st.text("ab", max_size=2) | st.integers(0, 3), inner, max_size=2)
    ),
    max_leaves=4,
)


class Made:
    """A module with drawn methods, each of which gives back what it is given."""

    def __init__(self, methods: list[str], *, is_async: bool) -> None:
        for name in methods:
            setattr(self, name, _gives_back if is_async else _gives_back_now)

    secret = 42
    """No method: never reached."""


async def _gives_back(*given: Any) -> Any:
    return list(given)


def _gives_back_now(*given: Any) -> Any:
    return list(given)


def sent(handle: Callable[..., Any], modules: ModuleRegistry) -> Told:
    harness = Controlled(version_of(handle), gctx=GlobalContext(modules))
    told = run_virtual(harness.send())
    harness.controller.close()
    return told


@pytest.mark.proves("P4", "GC-2", "EF-1")
@given(
    methods=st.lists(words.filter(str.isidentifier), unique=True, max_size=4),
    undeclared=st.sets(words, max_size=4),
    tried=st.lists(words, min_size=1, max_size=4),
    given_value=values,
    is_async=st.booleans(),
)
def test_p04_a_stub_has_exactly_the_declared_methods_and_answers_through_the_codec(
    methods: list[str],
    undeclared: set[str],
    tried: list[str],
    given_value: Any,
    *,
    is_async: bool,
) -> None:
    """Seen to fail with all public methods of the module on the stub, declared or not."""
    public = [name for name in methods if not name.startswith("_")]
    declared = [name for name in public if name not in undeclared]
    event(f"some undeclared: {len(declared) < len(public)}")
    tried = [*tried, *public]
    modules = ModuleRegistry()
    modules.register("made", Made(methods, is_async=is_async), declared)
    got: list[Any] = []
    refused: list[str] = []

    async def handle(gctx: GlobalContext) -> None:
        stub = gctx.modules.made
        assert sorted(dir(stub)) == sorted(declared)
        with pytest.raises(TypeError):
            await stub  # type: ignore[attr-defined]
        for name in (*declared, *tried, "secret", "__await__", "__call__"):
            if name in declared:
                got.append(await getattr(stub, name)(given_value))
                continue
            with pytest.raises(UnknownMethodError) as caught:
                getattr(stub, name)
            refused.append(name)
            assert isinstance(caught.value, AttributeError)
            assert all(each in caught.value.remedy for each in declared)

    told = sent(handle, modules)
    known = [n for n in (*declared, *tried) if n in declared]
    event(f"some unknown: {len(refused) > 3}")
    event(f"some known: {bool(known)}")

    assert told.answer.status == 204
    through = decode(encode([given_value], Classes()), Classes())
    assert len(got) == len(known)
    assert all(same(encode(each, Classes()), encode(through, Classes())) for each in got)
    assert [f.key for f in told.facts if f.type == "effect.returned"] == [
        f"made.{n}" for n in known
    ]
    assert len(known) + len(refused) == len(declared) + len(tried) + 3


@pytest.mark.proves("P28", "GC-2")
@given(
    drawn=st.lists(st.tuples(words, st.sampled_from(["one", "two", "none"])), max_size=6),
    asked=words,
)
def test_p28_every_registered_module_is_reached_and_a_second_changes_nothing(
    drawn: list[tuple[str, str]], asked: str
) -> None:
    """Seen to fail with a second module of a name in place of the first."""
    app, model = App("shop"), dict[str, str]()
    for name, kind in drawn:
        is_name = name.isidentifier() and not name.startswith("_")
        try:
            app.module(name, Numbered(kind), ["which"] if kind != "none" else ["nothing"])
        except DuplicateModuleError:
            assert name in model
        except RegistrationError:
            assert not is_name or kind == "none"
        else:
            assert is_name
            assert name not in model
            model[name] = kind
    event(f"a duplicate: {len({n for n, _ in drawn}) < len(drawn)}")
    gctx = GlobalContext(app._modules)

    assert list(gctx.modules) == list(model)
    assert (asked in gctx.modules) == (asked in model)
    if asked not in model and not hasattr(type(gctx.modules), asked):
        with pytest.raises(UnknownModuleError) as caught:
            getattr(gctx.modules, asked)
        assert all(name in caught.value.remedy for name in model)
    assert _answers(gctx, list(model)) == list(model.values())
    store = memory_store()
    app.start(store)
    told = [e.key for e in store.read(control_stream("shop")) if e.type == "module.registered"]
    assert told == list(model)


class Numbered:
    def __init__(self, which: str) -> None:
        self._which = which

    async def which(self) -> str:
        return self._which


def _answers(gctx: GlobalContext, names: list[str]) -> Any:
    async def handle(gctx: GlobalContext) -> list[str]:
        return [await getattr(gctx.modules, name).which() for name in names]

    harness = Controlled(version_of(handle), gctx=gctx)
    return run_virtual(harness.send()).json


@pytest.mark.proves("P4", "P28", "GC-2")
def test_the_first_of_two_modules_answers_still() -> None:
    modules = ModuleRegistry()
    modules.register("stock", Numbered("first"))
    with pytest.raises(DuplicateModuleError):
        modules.register("stock", Numbered("second"))

    gctx = GlobalContext(modules)

    assert _answers(gctx, ["stock"]) == ["first"]
    with pytest.raises(UnknownModuleError, match="stock"):
        gctx.modules.stok  # noqa: B018
    with pytest.raises(UnknownMethodError, match="which"):
        gctx.modules.stock.wich  # noqa: B018
    assert not keyword.iskeyword("which")


# --- EF-5: an answer is of its declared type, or a fault ---

TYPES: dict[str, Any] = {
    "int": int, "str": str, "bool": bool, "list[int]": list[int], "int | None": int | None,
    "dict[str, int]": dict[str, int],
}  # fmt: skip
ANSWERS: list[Any] = [0, 7, True, "7", "", None, [], [1, 2], ["1"], {}, {"a": 1}, {"a": "1"}, 1.5]


def conforms(name: str, answer: Any) -> bool:
    """Say by hand whether it is of the type."""
    kind = type(answer)
    match name:
        case "int" | "str" | "bool":
            return kind.__name__ == name
        case "list[int]":
            return kind is list and all(type(each) is int for each in answer)
        case "int | None":
            return kind is int or answer is None
        case _:
            return kind is dict and all(type(each) is int for each in answer.values())


class Typed:
    """Answers what it was made with, whatever it declares."""

    def __init__(self, declared: Any, answer: Any) -> None:
        async def give() -> Any:
            return answer

        give.__annotations__["return"] = declared
        self.give = give


@pytest.mark.proves("EF-5")
@given(name=st.sampled_from(list(TYPES)), answer=st.sampled_from(ANSWERS))
def test_an_answer_of_another_type_than_declared_is_a_fault_of_the_module(
    name: str, answer: Any
) -> None:
    modules = ModuleRegistry()
    modules.register("m", Typed(TYPES[name], answer), ["give"])

    async def handle(gctx: GlobalContext) -> Any:
        return {"answer": await gctx.modules.m.give()}

    told = sent(handle, modules)
    fits = conforms(name, answer)
    event(f"conforms: {fits}")

    last = [fact for fact in told.facts if fact.type.startswith("effect.")][-1]
    if fits:
        assert (told.answer.status, told.json) == (200, {"answer": answer})
        assert last.type == "effect.returned"
    else:
        assert (told.answer.status, told.json["code"]) == (500, "module-contract")
        assert (last.type, last.data.failure.error) == ("effect.failed", "ModuleContractError")
        assert last.data.failure.code == "RT403"


@pytest.mark.proves("EF-5")
def test_what_was_answered_instead_is_told_to_nobody() -> None:
    modules = ModuleRegistry()
    modules.register("m", Typed(int, "4111-1111"), ["give"])

    async def handle(gctx: GlobalContext) -> Any:
        return await gctx.modules.m.give()

    told = sent(handle, modules)

    assert told.json["code"] == "module-contract"
    assert "4111" not in str(told)
    assert asyncio.iscoroutinefunction(handle)

"""P32: config is read-only."""

import copy
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore.values import FrozenValueError, encode, tree_bytes
from runtime.errors import (
    ContextError,
    DuplicateModuleError,
    RegistrationError,
    UnknownMethodError,
    UnknownModuleError,
)
from runtime.lifecycle.global_context import GlobalContext
from runtime.modules import ModuleRegistry

MUTATING: dict[type, list[str]] = {
    list: ["append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse",
           "__setitem__", "__delitem__", "__iadd__", "__imul__"],
    dict: ["update", "pop", "popitem", "clear", "setdefault", "__setitem__", "__delitem__",
           "__ior__"],
    set: ["add", "discard", "remove", "pop", "clear", "update", "intersection_update",
          "difference_update", "symmetric_difference_update", "__ior__", "__iand__", "__isub__",
          "__ixor__"],
}  # fmt: skip

configs = st.dictionaries(
    st.sampled_from(["shop", "limits", "tags"]),
    st.recursive(
        st.one_of(st.integers(), st.text(max_size=3), st.sets(st.integers(0, 5), max_size=3)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
        ),
        max_leaves=6,
    ),
    min_size=1,
)


def fingerprint(config: Any) -> bytes:
    return tree_bytes(encode(config))


def parts(shown: Any, plain: Any) -> list[tuple[Any, Any]]:
    """Pair every container of the frozen config with the same of the source."""
    if isinstance(plain, dict):
        inner = [pair for key in plain for pair in parts(shown[key], plain[key])]
    elif isinstance(plain, list):
        inner = [pair for i in range(len(plain)) for pair in parts(shown[i], plain[i])]
    else:
        inner = []
    return [(shown, plain), *inner] if isinstance(plain, dict | list | set) else inner


@pytest.mark.proves("P32", "GC-3")
@given(config=configs)
def test_p32_every_mutating_method_is_refused_and_changes_nothing(config: dict[str, Any]) -> None:
    """Seen to fail with lists whose `*=` is not refused."""
    source = copy.deepcopy(config)
    gctx = GlobalContext(config=source)
    before = fingerprint(gctx.config)
    for shown, plain in parts(gctx.config, config):
        event(type(plain).__name__)
        for name in MUTATING[type(plain)]:
            with pytest.raises(FrozenValueError):
                getattr(shown, name)(0)
        assert shown == plain
    for _, plain in parts(gctx.config, source):
        plain.clear()

    assert gctx.config == config
    assert fingerprint(gctx.config) == before == fingerprint(config)


@pytest.mark.proves("P32", "GC-1", "GC-3")
def test_the_global_context_itself_cannot_be_changed() -> None:
    gctx = GlobalContext(config={"shop": {"limit": 3}})

    for name in ("config", "modules", "instance", "other"):
        with pytest.raises(FrozenValueError):
            setattr(gctx, name, 1)
    with pytest.raises(FrozenValueError):
        del gctx.config
    with pytest.raises(FrozenValueError, match="Config is read-only"):
        gctx.config["shop"]["limit"] = 4
    assert gctx.config["shop"]["limit"] == 3


class Pricing:
    """A module with a method, a property, and something private."""

    rate = 3

    async def quote(self, sku: str) -> str:
        return sku

    @staticmethod
    def tax() -> int:
        return 7

    @property
    def secret(self) -> int:
        raise AssertionError

    def _private(self) -> None: ...


@pytest.mark.proves("GC-2")
def test_a_stub_has_exactly_the_declared_methods() -> None:
    registry = ModuleRegistry()
    registry.register("pricing", Pricing())
    gctx = GlobalContext(registry)
    stub = gctx.modules.pricing

    assert dir(stub) == ["quote", "tax"]
    assert list(gctx.modules) == ["pricing"]
    assert not hasattr(stub, "__await__")
    with pytest.raises(UnknownMethodError, match="quote, tax"):
        _ = stub.secret
    with pytest.raises(UnknownModuleError, match="There are: pricing"):
        _ = gctx.modules.stock
    with pytest.raises(FrozenValueError):
        stub.quote = 1
    with pytest.raises(ContextError, match="outside of a request"):
        stub.quote("pear")


@pytest.mark.proves("GC-2")
def test_a_second_module_of_a_name_is_refused_and_the_first_stays() -> None:
    registry = ModuleRegistry()
    registry.register("pricing", Pricing())
    with pytest.raises(DuplicateModuleError, match="pricing"):
        registry.register("pricing", object())
    for name in ("_hidden", "two words", ""):
        with pytest.raises(RegistrationError):
            registry.register(name, Pricing())

    assert registry.names() == ("pricing",)
    assert list(registry.methods("pricing")) == ["quote", "tax"]

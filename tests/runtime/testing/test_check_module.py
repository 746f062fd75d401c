"""Modules are held to their manifests (CT-4)."""

import asyncio
import itertools
from typing import Annotated, Any

import msgspec
import pytest

from runtime import Module, ModuleContext, grant
from runtime.errors import ModuleCrashedError, ModuleManifestError
from runtime.testing import FakeModule, FakeSecrets
from runtime.testing.module_contracts import check_module
from runtime.testing.module_hosts import HostedAlone
from tests.runtime.modules.stock import Item
from tests.runtime.modules.stock import stock as apart

Quantity = Annotated[int, msgspec.Meta(ge=1, le=9)]


class OutOfStock(Exception):
    pass


class Shelf(msgspec.Struct):
    sku: str
    left: int


def stock(*faults: str) -> Module:
    """A module that keeps its word, but for *faults*, from the quantity 7 on."""
    module = Module("stock", capabilities=[grant("secret.read", "stock_token")])
    numbers = itertools.count()

    @module.method(idempotent=True)
    async def take(ctx: ModuleContext, sku: str, quantity: Quantity = 1) -> Shelf:
        with (await ctx.secret("stock_token")).reveal():
            pass
        bad = faults if quantity >= 7 else ()
        if "capability" in bad:
            await ctx.secret("".join(["bank", "_token"]))
        if "error" in bad:
            raise KeyError(sku)
        if "type" in bad:
            return "gone"  # type: ignore[return-value]
        if quantity == 9:
            raise OutOfStock(sku)
        return Shelf(sku, next(numbers) if "twice" in bad else 9 - quantity)

    return module


SECRETS = {"stock_token": "correct horse", "bank_token": "battery staple"}


@pytest.mark.proves("CT-4")
def test_a_module_that_keeps_its_word_passes() -> None:
    """One of its answers is an error that its file names."""
    check_module(stock(), secrets=SECRETS, examples=50)


@pytest.mark.proves("CT-4")
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("type", r"stock.take answered what it does not declare: the answer: "),
        ("error", r"stock.take raised KeyError\(.*\), which its file does not name"),
        ("twice", r"said another thing the second time: \{.*\}, then \{"),
        (
            "capability",
            "stock.take uses secret.read of 'bank_token', which the module does not declare",
        ),
    ],
)
def test_what_a_module_does_not_keep_is_told_with_the_call(fault: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said) as caught:
        check_module(stock(fault), secrets=SECRETS)

    assert "stock.take(sku=''" in "".join(caught.value.__notes__)


@pytest.mark.proves("CT-4")
def test_an_error_may_be_allowed_by_name() -> None:
    check_module(stock("error"), secrets=SECRETS, errors=[KeyError], examples=10)


@pytest.mark.proves("CT-4")
def test_what_its_manifest_says_and_it_lacks_is_listed_at_once() -> None:
    other = Module("stock")

    @other.method
    def take(ctx: ModuleContext, sku: str, count: int) -> int:
        return count

    with pytest.raises(AssertionError) as caught:
        check_module(stock(), other.manifest)

    said = str(caught.value).splitlines()
    assert said[0] == "stock is not what its manifest says:"
    assert [line.split()[1:3] for line in said[1:]] == [
        ["it", "uses"], ["it", "declares"], ["take", "takes:"], ["take", "may"],
        ["take", "answers:"], ["take", "is"],
    ]  # fmt: skip


@pytest.mark.proves("CT-4", "TH-6")
def test_a_double_is_held_to_the_manifest_of_what_it_stands_for() -> None:
    manifest = stock().manifest

    def answers(**methods: Any) -> FakeModule:
        return FakeModule(**methods)

    check_module(answers(take=lambda sku, quantity=1: Shelf(sku, 1)), manifest, examples=20)
    with pytest.raises(AssertionError, match="answered what it does not declare"):
        check_module(answers(take=7), manifest)
    with pytest.raises(ModuleManifestError, match="FakeModule is no Module"):
        check_module(answers(take=7))


@pytest.mark.proves("CT-4")
def test_a_module_in_a_process_of_its_own_is_called_there() -> None:
    own = apart.manifest

    check_module(apart, msgspec.structs.replace(own, methods={"take": own.methods["take"]}))


@pytest.mark.proves("CT-4")
def test_a_process_that_dies_in_a_call_is_there_for_the_next() -> None:
    async def scenario() -> int:
        alone = HostedAlone(apart, None, FakeSecrets())
        try:
            with pytest.raises(ModuleCrashedError):
                await alone.call(apart.methods["die"].method, (3,), {})
            taken: int = await alone.call(apart.methods["take"].method, ([Item("tea", 2)],), {})
            return taken
        finally:
            await alone.stop()

    assert asyncio.run(scenario()) == 2

"""An order of tasks in which a scenario fails is found, and told in short."""

import asyncio
import re
from typing import Any

import pytest

from runtime import App, GlobalContext
from runtime.testing import Harness, explore, run_virtual


async def racing() -> None:
    """Add up in three tasks, each of which reads, waits and writes."""
    total = 0

    async def add() -> None:
        nonlocal total
        before = total
        if before == 1:
            await asyncio.sleep(0)
        total = before + 1

    await asyncio.gather(*(add() for _ in range(3)))
    assert total == 3


async def ordered() -> None:
    """Fail only where the last of three comes first."""
    order: list[int] = []

    async def note(n: int) -> None:
        order.append(n)

    await asyncio.gather(*(note(n) for n in range(3)))
    assert order[0] != 2


@pytest.mark.proves("SI-2")
@pytest.mark.parametrize("scenario", [racing, ordered])
def test_an_order_that_fails_is_found_and_its_shortest_list_fails_again(scenario: Any) -> None:
    with pytest.raises(AssertionError) as caught:
        explore(scenario, 200)
    note = next(each for each in caught.value.__notes__ if "run_virtual" in each)
    choices = [int(digits) for digits in re.findall(r"\d+", note)]

    assert len(choices) <= 4
    with pytest.raises(AssertionError):
        run_virtual(scenario(), choices)


@pytest.mark.proves("SI-2", "TH-4")
def test_requests_at_once_are_apart_in_every_order() -> None:
    app = App("apart")

    class Stock:
        async def left(self, n: int) -> int:
            await asyncio.sleep(0)
            return n

    @app.handler("GET /n/{n:int}")
    async def show(req: Any, gctx: GlobalContext) -> int:
        found: int = await gctx.modules.stock.left(req.path.n)
        return found

    app.module("stock", Stock())

    async def scenario() -> None:
        async with Harness(app) as harness:
            asked = (harness.get(f"/n/{n}").send() for n in range(4))
            results = await asyncio.gather(*asked)
        assert [each.json for each in results] == [0, 1, 2, 3]

    explore(scenario, 20, seed=3)
    assert run_virtual(scenario()) is None

"""A shop whose server is killed while it has something to undo."""

import asyncio
import os
from pathlib import Path

from runtime import App, GlobalContext, LocalContext

app = App("crashing")


class Stock:
    """Keeps its books in a file, and tells a port that it was asked."""

    async def reserve(self, sku: str) -> None:
        self._note(f"reserve {sku}")

    async def release(self, sku: str, amount: int = 1) -> None:
        self._note(f"release {amount} {sku}")

    async def wait_for_the_truck(self) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", int(os.environ["TEST_TRUCK"]))
        writer.write(b"waiting")
        await asyncio.Event().wait()

    def _note(self, line: str) -> None:
        with Path(os.environ["TEST_BOOKS"]).open("a") as books:
            books.write(line + "\n")


app.module("stock", Stock(), write_ahead=["reserve", "wait_for_the_truck"])


@app.startup
async def opens(gctx: GlobalContext) -> None:
    """Be told to the log."""


@app.handler("POST /orders")
async def order(lctx: LocalContext, gctx: GlobalContext) -> None:
    """Reserve, and wait for what never comes."""
    for sku in ("tea", "cup"):
        await gctx.modules.stock.reserve(sku)
        lctx.compensate(gctx.modules.stock.release, sku, amount=2)
    lctx.compensate(lambda: None)
    # Before this is called, the log knows of all the above.
    await gctx.modules.stock.wait_for_the_truck()

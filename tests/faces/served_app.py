"""What the tests with real server processes serve."""

import asyncio
import sys
from typing import Annotated, Any

import msgspec

from runtime import App, LocalContext, Request

app = App("served")


class Item(msgspec.Struct):
    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Order(msgspec.Struct):
    customer: str
    items: list[Item]


class Receipt(msgspec.Struct):
    order: int
    total: int


@app.before
async def note(lctx: LocalContext) -> None:
    """Write something down."""
    lctx.set("noted", "yes")


@app.handler("POST /orders/{order_id:int}")
async def place(req: Request[Order], lctx: LocalContext) -> Receipt:
    """Count what is ordered."""
    total = sum(item.quantity for item in req.body.items)
    lctx.set("customer", req.body.customer)
    lctx.set("total", total)
    return Receipt(req.path.order_id, total)


@app.handler("GET /turn")
async def turn() -> float:
    """Say how long threads keep the interpreter."""
    return sys.getswitchinterval()


@app.handler("GET /raises")
async def raises() -> None:
    """Fail."""
    raise RuntimeError


@app.handler("GET /hangs", timeout=0.2)
async def hangs() -> None:
    """Wait for what never comes."""
    await asyncio.Event().wait()


@app.handler("PUT /late", body_timeout=0.2)
async def late(req: Request[Any]) -> Any:
    """Say back what came in its time."""
    return req.body


@app.handler("GET /slow")
async def slow(req: Request[None]) -> Any:
    """Answer later."""
    await asyncio.sleep(float(req.query["seconds"]))
    return "late"


@app.handler("GET /files/{name}")
async def show(req: Request[None]) -> str:
    """Say the name back."""
    name: str = req.path.name
    return name

"""The measured handler, recorded: validation, three hooks, three context writes."""

from typing import Annotated, Any

import msgspec

from runtime import App, LocalContext, Request

app = App("bench")


class Item(msgspec.Struct):
    """So many of one thing."""

    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Order(msgspec.Struct):
    """What comes in."""

    customer: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    items: Annotated[list[Item], msgspec.Meta(min_length=1)]
    note: str = ""


class Receipt(msgspec.Struct):
    """What goes out."""

    order: int
    total: int
    customer: str


async def check_client(req: Request[Any]) -> None:
    """Look at a header."""
    req.headers.get("user-agent", "")


async def check_items(req: Request[Order]) -> None:
    """Look at the items."""
    len(req.body.items)


async def check_answer(result: Receipt) -> None:
    """Look at the answer."""
    _ = result.total > 0


@app.handler(
    "POST /orders/{order_id:int}", before=[check_client, check_items], after=[check_answer]
)
async def place(req: Request[Order], lctx: LocalContext) -> Receipt:
    """Write three values and answer."""
    total = sum(item.quantity for item in req.body.items)
    lctx.set("customer", req.body.customer)
    lctx.set("items", len(req.body.items))
    lctx.set("total", total)
    return Receipt(req.path.order_id, total, req.body.customer)

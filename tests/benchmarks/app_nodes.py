"""The measured handler once more, served by one process or by several; it may wait a while."""

import asyncio
import os

from runtime import App, LocalContext, Request
from tests.benchmarks.app_timescape import Order, Receipt

app = App("nodes")
WAIT_S = float(os.environ.get("BENCH_WAIT_S", "0"))


@app.handler("POST /orders/{order_id:int}")
async def place(req: Request[Order], lctx: LocalContext) -> Receipt:
    """Write two values, wait as for another service, and answer."""
    total = sum(item.quantity for item in req.body.items)
    lctx.set("customer", req.body.customer)
    lctx.set("total", total)
    if WAIT_S:
        await asyncio.sleep(WAIT_S)
    return Receipt(req.path.order_id, total, req.body.customer)

"""What several processes serve together in tests: all that they have to share is in it."""

import asyncio
import os
from typing import Any

from runtime import (
    App,
    GlobalContext,
    HttpError,
    LocalContext,
    Module,
    ModuleContext,
    Request,
    grant,
)

app = App("nodes")
app.topic("numbers", int)


class Yard:
    """Tells a port that it was asked, and waits until that hangs up."""

    async def wait(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(os.environ["TEST_YARD"]))
        await reader.read()
        writer.close()

    async def put_back(self, what: str) -> None:
        """Undo something."""


app.module("yard", Yard(), write_ahead=["wait"])
keys = Module("keys", version="1.0.0", capabilities=[grant("secret.read", "stock_token")])


@keys.method()
async def may(ctx: ModuleContext) -> bool:
    """Say whether it may read its secret."""
    return bool((await ctx.secret("stock_token")).reveal)


app.module(keys)


@app.handler("POST /orders/{number:int}", idempotency="off")
async def order(req: Request[None], lctx: LocalContext) -> int:
    """Keep a number."""
    lctx.set("number", req.path.number)
    number: int = req.path.number
    return number


@app.handler("POST /waits")
async def waits(lctx: LocalContext, gctx: GlobalContext) -> str:
    """Begin something, and wait."""
    lctx.compensate(gctx.modules.yard.put_back, "tea")
    await gctx.modules.yard.wait()
    return "done"


@app.handler("GET /limited", limits=["3/hour", "5/day"])
async def limited() -> str:
    """Answer three times."""
    return "let in"


@app.handler("GET /secret")
async def secret(gctx: GlobalContext) -> bool:
    """Use a capability."""
    return bool(await gctx.modules.keys.may())


@app.handler("POST /numbers/{number:int}", idempotency="off")
async def publish(req: Request[None], gctx: GlobalContext) -> None:
    """Publish a number."""
    await gctx.publish("numbers", req.path.number)


@app.subscriber("numbers", name="taker", concurrency=2)
async def take(req: Request[int], lctx: LocalContext, gctx: GlobalContext) -> Any:
    """Keep the number; of 0 wait."""
    lctx.set("taken", req.body)
    if req.body == 0:
        await gctx.modules.yard.wait()


@app.handler("GET /moody/{mood}", version="2026-03-01")
async def older() -> str:
    """Answer always."""
    return "older"


@app.handler("GET /moody/{mood}", version="2026-10-01")
async def newer(req: Request[None]) -> str:
    """Answer, unless it is asked in a bad mood."""
    if req.path.mood == "bad":
        raise HttpError(503, "moody", "Not now.")
    return "newer"

"""A small shop to be recorded and run again, by code that can be varied."""

import asyncio
from typing import Annotated, Any

import msgspec

from eventstore import Event, StreamId
from eventstore.memory import MemoryStore
from runtime import App, GlobalContext, LocalContext, Request, Sensitive
from runtime.context import registry
from runtime.testing import FakeClock, SeededIds, run_virtual
from tests.faces.asgi import ask


class Order(msgspec.Struct, frozen=True):
    """What somebody buys."""

    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    card: Annotated[str, Sensitive, msgspec.Meta(min_length=4)] | None = None


class Pricing:
    """A module that counts its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def quote(self, sku: str) -> int:
        self.calls.append(sku)
        await asyncio.sleep(len(sku))
        return 100 * len(sku)

    async def charge(self, card: Annotated[str | None, Sensitive], amount: int) -> bool:
        self.calls.append("charge")
        return amount < 5_000


def shop(
    pricing: Pricing, *, factor: int = 1, reads_card: bool = False, spins: bool = False
) -> App:
    """Make the shop; *factor* is the defect that its code may have."""
    app = App("shop", config={"limit": 3})
    app.module("pricing", pricing)

    @app.before
    def note(req: Request[Any], lctx: LocalContext) -> None:
        lctx.set("seen", [str(lctx.now()), str(lctx.uuid()), lctx.random().random()])

    @app.handler("POST /orders", version="2026-01-01")
    async def order(req: Request[Order], lctx: LocalContext, gctx: GlobalContext) -> dict[str, int]:
        net, wrap = await asyncio.gather(
            gctx.modules.pricing.quote(req.body.sku), gctx.modules.pricing.quote("a")
        )
        lctx.set("net", net)
        lctx.set("total", (net + wrap) * req.body.quantity * factor)
        lctx.set("limit", gctx.config["limit"])
        while spins:
            pass
        if reads_card:
            lctx.set("last", (req.body.card or "")[-2:])
        await gctx.modules.pricing.charge(req.body.card, lctx.get("total"))
        return {"total": lctx.get("total")}

    @app.handler("POST /orders", version="2026-02-01")
    async def order_2(req: Request[Order], lctx: LocalContext) -> dict[str, int]:
        lctx.set("total", 1)
        return {"total": 1}

    return app


def record(app: App, body: Any, **asked: Any) -> tuple[MemoryStore, StreamId]:
    """Serve one request by the first edition; return the log and its stream."""
    clock = FakeClock()
    store = MemoryStore(registry=registry(), clock=clock, ids=SeededIds(1))

    async def serve() -> str:
        app.start(store, clock=clock, ids=SeededIds(2))
        target = asked.get("target", "/orders?version=2026-01-01")
        reply = await ask(app, "POST", target, body, headers=asked.get("headers", ()))
        await app.stop()
        return reply.request_id

    name = run_virtual(serve())
    stream = next(
        row.stream for row in store.read_log(kinds=("request",)) if row.stream.hex == name[4:]
    )
    return store, stream


def events_of(store: MemoryStore, stream: StreamId) -> list[Event]:
    """Return all facts of a request."""
    return list(store.read(stream))

"""A small app for tests of HTTP: one handler for each thing that can happen."""

import asyncio
from typing import Annotated, Any

import msgspec

from runtime import App, HttpError, LocalContext, Request, Response, Sensitive
from tests.runtime.schemas import CANARY


class Item(msgspec.Struct, forbid_unknown_fields=True):
    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=8)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Order(msgspec.Struct):
    customer: str
    items: Annotated[list[Item], msgspec.Meta(min_length=1)]
    card: Annotated[str, Sensitive]


class Receipt(msgspec.Struct):
    order: int
    total: int


class Search(msgspec.Struct):
    limit: Annotated[int, msgspec.Meta(ge=1)] = 10


GOOD: dict[str, Any] = {
    "customer": "ann",
    "items": [{"sku": "mug", "quantity": 2}, {"sku": "tea", "quantity": 3}],
    "card": "4242",
}


class Shop:
    """The app, and what tests want to know of it."""

    def __init__(self, **settings: Any) -> None:
        self.app = App("shop", **settings)
        self.bodies: list[Any] = []
        """What handlers got."""
        self.release = asyncio.Event()
        self.reached = asyncio.Event()
        """Set once `GET /waits` runs; it ends when `release` is set."""
        self._orders()
        self._failures()

    def _orders(self) -> None:
        app = self.app

        @app.handler("POST /orders/{order_id:int}", version="2026-03-01")
        async def place(req: Request[Order], lctx: LocalContext) -> Receipt:
            self.bodies.append(req.body)
            lctx.set("customer", req.body.customer)
            return Receipt(req.path.order_id, sum(item.quantity for item in req.body.items))

        @app.handler("POST /orders/{order_id:int}", version="2026-10-01")
        async def place_2(req: Request[Order]) -> Receipt:
            self.bodies.append(req.body)
            return Receipt(req.path.order_id, -1)

        @app.handler("GET /files/{name}")
        def show(req: Request[None]) -> dict[str, str]:
            return {"name": req.path.name}

        @app.handler("GET /search", query=Search)
        async def search(req: Request[None]) -> int:
            limit: int = req.query.limit
            return limit

        @app.handler("PUT /raw")
        async def raw(req: Request[bytes]) -> bytes:
            return req.body[::-1]

        @app.handler("PUT /small", max_body=10)
        async def small(req: Request[Any]) -> Any:
            return req.body

        @app.handler("GET /echo")
        async def echo(req: Request[None]) -> dict[str, Any]:
            return {"query": dict(req.query), "headers": dict(req.headers)}

    def _failures(self) -> None:
        app = self.app

        @app.handler("GET /raises")
        async def raises() -> None:
            raise RuntimeError(CANARY)

        @app.handler("GET /refuses")
        async def refuses() -> None:
            raise HttpError(409, "sold-out", "Nothing is left.", {"x-left": "0"})

        @app.handler("GET /hangs", timeout=0.05)
        async def hangs() -> None:
            await asyncio.Event().wait()

        @app.handler("GET /waits")
        async def waits() -> str:
            self.reached.set()
            await self.release.wait()
            return "done"

        @app.handler("GET /wrong")
        async def wrong() -> Receipt:
            return {"order": CANARY, "total": 1}  # type: ignore[return-value]

        @app.handler("DELETE /nothing")
        async def nothing(res: Response) -> None:
            res.header("x-note", "gone")

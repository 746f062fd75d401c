"""Two apps that share a topic: a shop that publishes, and a post that hears of it."""

import msgspec

from runtime import App, GlobalContext, Request


class OrderPlaced(msgspec.Struct):
    order: int


shop, post = App("shop"), App("post")
heard: list[int] = []
"""By the post's process."""

for each in (shop, post):
    each.topic("orders.placed", OrderPlaced, shared=True)


@shop.handler("POST /orders")
async def place(req: Request[OrderPlaced], gctx: GlobalContext) -> None:
    await gctx.publish("orders.placed", req.body)


@post.subscriber("orders.placed", name="mailer", concurrency=1)
async def mail(req: Request[OrderPlaced]) -> None:
    heard.append(req.body.order)


@post.handler("GET /heard")
async def what_was_heard() -> list[int]:
    return heard

"""The same in Litestar, unrecorded, with its own three hooks and msgspec."""

from typing import Annotated, Any

import msgspec
from litestar import Litestar, Request, Response, post


class Item(msgspec.Struct):
    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Order(msgspec.Struct):
    customer: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    items: Annotated[list[Item], msgspec.Meta(min_length=1)]
    note: str = ""


class Receipt(msgspec.Struct):
    order: int
    total: int
    customer: str


async def check_client(request: Request[Any, Any, Any]) -> None:
    request.headers.get("user-agent", "")


async def check_items(request: Request[Any, Any, Any], _handler: Any) -> None:
    request.headers.get("content-length", "")


async def check_answer(response: Response[Any]) -> Response[Any]:
    return response


@post(
    "/orders/{order_id:int}",
    before_request=check_client,
    after_request=check_answer,
    status_code=200,
)
async def place(order_id: int, data: Order, request: Request[Any, Any, Any]) -> Receipt:
    total = sum(item.quantity for item in data.items)
    request.state["customer"] = data.customer
    request.state["items"] = len(data.items)
    request.state["total"] = total
    return Receipt(order_id, total, data.customer)


async def before_all(request: Request[Any, Any, Any]) -> None:
    request.headers.get("accept", "")


app = Litestar([place], before_request=before_all, openapi_config=None)

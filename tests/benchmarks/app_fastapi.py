"""The same in FastAPI, unrecorded: hooks are dependencies, the context is the request's state."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, Field

app = FastAPI(openapi_url=None)


class Item(BaseModel):
    sku: str
    quantity: Annotated[int, Field(ge=1, le=100)]


class Order(BaseModel):
    customer: Annotated[str, Field(min_length=1, max_length=80)]
    items: Annotated[list[Item], Field(min_length=1)]
    note: str = ""


class Receipt(BaseModel):
    order: int
    total: int
    customer: str


async def check_client(request: Request) -> None:
    request.headers.get("user-agent", "")


async def check_items(request: Request) -> None:
    request.headers.get("content-length", "")


async def check_answer(request: Request) -> None:
    request.headers.get("accept", "")


@app.post(
    "/orders/{order_id}",
    dependencies=[Depends(check_client), Depends(check_items), Depends(check_answer)],
)
async def place(order_id: int, order: Order, request: Request) -> Receipt:
    total = sum(item.quantity for item in order.items)
    request.state.customer = order.customer
    request.state.items = len(order.items)
    request.state.total = total
    return Receipt(order=order_id, total=total, customer=order.customer)

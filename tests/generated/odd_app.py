"""An app whose names and types are as odd as they may be."""

import datetime as dt
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal

import msgspec

from runtime import App, Email, Pattern, Request, UniqueItems

app = App("odd")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Cat(msgspec.Struct, tag="cat"):
    lives: Annotated[int, msgspec.Meta(ge=1, le=9)] = 9


class Dog(msgspec.Struct, tag="dog"):
    name: str
    friends: list["Cat | Dog"] = []


class Point(msgspec.Struct, array_like=True):
    x: float
    y: float
    price: decimal.Decimal = decimal.Decimal("1.50")
    tags: list[str] = msgspec.field(default_factory=lambda: ["a"])
    label: str | None = None


class Odd(msgspec.Struct, forbid_unknown_fields=True):
    """Says `*/` and \"\"\" and ends with a backslash \\\\"""

    class_: Annotated[
        str, Pattern(r"[A-Z]{3}-\d{2}"), msgspec.Meta(description='a """ quote */ \\')
    ] = msgspec.field(name="class")
    dashed: int = msgspec.field(name="odd-name")
    quoted: bool = msgspec.field(name="'; import os; '", default=True)
    proto: str = msgspec.field(name="__proto__", default="x")
    id_: uuid.UUID | None = msgspec.field(name="uuid", default=None)
    list_: Annotated[list[str], UniqueItems] | msgspec.UnsetType = msgspec.field(
        name="list", default=msgspec.UNSET
    )
    colour: Colour = msgspec.field(name="Colour", default=Colour.RED)
    pets: dict[str, Cat | Dog] = {}
    place: Point | None = None
    price: decimal.Decimal = decimal.Decimal("1.50")
    at: dt.datetime | None = None
    mail: Annotated[str, Email] | None = None
    pair: tuple[int, Literal["a", 1]] = (1, "a")
    raw: bytes = b""


class Asked(msgspec.Struct):
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10
    colours: list[Colour] = []
    since: dt.date | None = None
    from_: str | msgspec.UnsetType = msgspec.field(name="from", default=msgspec.UNSET)


@app.handler("POST /odd/{class}/{body:int}", version="2026-01-01", name="import")
async def send(req: Request[Odd]) -> Odd:
    """Send it back. */ \"\"\" \\"""
    return req.body


@app.handler("GET /öd+d/{rest:path}", name="get_things", query=Asked)
async def ask(req: Request[None]) -> dict[str, Any]:
    """Say back what was asked for."""
    return {"rest": req.path.rest, "query": {name: req.query[name] for name in req.query}}


@app.handler("PUT /raw", name="get-things")
async def keep(req: Request[bytes]) -> bytes:
    """Give the bytes back."""
    return req.body


@app.handler("DELETE /odd/{id:uuid}", version="2026-02-01")
async def drop() -> None:
    """Answer nothing."""


@app.handler("GET /maybe/{name}")
async def maybe(req: Request[None]) -> Cat | Dog | None:
    """Answer a cat, a dog or nothing."""
    name: str = req.path.name
    known: dict[str, Cat | Dog] = {"cat": Cat(), "dog": Dog("rex", [Cat(1)])}
    return known.get(name)


@app.handler("POST /any")
async def anything(req: Request[Any]) -> Any:
    """Take anything."""
    return req.body

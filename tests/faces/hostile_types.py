"""The body of the app that hostile requests are sent to: a field of each dear kind."""

import datetime as dt
import decimal
import uuid
from typing import Annotated, Literal

import msgspec

from runtime.gtype import Pattern

Name = Annotated[str, msgspec.Meta(max_length=20), Pattern("([a-z]+)*")]


class Basket(msgspec.Struct):
    names: list[Name] = msgspec.field(default_factory=list)
    numbers: set[int] = msgspec.field(default_factory=set)
    prices: dict[int, int] = msgspec.field(default_factory=dict)
    total: decimal.Decimal | None = None
    when: dt.datetime | None = None
    id: uuid.UUID | None = None
    note: Annotated[str, msgspec.Meta(max_length=9)] | None = None
    kind: Literal["a", "b"] = "a"
    parts: "list[Basket]" = msgspec.field(default_factory=list)

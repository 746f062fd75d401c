"""An app of two versions and a module, for what is generated from it."""

from typing import Annotated

import msgspec

from runtime import App, GlobalContext, Module, ModuleContext, Request

OLD, NEW = "2026-03-01", "2026-10-01"
rates = Module("rates")


@rates.method
def rate(ctx: ModuleContext, unit: str = "g") -> int:
    """Say what a unit costs."""
    return 1 if unit == "g" else 1_000


class Line(msgspec.Struct):
    """Of a parcel, as it was."""

    sku: str
    note: str = ""


class Grams(msgspec.Struct):
    grams: Annotated[int, msgspec.Meta(ge=0)]
    lines: list[Line] = []


class Entry(msgspec.Struct):
    """Of a parcel, as it is."""

    sku: str
    gift: bool = False


class Weight(msgspec.Struct, forbid_unknown_fields=True):
    value: Annotated[int, msgspec.Meta(ge=0)]
    lines: list[Entry] = []
    unit: str = "g"


class Cents(msgspec.Struct, forbid_unknown_fields=True):
    cents: int


class Price(msgspec.Struct):
    cents: int
    currency: str


def parcels() -> App:
    """Make it."""
    made = App("parcels")
    made.module(rates)

    @made.handler("POST /quotes", version=OLD, tags=["stable"])
    async def first(req: Request[Grams]) -> Cents:
        return Cents(req.body.grams)

    @made.handler("POST /quotes", version=NEW)
    async def second(req: Request[Weight], gctx: GlobalContext) -> Price:
        each = await gctx.modules.rates.rate(req.body.unit)
        return Price(req.body.value * each, "EUR")

    @made.handler("GET /ping")
    async def ping(req: Request[None]) -> str:
        return "pong"

    return made


app = parcels()

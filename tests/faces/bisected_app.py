"""An app of which one version began to answer otherwise; one cannot be run on old requests."""

from typing import Any

from runtime import App, GlobalContext, Request


class Rates:
    async def tax(self) -> int:
        return 7


app = App("bisected")
app.module("rates", Rates())


def priced(factor: int) -> Any:
    async def price(req: Request[dict[str, int]]) -> dict[str, int]:
        return {"total": req.body["net"] * factor}

    return price


for _edition, _factor in (("2026-01-01", 2), ("2026-02-01", 2), ("2026-04-01", 3)):
    app.handler("POST /prices", version=_edition)(priced(_factor))


@app.handler("POST /prices", version="2026-03-01")
async def price_by_rates(req: Request[dict[str, int]], gctx: GlobalContext) -> dict[str, int]:
    return {"total": req.body["net"] * await gctx.modules.rates.tax()}


app.handler("POST /prices", version="2026-05-01")(priced(3))

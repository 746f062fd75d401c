"""The demo shop, as a user of the runtime would write it.

It has one defect on purpose, which makes some totals wrong; `docs/tutorial.md` finds it by
stepping backwards. Serve it with `timescape serve debugger.demo.shop:app`.
"""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec

from debugger.demo.catalogue import CATALOGUE, VOUCHERS, Product, cents
from debugger.demo.modules import Bank, Pricing, Stock
from debugger.demo.origin import APP, source_folder
from runtime import App, GlobalContext, HttpError, LocalContext, Request, Sensitive

app = App(APP, config={"shop": {"refund_limit": 20_000}}, root=source_folder())
app.module("pricing", Pricing())
app.module("stock", Stock(CATALOGUE))
app.module("bank", Bank())


class Item(msgspec.Struct, frozen=True):
    """So many of one thing."""

    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Cart(msgspec.Struct, frozen=True):
    """What somebody might buy."""

    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=50)]


class Order(Cart, frozen=True):
    """What somebody buys."""

    customer: Annotated[str, msgspec.Meta(min_length=1)]
    card: Annotated[str, Sensitive]
    voucher: str | None = None
    gift: bool = False


class Refund(msgspec.Struct, frozen=True):
    """Money to go back."""

    order: UUID
    cents: Annotated[int, msgspec.Meta(ge=1)]
    reason: str = ""


class Shelf(msgspec.Struct, frozen=True):
    """A part of the catalogue."""

    products: list[Product]


class Priced(msgspec.Struct, frozen=True):
    """What a cart would cost."""

    cart: str
    net: Decimal


class Receipt(msgspec.Struct, frozen=True):
    """What the customer gets: the total, tax included."""

    order: UUID
    total: Decimal


class Accepted(msgspec.Struct, frozen=True):
    """A refund on its way."""

    refund: UUID
    cents: int


# --- hooks of the whole shop ---


@app.before
def note_channel(req: Request[Any], lctx: LocalContext) -> None:
    """Note what the customer came with."""
    agent = req.headers.get("user-agent", "")
    lctx.set("channel", "app" if agent.startswith("shop-app") else "web")


@app.after
def keep_audit(lctx: LocalContext) -> None:
    """Note that it went well."""
    with lctx.edit("audit", default=list) as audit:
        audit.append("answered")


@app.catch
def note_failure(error: BaseException, lctx: LocalContext) -> None:
    """Note what went wrong."""
    lctx.log("failed", level="error", error=type(error).__name__)


# --- hooks of orders and carts ---


async def price_lines(req: Request[Any], lctx: LocalContext, gctx: GlobalContext) -> None:
    """Ask for the price of each item."""
    lines = []
    for item in req.body.items:
        quote = await gctx.modules.pricing.quote(item.sku)
        if quote is None:
            raise HttpError(404, "product-not-found", f"There is no product {item.sku!r}.")
        net = cents(quote["unit_net"] * item.quantity)
        lines.append({"sku": item.sku, "quantity": item.quantity, **quote, "net": net})
    lctx.set("lines", lines)


async def offer_wrapping(req: Request[Order], lctx: LocalContext) -> None:
    """Have gifts wrapped."""
    if req.body.gift:
        lctx.before(wrap)


async def wrap(lctx: LocalContext, gctx: GlobalContext) -> None:
    """Add the wrapping to the order."""
    quote = await gctx.modules.pricing.quote("wrap")
    with lctx.edit("lines") as lines:
        lines.append({"sku": "wrap", "quantity": 1, **quote, "net": quote["unit_net"]})


def apply_voucher(req: Request[Order], lctx: LocalContext) -> None:
    """Take the voucher's part off each line."""
    if req.body.voucher is None:
        return
    off = VOUCHERS.get(req.body.voucher)
    if off is None:
        raise HttpError(409, "voucher-unknown", "There is no such voucher.")
    lctx.set("voucher", {"code": req.body.voucher, "off": off})
    with lctx.edit("lines") as lines:
        for line in lines:
            line["net"] = cents(line["net"] * (1 - off))


def spare_books(lctx: LocalContext) -> None:
    """Give books their full price back: the law wants it fixed, voucher or not."""
    if "voucher" not in lctx:
        return
    with lctx.edit("lines") as lines:
        for line in lines:
            if line["category"] == "book":
                line["net"] = cents(line["shelf"] * line["quantity"])


def give_points(lctx: LocalContext) -> None:
    """One point for each whole unit of money spent."""
    lctx.set("points", int(lctx.get("totals")["gross"]))


def tell_customer(error: BaseException, lctx: LocalContext) -> None:
    """Have the customer told why nothing was bought."""
    lctx.publish("orders.refused", {"error": type(error).__name__})


# --- handlers ---


@app.handler("GET /products", version="2026-03-01")
def browse(req: Request[None], lctx: LocalContext) -> Shelf:
    """Show the shelf, or one category of it."""
    category = req.query.get("category")
    found = [p for p in CATALOGUE.values() if category in {None, p.category} and p.sku != "wrap"]
    lctx.set("shown", [product.sku for product in found])
    return Shelf(products=found)


@app.handler("PUT /carts/{cart}", version="2026-03-01", before=[price_lines])
async def fill_cart(req: Request[Cart], lctx: LocalContext) -> Priced:
    """Price a cart: three of a kind are cheaper, unless the cart is too small for that."""
    lctx.snapshot("label prices")
    with lctx.edit("lines") as lines:
        for line in lines:
            if line["quantity"] >= 3:
                line["net"] = cents(line["net"] * Decimal("0.95"))
    if sum(line["net"] for line in lctx.get("lines")) < 50:
        lctx.restore("label prices")
    net = sum((line["net"] for line in lctx.get("lines")), Decimal(0))
    lctx.set("net", net)
    return Priced(cart=req.path.cart, net=net)


async def _sell(req: Request[Order], lctx: LocalContext, gctx: GlobalContext) -> Receipt:
    lctx.set("customer", req.body.customer)
    for line in lctx.get("lines"):
        if not await gctx.modules.stock.reserve(line["sku"], line["quantity"]):
            raise HttpError(409, "out-of-stock", f"Not enough of {line['sku']!r} are left.")
        lctx.compensate(gctx.modules.stock.release, line["sku"], line["quantity"])
    lctx.snapshot("reserved")
    net = sum((line["net"] for line in lctx.get("lines")), Decimal(0))
    tax = sum((cents(line["net"] * line["rate"]) for line in lctx.get("lines")), Decimal(0))
    lctx.set("totals", {"net": net, "tax": tax, "gross": net + tax})
    if not await gctx.modules.bank.charge(req.body.card, net + tax):
        raise HttpError(402, "card-declined", "The bank declined the card.")
    lctx.set("paid_at", lctx.now())
    return Receipt(order=lctx.uuid(), total=net + tax)


@app.handler(
    "POST /orders",
    version="2026-03-01",
    tags=["stable"],
    before=[price_lines, offer_wrapping, apply_voucher],
    catch=[tell_customer],
    timeout=2.0,
)
async def place_order(req: Request[Order], lctx: LocalContext, gctx: GlobalContext) -> Receipt:
    """Sell: vouchers count for everything."""
    return await _sell(req, lctx, gctx)


@app.handler(
    "POST /orders",
    version="2026-10-01",
    tags=["beta"],
    before=[price_lines, offer_wrapping, apply_voucher, spare_books],
    after=[give_points],
    catch=[tell_customer],
    timeout=2.0,
)
async def place_order_2(req: Request[Order], lctx: LocalContext, gctx: GlobalContext) -> Receipt:
    """Sell: vouchers do not count for books, and buying earns points."""
    return await _sell(req, lctx, gctx)


@app.handler("POST /refunds", version="2026-03-01")
async def refund(req: Request[Refund], lctx: LocalContext, gctx: GlobalContext) -> Accepted:
    """Give money back, up to the limit."""
    lctx.set("refund", {"order": req.body.order, "cents": req.body.cents})
    if req.body.cents > gctx.config["shop"]["refund_limit"]:
        raise HttpError(409, "refund-needs-approval", "Somebody has to look at so large a refund.")
    lctx.publish("refunds.accepted", {"cents": req.body.cents})
    return Accepted(refund=lctx.uuid(), cents=req.body.cents)

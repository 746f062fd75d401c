"""What the demo shop sells and what that costs. Money is decimal; label prices include tax."""

from decimal import Decimal

import msgspec

CENT = Decimal("0.01")
RATES = {"book": Decimal("0.07"), "food": Decimal("0.07"), "kitchen": Decimal("0.19")}
"""Value added tax by category."""
VOUCHERS = {"AUTUMN10": Decimal("0.10"), "FRIENDS25": Decimal("0.25")}
"""What a voucher takes off, as a fraction."""


class Product(msgspec.Struct, frozen=True):
    """One thing on the shelf."""

    sku: str
    name: str
    category: str
    shelf: Decimal
    """The label price of one, tax included."""
    units: int = 1_000_000
    """In stock when the shop opens."""


CATALOGUE = {
    product.sku: product
    for product in (
        Product("atlas", "Atlas of small islands", "book", Decimal("33.00")),
        Product("poems", "Poems for trains", "book", Decimal("14.50")),
        Product("knots", "Ninety knots", "book", Decimal("21.40"), units=0),
        Product("mug", "Mug, blue", "kitchen", Decimal("11.90")),
        Product("kettle", "Kettle, enamel", "kitchen", Decimal("47.60")),
        Product("knife", "Bread knife", "kitchen", Decimal("26.18")),
        Product("tea", "Tea, 100 g", "food", Decimal("8.56")),
        Product("honey", "Honey, 500 g", "food", Decimal("9.63")),
        Product("wrap", "Gift wrapping", "kitchen", Decimal("2.38")),
    )
}


def cents(amount: Decimal) -> Decimal:
    """Round *amount* to the cent."""
    return amount.quantize(CENT)


def without_tax(product: Product) -> Decimal:
    """Return the price of one without tax."""
    return cents(product.shelf / (1 + RATES[product.category]))

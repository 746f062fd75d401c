"""The world outside the shop: prices, a warehouse, a bank. Handlers reach them as modules only."""

import asyncio
from decimal import Decimal
from typing import Annotated, Any

from debugger.demo.catalogue import CATALOGUE, RATES, Product, without_tax
from runtime import Sensitive


class Pricing:
    """Knows what things cost."""

    async def quote(self, sku: str) -> dict[str, Any] | None:
        """Return category, label price, price without tax and tax rate of one; None: not sold."""
        product = CATALOGUE.get(sku)
        if product is None:
            return None
        return {
            "category": product.category,
            "shelf": product.shelf,
            "unit_net": without_tax(product),
            "rate": RATES[product.category],
        }


class Stock:
    """Counts what is left."""

    def __init__(self, products: dict[str, Product]) -> None:
        self._units = {sku: product.units for sku, product in products.items()}

    async def reserve(self, sku: str, quantity: int) -> bool:
        """Take *quantity* off the shelf, or say that there are not so many."""
        if self._units.get(sku, 0) < quantity:
            return False
        self._units[sku] -= quantity
        return True

    async def release(self, sku: str, quantity: int) -> None:
        """Put *quantity* back."""
        self._units[sku] = self._units.get(sku, 0) + quantity


class Bank:
    """Takes money, mostly. The last digits of the card decide, so that traffic can choose."""

    async def charge(self, card: Annotated[str, Sensitive], amount: Decimal) -> bool:
        """Charge *amount*; False: declined.

        Raises:
            ConnectionError: the bank cannot be reached.
        """
        if card.endswith("0002"):
            return False
        if card.endswith("0119"):
            raise ConnectionError
        if card.endswith("0259"):
            # Longer than any caller waits: the request's deadline has to end it.
            await asyncio.sleep(3_600)
        return amount >= 0

"""The vocabulary, continued: what happens to secrets besides being read.

It stands in control streams. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact


class SecretMasked(Fact, frozen=True, gc=False):
    """A secret was about to be written or sent; `***` was. Key: the secret's name."""

    type: ClassVar[str] = "secret.masked"

    where: str
    """Type of the fact it was in, or `answer`, or `log`. Told once for each, by each process."""


SECRET_FACTS: tuple[type[Fact], ...] = (SecretMasked,)
"""All of them."""

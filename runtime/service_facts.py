"""The vocabulary, continued: what happens to a runtime as a service.

They stand in control streams. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact


class SecretMasked(Fact, frozen=True, gc=False):
    """A secret was about to be written or sent; `***` was. Key: the secret's name."""

    type: ClassVar[str] = "secret.masked"

    where: str
    """Type of the fact it was in, or `answer`, or `log`. Told once for each, by each process."""


class MaintenanceStopped(Fact, frozen=True, gc=False):
    """A process has served its last request, and lets go of the log. Key: the app."""

    type: ClassVar[str] = "maintenance.stopped"

    clean: bool
    """Whether every request came to its own end."""


class MaintenanceResumed(Fact, frozen=True, gc=False):
    """The log, which had refused facts, takes them again. Key: the app."""

    type: ClassVar[str] = "maintenance.resumed"

    refused: str
    """Code of the error it had refused the last ones with."""


SERVICE_FACTS: tuple[type[Fact], ...] = (
    SecretMasked, MaintenanceStopped, MaintenanceResumed,
)  # fmt: skip
"""All of them."""

"""The vocabulary, continued: how versions do in the processes that serve them.

They stand in control streams. Resolving does not see them (TS-4). See `runtime.facts` for what
holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact


class VersionHealthChanged(Fact, frozen=True, gc=False):
    """A version does better or worse in one process. Key: the version id."""

    type: ClassVar[str] = "version.health_changed"

    former: str
    """healthy, degraded or unhealthy; so *to*."""
    to: str
    answers: int = 0
    """Of the last minute."""
    failed: int = 0
    """Those of them with a status of 500 or more."""
    reason: str = ""
    """answers; module and a name: one that it needs has failed; recovered: it is tried again;
    said: by a simulation."""
    instance: str = ""
    """The process, by a name of its own."""


HEALTH_FACTS: tuple[type[Fact], ...] = (VersionHealthChanged,)
"""All of them."""

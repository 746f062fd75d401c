"""The vocabulary, continued: who is pinned to a version, and when versions are retired.

They stand in control streams. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact


class VersionPinned(Fact, frozen=True, gc=False):
    """A caller who names no version gets this one. Key: the handler id, or `*` for all."""

    type: ClassVar[str] = "version.pinned"

    kind: str
    """credential, principal or tenant."""
    subject: str
    """Its id."""
    selector: str
    """As a request would name it: a version id, edition, instant, tag or latest."""
    previous: str | None = None
    """What it was pinned to before."""
    by: str = ""


class VersionUnpinned(Fact, frozen=True, gc=False):
    """A caller is not pinned any more. Key: the handler id, or `*`."""

    type: ClassVar[str] = "version.unpinned"

    kind: str
    subject: str
    by: str = ""


class PolicyChanged(Fact, frozen=True, gc=False):
    """When versions count as used, and which are let be. Key: `retirement`."""

    type: ClassVar[str] = "policy.changed"

    hot: int = 100
    """Requests in 24 hours from which on a version is hot."""
    idle_s: int = 604_800
    """Without a request for longer it is cold."""
    low: int = 10
    """With fewer requests in 7 days it is little used."""
    excluded: tuple[str, ...] = ()
    """Handlers whose versions are let be."""
    overrides: tuple[tuple[str, str], ...] = ()
    """Version ids that are let be whatever comes: keep; or go as soon as they may: deactivate."""
    by: str = ""


CARE_FACTS: tuple[type[Fact], ...] = (VersionPinned, VersionUnpinned, PolicyChanged)
"""All of them."""

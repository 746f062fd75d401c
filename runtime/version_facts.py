"""The vocabulary, continued: what happens to versions of handlers, from their deployment on.

They stand in control streams. See `runtime.facts` for what holds
of all facts.
"""

from typing import ClassVar

import msgspec

from runtime.facts import Fact, Json


class Compared(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What changed between two neighbouring versions, by the rules it breaks."""

    older: str
    """A version id."""
    newer: str
    request: tuple[str, ...] = ()
    """Ids of rules by which requests of the older are not fit for the newer."""
    response: tuple[str, ...] = ()
    """Ids of rules by which answers of the newer are not fit for callers of the older."""
    risky: tuple[str, ...] = ()
    summary: str = ""
    digest: str = ""
    request_back: tuple[str, ...] | None = None
    """Ids of rules by which requests of the newer are not fit for the older; None: not compared."""
    response_back: tuple[str, ...] | None = None
    """Ids of rules by which answers of the older are not fit for callers of the newer."""


class HandlerDeployed(Fact, frozen=True, gc=False):
    """A version of a handler was seen for the first time. Key: the version id."""

    type: ClassVar[str] = "handler.deployed"

    handler: str
    route: str
    edition: str | None
    fingerprint: str
    contract: str = ""
    """Digest of what clients can observe; *fingerprint* is of that and of the code."""
    manifest: str = ""
    effective_us: int | None = None
    """From when on it is seen, µs since 1970; None: from the time of this fact."""
    activation: str = "now"
    """now: callers who name nothing move to it; hold, edition: they do not."""
    tags: tuple[str, ...] = ()
    run: str = "newest"
    """newest: later code may serve its callers, where transformers lead there; own: never."""
    diff: tuple[Compared, ...] = ()
    """With its neighbours on the line, the lower first."""
    declares: Json = None
    """The manifest, as plain data; *manifest* is its digest."""
    schema: str | None = None
    """The database schema that it needs, `orders@2`."""
    by: str = ""
    """Who had it count from a time before this fact, in `effective_us`; else nobody is named."""


class VersionTagged(Fact, frozen=True, gc=False):
    """A tag of a handler points to this version from now on. Key: the version id."""

    type: ClassVar[str] = "version.tagged"

    tag: str
    previous: str | None = None
    """The version it pointed to before."""
    by: str = ""


class VersionUntagged(Fact, frozen=True, gc=False):
    """A tag of a handler is gone. Key: the version id it pointed to."""

    type: ClassVar[str] = "version.untagged"

    tag: str
    by: str = ""


class VersionDeactivated(Fact, frozen=True, gc=False):
    """A version is not served any more. Key: the version id."""

    type: ClassVar[str] = "version.deactivated"

    reason: str
    """manual or security; of the runtime itself cold or low-use."""
    note: str = ""
    """What was said about it."""
    by: str = ""
    requests: int | None = None
    """That it had in the time that was looked at; None: nobody looked."""
    window_s: int | None = None
    """How long that was."""


class VersionReactivated(Fact, frozen=True, gc=False):
    """A deactivated version is served again. Key: the version id."""

    type: ClassVar[str] = "version.reactivated"

    by: str = ""


class VersionDeprecated(Fact, frozen=True, gc=False):
    """A version is announced to end; answers of it say so. Key: the version id."""

    type: ClassVar[str] = "version.deprecated"

    sunset_us: int | None = None
    """From when on it is refused, µs since 1970; None: that is not decided."""
    link: str | None = None
    """Where that is explained."""
    by: str = ""


class TrafficSplitChanged(Fact, frozen=True, gc=False):
    """Callers who name no version are shared out anew. Key: the handler id."""

    type: ClassVar[str] = "traffic.split_changed"

    parts: tuple[tuple[str, int], ...]
    """Version id and part of 10 000, newest last. One with all of it: it is promoted."""
    salt: str
    """Decides with who asks where a caller stands; kept while shares are adjusted."""
    by: str = ""


VERSION_FACTS: tuple[type[Fact], ...] = (
    HandlerDeployed,
    VersionTagged,
    VersionUntagged,
    VersionDeactivated,
    VersionReactivated,
    VersionDeprecated,
    TrafficSplitChanged,
)
"""All of them."""

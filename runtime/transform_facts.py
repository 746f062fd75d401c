"""The vocabulary, continued: what happens to data on its way between versions.

`transformer.registered` stands in control streams, the others in a request's. See
`runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact, Failure


class TransformerRegistered(Fact, frozen=True, gc=False):
    """Two neighbouring versions of a handler are joined by functions. Key: the handler id."""

    type: ClassVar[str] = "transformer.registered"

    older: str
    """An edition or a version id; `` for the version without edition."""
    newer: str
    fingerprint: str
    """Of the code of its functions."""
    functions: tuple[str, ...] = ()
    """Those it has, such as `request_up`; a missing one changes nothing."""
    former: str | None = None
    """Fingerprint of what it takes the place of."""


class TransformApplied(Fact, frozen=True, gc=False):
    """Data of a request went from one version to its neighbour. Key: the version it came to."""

    type: ClassVar[str] = "transform.applied"

    source: str
    """The version it came from."""
    side: str
    """request or response."""
    digest: str = ""
    """Of what it became; `` if a version keeps some of it out of records."""
    error: Failure | None = None
    """Why it went no further; None: it did."""


class VersionPlaced(Fact, frozen=True, gc=False):
    """Another version runs than the one that was to. Key: its id."""

    type: ClassVar[str] = "version.placed"

    reason: str
    """unhealthy: another is joined to it and well; transform-failed: the caller's own runs."""
    edition: str | None = None


TRANSFORM_FACTS: tuple[type[Fact], ...] = (TransformApplied, VersionPlaced)
"""Those of a request's stream."""
TRANSFORMER_FACTS: tuple[type[Fact], ...] = (TransformerRegistered,)
"""Those of a control stream."""

"""The vocabulary, continued: what happens to the database schemas that versions of handlers need.

They stand in control streams; the key is the schema, `orders@2`. See `runtime.facts` for what
holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact, Failure


class SchemaStarted(Fact, frozen=True, gc=False):
    """A schema is being changed; nobody else touches its database meanwhile. Key: the schema."""

    type: ClassVar[str] = "schema.started"

    steps: tuple[str, ...]
    """Their names, in the order in which they are gone."""
    down: bool = False
    """Whether it is being rolled back."""
    by: str = ""


class SchemaApplied(Fact, frozen=True, gc=False):
    """A schema is there. Key: the schema."""

    type: ClassVar[str] = "schema.applied"

    by: str = ""


class SchemaFailed(Fact, frozen=True, gc=False):
    """A schema could not be changed. Key: the schema."""

    type: ClassVar[str] = "schema.failed"

    step: str
    """The one that failed; `` if somebody gave it up."""
    undone: tuple[str, ...] = ()
    """Those that were done before, and were undone, in that order."""
    left: tuple[str, ...] = ()
    """Those that stand all the same: the database is between two schemas."""
    failure: Failure | None = None
    """None: it returned False, was late, or was given up."""
    by: str = ""


class SchemaRolledBack(Fact, frozen=True, gc=False):
    """A schema is not there any more. Key: the schema."""

    type: ClassVar[str] = "schema.rolled_back"

    by: str = ""


SCHEMA_FACTS: tuple[type[Fact], ...] = (
    SchemaStarted,
    SchemaApplied,
    SchemaFailed,
    SchemaRolledBack,
)
"""All of them."""

"""The vocabulary, continued: processes that serve one app from one log together.

They stand in control streams. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact


class NodeAnnounced(Fact, frozen=True, gc=False):
    """A process began to serve; it has the code of these versions. Key: the node."""

    type: ClassVar[str] = "node.announced"

    versions: tuple[str, ...]
    """Ids, as the app declares them."""


NODE_FACTS: tuple[type[Fact], ...] = (NodeAnnounced,)
"""All of them."""

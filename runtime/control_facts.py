"""The vocabulary, continued: the config in force, and the names of forks.

They stand in control streams. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact, Json


class ConfigLoaded(Fact, frozen=True, gc=False):
    """The config in force. Key: its fingerprint."""

    type: ClassVar[str] = "config.loaded"

    config: Json


class ForkNamed(Fact, frozen=True, gc=False):
    """A fork has this name from now on, and no other one. Key: the name."""

    type: ClassVar[str] = "fork.named"

    stream: str
    """The fork, 32 hex digits."""
    parent: str
    """The request it goes on from; of its forks no two have one name."""
    by: str = ""


CONTROL_FACTS: tuple[type[Fact], ...] = (ConfigLoaded, ForkNamed)
"""What stands in control streams, besides `version_facts` and `module_facts`."""

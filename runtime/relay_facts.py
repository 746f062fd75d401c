"""The vocabulary, continued: messages that go from one log to another (SO-6).

They stand in streams of kind `queue`. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact, Json


class MessageArrived(Fact, frozen=True, gc=False):
    """A message came that was published in another log. Key: the topic.

    It is delivered from here on like one that was published here; its id here is made of this
    fact, and so the same however often it comes.
    """

    type: ClassVar[str] = "message.arrived"

    payload: Json
    origin: str
    """Its id in the log it was published in."""
    published_us: int
    """When that was, by the clock there."""
    key: str | None = None
    priority: int = 5
    ttl_s: float | None = None
    """From that time on; None: for ever."""
    request: str = ""
    """Id of the request that published it; so *handler*, *version*."""
    handler: str = ""
    version: str = ""
    traceparent: str = ""


class RelayAdvanced(Fact, frozen=True, gc=False):
    """All shared messages up to a position were sent to the other logs. Key: the relay."""

    type: ClassVar[str] = "relay.advanced"

    position: int


RELAY_FACTS: tuple[type[Fact], ...] = (MessageArrived, RelayAdvanced)
"""All of them."""

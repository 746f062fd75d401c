"""Full topics close the door of the handlers that say they publish on them (QF-6, AD-2)."""

from collections.abc import Iterable
from typing import Protocol

from runtime.ingress.arriving import Refused
from runtime.timescape import Refusal


class Queues(Protocol):
    """How full topics are."""

    def first_full(self, topics: Iterable[str]) -> str | None:
        """Return the first of *topics* that has no room for a message; None: all have."""
        ...


def refuse_full(queues: Queues, topics: Iterable[str]) -> None:
    """Refuse a request whose handler could not publish.

    Raises:
        Refused: 503 `queue-full`; it names the topic.
    """
    topic = queues.first_full(topics)
    if topic is not None:
        refusal = Refusal(
            503, "queue-full", f"The topic {topic} has no room for a message.",
            "Send it again after the time in Retry-After.", {"topic": topic},
        )  # fmt: skip
        raise Refused(refusal, (("retry-after", "1"),))

"""What is read off the queues of a runtime when somebody looks (OB-3)."""

from runtime.delivery import Fabric
from runtime.telemetry import Metrics


class QueueGauges:
    """Keeps them. What it tells is the log's: each process that serves from it says the same.

    Args:
        metrics: where to.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._depth = metrics.gauge(
            "timescape_queue_depth", about="Messages a subscriber has not settled, by topic."
        )
        self._messages = metrics.counter(
            "timescape_queue_messages_total",
            about="Messages of subscribers, by what became of them; refused ones never came in.",
        )

    def look(self, queues: Fabric) -> None:
        """Bring them up to date; on the app's event loop."""
        for name, inbox in queues.inboxes.items():
            for topic, (depth, _) in inbox.topics.items():
                self._depth.set(depth, subscriber=name, topic=topic)
            counts = inbox.counts
            self._count(counts.accepted, outcome="accepted", subscriber=name)
            self._count(counts.acknowledged, outcome="acknowledged", subscriber=name)
            self._count(counts.expired, outcome="expired", subscriber=name)
            self._count(counts.dead, outcome="dead", subscriber=name)
            self._count(counts.retried, outcome="retried", subscriber=name)
        self._count(queues.desk.refused, outcome="refused")

    def _count(self, total: int, **labels: str) -> None:
        self._messages.add(max(total - self._messages.read(**labels), 0), **labels)

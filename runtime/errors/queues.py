"""What topics and subscribers refuse."""

from typing import Self

from runtime.errors.registration import RegistrationError
from runtime.errors.root import TimescapeError


class TopicNameError(RegistrationError, ValueError):
    """Text that is no name of a topic, or no pattern of names (QF-1)."""

    code = "RT901"


class TopicError(RegistrationError):
    """A topic or subscriber that cannot be as it is declared (QF-1)."""

    code = "RT902"


class UnknownTopicError(TimescapeError, LookupError):
    """Nobody declared such a topic (QF-1)."""

    code = "RT903"


class MessageTypeError(TimescapeError, TypeError):
    """A payload that is not of its topic's type, or an option that cannot be (QF-1)."""

    code = "RT904"


class QueueFullError(TimescapeError):
    """There is no room for a message; unhandled it answers 503 (QF-6)."""

    code = "RT905"
    topic: str = ""
    """Or the subscriber, where it is its own bound."""
    depth: int = 0
    """Messages, or bytes, that are there."""
    limit: int = 0
    percent: int = 0
    """Of the limit."""

    def __init__(self, topic: str, depth: int, limit: int, percent: int) -> None:
        self.topic = topic
        self.depth = depth
        self.limit = limit
        self.percent = percent
        super().__init__(
            f"{topic} is full: {depth} of {limit}, {percent} %.",
            "Publish again later; a subscriber has to catch up.",
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, int, int, int]]:  # type: ignore[override]
        return type(self), (self.topic, self.depth, self.limit, self.percent)


class ResultTimeoutError(TimescapeError, TimeoutError):
    """No subscriber answered a message in time (QF-12); a later answer stays in the log."""

    code = "RT907"
    topic: str = ""
    seconds: float = 0.0

    def __init__(self, topic: str, seconds: float) -> None:
        self.topic = topic
        self.seconds = seconds
        super().__init__(
            f"No subscriber of {topic} answered within {seconds:g} s.",
            "Wait longer, or see with `timescape queue` what keeps them.",
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, float]]:  # type: ignore[override]
        return type(self), (self.topic, self.seconds)


class Reject(TimescapeError):
    """Raise it in a subscriber for a message that no further attempt can help (QF-10)."""

    code = "RT906"
    reason: str = ""
    """Kept with the dead letter: keep secrets out."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:  # type: ignore[override]
        return type(self), (self.reason,)

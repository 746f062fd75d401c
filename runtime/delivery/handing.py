"""What a subscriber is handed at one time: a message, or several where it takes them so. Pure."""

from collections.abc import Callable, Sequence

import msgspec

from eventstore import StreamId, Ticket
from runtime.messages import Received
from runtime.queue import METHOD, Message, envelope, envelope_of_many

MOST_BYTES = 1024 * 1024
"""Of the payloads of several messages that are handed together."""


class Handful(msgspec.Struct, frozen=True):
    """Messages that one delivery is about; several are of one topic, and tried the first time."""

    messages: tuple[Message, ...]
    attempt: int


class Claim(msgspec.Struct):
    """What a subscriber is about to work on."""

    subscriber: str
    chosen: Sequence[Handful]
    expired: tuple[Message, ...]
    ticket: Ticket | None = None
    """Of the commit that says so; None: none of them is durable."""

    @property
    def messages(self) -> list[Message]:
        """All that were taken."""
        return [*(m for each in self.chosen for m in each.messages), *self.expired]


def handfuls(
    chosen: Sequence[tuple[Message, int]], batch: int, attempts: Callable[[Message], int]
) -> list[Handful]:
    """Put together what may be handed together, in the order in which it was chosen.

    What failed before is handed alone: whatever it fails at, it takes no other with it. So is
    what is tried but once, and what somebody waits for the result of.

    Args:
        chosen: messages, with the number of the attempt.
        batch: how many may be handed together.
        attempts: how often a message is tried.
    """
    if batch == 1:
        return [Handful((message,), attempt) for message, attempt in chosen]
    made: list[Handful] = []
    open_: dict[str, list[Message]] = {}
    sizes: dict[str, int] = {}
    for message, attempt in chosen:
        if attempt > 1 or message.reply_to or attempts(message) == 1:
            made.append(Handful((message,), attempt))
            continue
        topic = message.topic
        held = open_.get(topic)
        size = sizes.get(topic, 0) + len(message.payload)
        if held is None or len(held) == batch or size > MOST_BYTES:
            if held is not None:
                made.append(Handful(tuple(held), 1))
            held, size = open_.setdefault(topic, []), len(message.payload)
            held.clear()
        held.append(message)
        sizes[topic] = size
    return made + [Handful(tuple(held), 1) for held in open_.values()]


def received_for(
    handful: Handful, subscriber: str, *, is_list: bool, attempts: int, stream: StreamId,
    now_us: int, ratio: float,
) -> Received:  # fmt: skip
    """Return the request that a delivery is.

    Args:
        handful: what it is about.
        subscriber: to whom.
        is_list: whether that takes lists of payloads, also of one.
        attempts: how often they are tried at most.
        stream: of the delivery.
        now_us: the time.
        ratio: of the traces that are exported, where no caller decides.
    """
    first, *more = handful.messages
    if more:
        headers = envelope_of_many(handful.messages, subscriber, handful.attempt, attempts)
    else:
        headers = envelope(first, subscriber, handful.attempt, attempts, ratio)
    body = first.payload
    if is_list:
        body = b"[" + b",".join(each.payload for each in handful.messages) + b"]"
    return Received(
        stream=stream,
        method=METHOD,
        path=f"/{first.topic}",
        received_us=now_us,
        headers=headers,
        body=body,
        client="queue",
        trace_id="" if more else first.trace_id,
        parent_span_id=None if more else first.span_id or None,
        correlation_id=None if more else first.request or None,
    )

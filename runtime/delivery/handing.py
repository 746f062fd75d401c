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
    piles: dict[str, _Pile] = {}
    for message, attempt in chosen:
        pile = piles.get(message.topic)
        if pile is None:
            pile = piles[message.topic] = _Pile(attempts(message) == 1)
        if attempt > 1 or pile.is_tried_once or message.reply_to:
            made.append(Handful((message,), attempt))
            continue
        size = pile.size + len(message.payload)
        if len(pile.messages) == batch or (size > MOST_BYTES and pile.messages):
            made.append(Handful(tuple(pile.messages), 1))
            pile.messages.clear()
            size = len(message.payload)
        pile.messages.append(message)
        pile.size = size
    return made + [Handful(tuple(each.messages), 1) for each in piles.values() if each.messages]


class _Pile:
    """Messages of a topic that are to be handed together."""

    __slots__ = ("is_tried_once", "messages", "size")

    def __init__(self, is_tried_once: bool) -> None:  # noqa: FBT001 - its only one
        self.is_tried_once = is_tried_once
        self.messages: list[Message] = []
        self.size = 0


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

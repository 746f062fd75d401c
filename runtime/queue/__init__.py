"""Messages and who takes them: names, envelopes, inboxes, bounds, and the fold. Pure."""

from runtime.queue.bounds import Full, Room
from runtime.queue.folding import CRASH, Letter, QueueFold
from runtime.queue.inbox import Counts, Inbox, Taken
from runtime.queue.messages import (
    METHOD,
    Delivery,
    Message,
    delivery_of,
    envelope,
    envelope_of_many,
)
from runtime.queue.names import check_pattern, check_topic_name, matcher
from runtime.queue.publication import (
    Asked,
    Options,
    check_priority,
    check_timeout,
    check_ttl,
    publication,
    publications,
)
from runtime.queue.standing import (
    KIND,
    Standing,
    dead_stream,
    standing_of,
    subscriber_stream,
)
from runtime.queue.topics import Offer, Subscriber, Topic, WhenFull, find_topic

__all__ = [
    "CRASH",
    "KIND",
    "METHOD",
    "Asked",
    "Counts",
    "Delivery",
    "Full",
    "Inbox",
    "Letter",
    "Message",
    "Offer",
    "Options",
    "QueueFold",
    "Room",
    "Standing",
    "Subscriber",
    "Taken",
    "Topic",
    "WhenFull",
    "check_pattern",
    "check_priority",
    "check_timeout",
    "check_topic_name",
    "check_ttl",
    "dead_stream",
    "delivery_of",
    "envelope",
    "envelope_of_many",
    "find_topic",
    "matcher",
    "publication",
    "publications",
    "standing_of",
    "subscriber_stream",
]

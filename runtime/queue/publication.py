"""What is said of a message when it is published, and the fact it becomes. Pure."""

from collections.abc import Sequence

import msgspec

from runtime.errors import MessageTypeError
from runtime.queue.topics import Offer, Topic
from runtime.queue_facts import MessagePublished

MAX_PAYLOAD = 1024 * 1024
"""Bytes of JSON that a message may have."""
_KEY_BYTES = 256
_decode = msgspec.json.Decoder().decode


class Options(msgspec.Struct, frozen=True):
    """What a publisher may say of a message besides its payload; None: as the topic says."""

    key: str | None = None
    priority: int | None = None
    ttl_s: float | None = None
    when: str = "success"


class Asked(msgspec.Struct, frozen=True):
    """A message whose result somebody waits for."""

    offer: Offer
    fact: MessagePublished
    timeout_s: float


def publication(topic: Topic, raw: bytes, options: Options) -> MessagePublished:
    """Return the fact of a message; see `publications`."""
    return publications(topic, (raw,), options)[0]


def publications(topic: Topic, raws: Sequence[bytes], options: Options) -> list[MessagePublished]:
    """Return the facts of messages.

    Args:
        topic: of them.
        raws: their payloads, as the topic wrote them.
        options: of each.

    Raises:
        MessageTypeError: an option that cannot be, or a payload of more than 1 MiB.
    """
    _check(options)
    size = max(map(len, raws), default=0)
    if size > MAX_PAYLOAD:
        msg = f"A message of {topic.name} has {size} bytes, the limit is {MAX_PAYLOAD}."
        raise MessageTypeError(msg, "Keep large data elsewhere and its address in the message.")
    priority = topic.priority if options.priority is None else options.priority
    check_priority(priority)
    ttl_s = topic.ttl_s if options.ttl_s is None else float(options.ttl_s)
    always = options.when == "always"
    return [
        MessagePublished(_decode(raw), options.key, priority, ttl_s, always, topic.durable)
        for raw in raws
    ]


def _check(options: Options) -> None:
    if options.ttl_s is not None:
        check_ttl(options.ttl_s)
    if options.key is not None and not _is_key(options.key):
        msg = "A key is text of 1 to 256 bytes."
        raise MessageTypeError(msg, "Use another, or none.")
    if options.when not in {"success", "always"}:
        msg = f"when={options.when!r:.80} is not known."
        raise MessageTypeError(msg, 'Write "success" or "always".')


def check_priority(priority: object) -> None:
    """Refuse what is no priority.

    Raises:
        MessageTypeError: names it.
    """
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 10:
        msg = f"priority={priority!r:.80} is none."
        raise MessageTypeError(msg, "Write a whole number from 0 to 10.")


def check_ttl(seconds: object) -> None:
    """Refuse what is no time to live.

    Raises:
        MessageTypeError: names it.
    """
    _check_seconds("ttl", seconds)


def check_timeout(seconds: object) -> None:
    """Refuse what is no time to wait for.

    Raises:
        MessageTypeError: names it.
    """
    _check_seconds("timeout", seconds)


def _check_seconds(what: str, seconds: object) -> None:
    good = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not good or not 0 < seconds < 1e9:  # type: ignore[operator]
        msg = f"{what}={seconds!r:.80} is none."
        raise MessageTypeError(msg, "Write seconds, above 0.")


def _is_key(key: object) -> bool:
    return isinstance(key, str) and 0 < len(key) <= _KEY_BYTES and _is_clean(key)


def _is_clean(key: str) -> bool:
    try:
        return "\0" not in key and len(key.encode()) <= _KEY_BYTES
    except UnicodeEncodeError:
        return False

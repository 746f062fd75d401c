"""Idempotency keys: what a second request with the same key gets (IK-1 to IK-4).

Source: draft-ietf-httpapi-idempotency-key-header. The log is the store: who holds a key is
the last fact of the key's own stream, and what came of it is in the holder's.
"""

import enum
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from eventstore import Event
from runtime.facts import (
    CompensationCancelled,
    CompensationFailed,
    CompensationRan,
    CompensationRegistered,
    RequestAborted,
    ResponseSent,
)
from runtime.policy_facts import IdempotencyClaimed
from runtime.timescape import Refusal

KEPT_US: Final = 24 * 3_600 * 1_000_000
"""How long a key is kept."""
_LONGEST: Final = 255
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_QUOTED: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')


class Claim(msgspec.Struct, frozen=True):
    """Who holds a key."""

    request: str
    """Its id, `req-…`."""
    fingerprint: str
    at_us: int
    node: str = ""
    """That runs it, where several serve from the log."""


class First(msgspec.Struct, frozen=True):
    """What came of the request that holds a key, as its stream tells."""

    sent: ResponseSent | None = None
    """None: it has not answered, or nobody knows."""
    undone: bool = True
    """Whether every compensation that was registered ran, or was dropped."""
    aborted: str | None = None
    """Why it ended without an answer."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.sent is not None or self.aborted is not None


class Judged(enum.Enum):
    """What the next request with a key gets."""

    TAKES = "takes"
    """The key is free: the request takes it and runs."""
    AGAIN = "again"
    """The recorded answer."""
    REUSED = "reused"
    RUNNING = "running"
    GONE = "gone"
    UNKNOWN = "unknown"


def read_key(text: str) -> str | None:
    """Read the field, quoted or bare; None: it is malformed (IK-1)."""
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    good = _VISIBLE.fullmatch(key) is not None and len(key) <= _LONGEST
    return key if good and (quoted or '"' not in key) else None


def fingerprint(method: str, target: bytes, selectors: Iterable[str], body: bytes) -> str:
    """Return what tells two requests with one key apart (IK-2)."""
    digest = hashlib.sha256()
    for part in (method.encode(), target, *(each.encode() for each in selectors)):
        digest.update(b"%d:" % len(part) + part)
    digest.update(b"body:" + body)
    return digest.hexdigest()


def claim_of(events: Sequence[Event]) -> Claim | None:
    """Return who holds a key, from the events of its stream; None: nobody."""
    last = events[-1] if events else None
    if last is None or not isinstance(last.data, IdempotencyClaimed):
        return None
    return Claim(last.key or "", last.data.fingerprint, last.at_us, last.data.node)


def first_of(events: Iterable[Event]) -> First:
    """Return what came of a request, from the events of its stream."""
    sent, aborted = None, None
    # What answers 5xx and goes well runs no compensation: then it is not undone either.
    to_undo: set[str | None] = set()
    for event in events:
        match event.data:
            case ResponseSent():
                sent = event.data
            case CompensationRegistered():
                to_undo.add(event.key)
            case CompensationRan() | CompensationCancelled():
                to_undo.discard(event.key)
            case CompensationFailed():
                to_undo.add(event.key)
            case RequestAborted():
                aborted = event.key or ""
            case _:
                pass
    return First(sent, not to_undo, aborted)


def judge(
    claim: Claim | None, first: First, asked: str, now_us: int, *, running: bool, whole: bool
) -> Judged:
    """Say what a request with a key gets.

    Args:
        claim: who holds the key; None: nobody.
        first: what came of that one.
        asked: the fingerprint of the request.
        now_us: when it came.
        running: whether the holder still runs.
        whole: whether the holder's answer was recorded whole.
    """
    if claim is None or (not running and _is_free(claim, first, now_us)):
        return Judged.TAKES
    if claim.fingerprint != asked:
        return Judged.REUSED
    if running:
        return Judged.RUNNING
    if first.sent is None or _failed(first.sent.status):
        return Judged.UNKNOWN
    return Judged.AGAIN if whole else Judged.GONE


def _is_free(claim: Claim, first: First, now_us: int) -> bool:
    """Say whether the key is held no more: too old, or its request came to nothing."""
    if now_us >= claim.at_us + KEPT_US:
        return True
    if not first.undone:
        return False
    if first.sent is not None:
        return _failed(first.sent.status)
    return first.aborted is not None and first.aborted != "crash"


def _failed(status: int) -> bool:
    return status in {408, 429} or status >= 500


REFUSALS: Final = {
    Judged.REUSED: Refusal(
        422,
        "idempotency-key-reused",
        "The key was sent before with another request.",
        "Use a new key for each request; repeat a request byte by byte.",
    ),
    Judged.RUNNING: Refusal(
        409,
        "idempotency-in-flight",
        "The first request with this key is still running.",
        "Send it again after the time in Retry-After.",
    ),
    Judged.GONE: Refusal(
        409,
        "idempotency-answer-gone",
        "The request was done; its answer was not recorded whole.",
        "Ask for the outcome in another way; do not repeat it.",
    ),
    Judged.UNKNOWN: Refusal(
        409,
        "idempotency-outcome-unknown",
        "Whether the first request with this key was done is not known.",
        "Give the id in Original-Request-Id to whoever runs this service.",
    ),
}
MALFORMED: Final = Refusal(
    400,
    "idempotency-key-malformed",
    "Idempotency-Key is not 1 to 255 visible ASCII characters.",
    "Send a UUID, for example.",
)
MISSING: Final = Refusal(
    400, "idempotency-key-required", "This needs an Idempotency-Key.", "Send a new one, a UUID."
)

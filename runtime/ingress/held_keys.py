"""Idempotency keys whose outcome nobody knows: to be found, and to be given free (IK-4).

A request that crashed, or that could not be undone, keeps its key: to run it again might do
twice what was done once. Only a person can find out, elsewhere, and say so here.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from eventstore import Event, NewEvent, Row, Store, StreamId
from runtime.context import IDEMPOTENCY
from runtime.errors import NoSuchKeyError
from runtime.facts import RequestReceived
from runtime.policies import Claim, First, Judged, judge
from runtime.policies.keys import KEPT_US, claim_of, first_of
from runtime.policy_facts import IdempotencyReleased
from runtime.request_ids import same_request, stream_of

Why: TypeAlias = Literal["crashed", "not-undone", "unfinished"]
"""crashed: its process went; not-undone: it failed, and a compensation did, too; unfinished:
nothing says how it ended, so it may still run."""


class HeldKey(msgspec.Struct, frozen=True):
    """A key that waits for an operator."""

    stream: StreamId
    """Of the key."""
    revision: int
    """Of that stream."""
    claim: Claim
    """Who holds it, and since when."""
    why: Why
    handler: str
    """Of the request, if its stream tells; else ``."""


def held_keys(store: Store, now_us: int) -> Iterator[HeldKey]:
    """Give the keys whose outcome is not known, the newest first.

    Raises:
        EventStoreError: the log cannot be read.
    """
    seen: set[StreamId] = set()
    for row in _rows(store):
        if row.at_us <= now_us - KEPT_US:
            return
        if row.stream not in seen:
            seen.add(row.stream)
            found = _held(store, row, now_us)
            if found is not None:
                yield found


def release(store: Store, request: str, *, by: str, reason: str, now_us: int) -> None:
    """Give the key free that *request* holds, durably.

    Raises:
        NoSuchKeyError: it holds none.
        EventStoreError: the log cannot be read or written.
    """
    stream, revision = _held_by(store, request)
    fact = IdempotencyReleased(by, reason)
    event = NewEvent(fact.type, fact, request, now_us)
    store.append(stream, [event], kind=IDEMPOTENCY.name, expected=revision).result()


def _rows(store: Store) -> Iterator[Row]:
    before: int | None = None
    while rows := store.read_log(before=before, kinds=(IDEMPOTENCY.name,), newest_first=True):
        yield from rows
        before = rows[-1].position


def _held(store: Store, row: Row, now_us: int) -> HeldKey | None:
    claim = claim_of(row.events)
    if claim is None:
        return None
    events = list(store.read(stream_of(claim.request)))
    first = first_of(events)
    if judge(claim, first, claim.fingerprint, now_us, running=False, whole=True) is not (
        Judged.UNKNOWN
    ):
        return None
    revision = row.events[-1].revision
    return HeldKey(row.stream, revision, claim, _why(first), _handler_of(events))


def _why(first: First) -> Why:
    if first.sent is not None:
        return "not-undone"
    return "unfinished" if first.aborted is None else "crashed"


def _handler_of(events: list[Event]) -> str:
    received = events[0].data if events else None
    return received.handler if isinstance(received, RequestReceived) else ""


def _held_by(store: Store, request: str) -> tuple[StreamId, int]:
    for row in _rows(store):
        claim = claim_of(row.events)
        if claim is not None and same_request(claim.request, request):
            events = list(store.read(row.stream))
            if claim_of(events) == claim:
                return row.stream, len(events)
    msg = f"{request[:80]} holds no idempotency key."
    raise NoSuchKeyError(
        msg, "`timescape keys` lists those that do; so does Original-Request-Id of a 409."
    )

"""Who holds which idempotency key: one stream of the log for each (IK-2, IK-3).

A key's stream has an id made of caller, handler and key, so that no index is needed: whoever
appends its first event has it. What came of the holder is read from the holder's own stream.
"""

import hashlib

import msgspec

from eventstore import NEW, EventStoreError, NewEvent, Store, StreamId, named_stream
from eventstore.redaction import HASHED
from runtime.context import IDEMPOTENCY
from runtime.effects import Workers
from runtime.errors import NoSuchKeyError
from runtime.facts import Json, ResponseSent
from runtime.ingress.held_keys import release
from runtime.messages import Answer
from runtime.policies import Claim, First, Judged, judge
from runtime.policies.keys import claim_of, first_of
from runtime.policy_facts import IdempotencyClaimed
from runtime.request_ids import same_request, stream_of

_ATTEMPTS = 4
_HIDDEN = ({"$redacted"}, {"$sealed"})
_encode = msgspec.json.Encoder().encode


class Asked(msgspec.Struct, frozen=True):
    """A request that wants a key."""

    caller: str
    request: str
    """Its id."""
    fingerprint: str
    at_us: int


class Held(msgspec.Struct, frozen=True):
    """What became of that."""

    judged: Judged
    stream: StreamId
    """Of the key."""
    request: str
    """Id of who holds it."""
    answer: Answer | None = None
    """What that one was answered, where it is to be answered again."""


class KeyHolders:
    """The holders of the keys of one app, in one log.

    Args:
        app: its name; two apps in one log do not see each other's keys.
        store: the log.
    """

    def __init__(self, app: str, store: Store) -> None:
        self._app = app
        self._store = store
        self._running: dict[str, Claim] = {}
        """Key's stream to who holds it and runs in this process."""
        self._nodes = store.nodes
        self._readers = Workers("timescape-keys", 2)

    def close(self) -> None:
        """Let go of the threads."""
        self._readers.close()

    def done(self, taken: str) -> None:
        """Note that a holder runs no more."""
        self._running.pop(taken, None)

    async def take(self, handler: str, key: str, asked: Asked) -> Held:
        """Give the key to the request, durably, if nobody has it.

        Raises:
            EventStoreError: the log cannot be read or written.
        """
        stream = self._stream(handler, key, asked.caller)
        holder = self._running.get(stream.hex)
        if holder is not None:
            nothing = First()
            judged = judge(
                holder, nothing, asked.fingerprint, asked.at_us, running=True, whole=True
            )
            return Held(judged, stream, holder.request)
        # Before the first pause: who comes meanwhile finds it running.
        self._running[stream.hex] = Claim(asked.request, asked.fingerprint, asked.at_us)
        held = None
        try:
            held = await self._take(stream, asked)
        finally:
            if held is None or held.judged is not Judged.TAKES:
                self.done(stream.hex)
        return held

    def _stream(self, handler: str, key: str, caller: str) -> StreamId:
        digest = hashlib.sha256()
        for part in (self._app, handler, caller, key):
            digest.update(f"{len(part)}:{part}".encode())
        return named_stream(IDEMPOTENCY.name, digest.hexdigest())

    async def _take(self, stream: StreamId, asked: Asked) -> Held:
        revision = NEW
        for _ in range(_ATTEMPTS):
            if await self._append(stream, asked, revision):
                return Held(Judged.TAKES, stream, asked.request)
            found: tuple[int, Held] = await self._readers.run(lambda: self._look(stream, asked))
            revision, held = found
            if held.judged is not Judged.TAKES:
                return held
        return Held(Judged.RUNNING, stream, asked.request)

    async def _append(self, stream: StreamId, asked: Asked, revision: int) -> bool:
        fact = IdempotencyClaimed(asked.fingerprint, "" if self._nodes is None else self._nodes.me)
        event = NewEvent(fact.type, fact, asked.request, asked.at_us)
        try:
            await self._store.append(
                stream, [event], kind=IDEMPOTENCY.name, expected=revision
            ).durable()
        except EventStoreError as error:
            if error.code != "wrong-revision":
                raise
            return False
        return True

    def _look(self, stream: StreamId, asked: Asked) -> tuple[int, Held]:
        """Return how far the key's stream is, and what its holder came to."""
        events = list(self._store.read(stream))
        claim = claim_of(events)
        request = asked.request if claim is None else claim.request
        first = First() if claim is None else first_of(self._store.read(stream_of(request)))
        answer = None if first.sent is None else answer_of(first.sent, request)
        judged = judge(
            claim,
            first,
            asked.fingerprint,
            asked.at_us,
            running=self._runs_elsewhere(claim, first),
            whole=answer is not None,
        )
        return len(events), Held(judged, stream, request, answer)

    def _runs_elsewhere(self, claim: Claim | None, first: First) -> bool:
        """Say whether another node may still be at it."""
        nodes = self._nodes
        if claim is None or nodes is None or claim.node in {"", nodes.me}:
            return False
        return not first.has_ended and claim.node in nodes.census().living

    def release(self, request: str, *, by: str, reason: str, now_us: int) -> None:
        """Give the key free that *request* holds, durably (IK-4).

        Raises:
            NoSuchKeyError: it holds none, or still runs.
            EventStoreError: the log cannot be written.
        """
        if any(same_request(claim.request, request) for claim in self._running.values()):
            msg = f"{request} still runs."
            raise NoSuchKeyError(msg, "Wait for its end.")
        release(self._store, request, by=by, reason=reason, now_us=now_us)


def answer_of(sent: ResponseSent, request: str) -> Answer | None:
    """Return what was sent, once more; None: it was not recorded whole."""
    body = b""
    if sent.body_size:
        if sent.body is None or not _is_plain(sent.body):
            return None
        body = _encode(sent.body)
        if len(body) != sent.body_size:
            return None
    said = (("idempotent-replayed", "?1"), ("original-request-id", request))
    return Answer(sent.status, (*sent.headers, *said), body)


def _is_plain(tree: Json) -> bool:
    """Say whether nothing of *tree* was hidden from the record."""
    if isinstance(tree, dict):
        return set(tree) not in _HIDDEN and all(map(_is_plain, tree.values()))
    if isinstance(tree, list):
        return all(map(_is_plain, tree))
    return not (isinstance(tree, str) and tree.startswith(HASHED))

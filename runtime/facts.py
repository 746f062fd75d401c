"""The vocabulary: everything that can happen to a request.

A fact is the payload of an event; the event's envelope holds the rest: when, which
line of user code, and its *key* (what it is about). Where a docstring says "key: …",
that value stands in the envelope and nowhere else; it is never empty. Names are part of
the stored format: a new field comes last and has a default, a new meaning is a new name.

Fields of type `Json` hold user values as `eventstore.values.encode` gives them.
No duration and no wall-clock time stands in a payload: equal runs have equal ones (EF-7).
"""

from typing import Any, ClassVar, TypeAlias

import msgspec

Json: TypeAlias = Any
"""Plain JSON data: None, bool, int, float, str, list, dict. Never changed once in a fact."""


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that happened to a request."""

    type: ClassVar[str]


class Failure(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An error, without its arguments, message or locals (HW-4)."""

    error: str
    """Name of the exception's class."""
    code: str | None = None
    """Our code, or the code of an `HttpError`."""
    message: str | None = None
    """Only of our own errors, of `HttpError`, and of an effect's of the module's own."""
    frames: tuple[str, ...] = ()
    """`file:line`, outermost first, of user code only; at most 20."""
    status: int | None = None
    """Of an `HttpError`: what it answers with."""


# --- the request arrives ---


class RequestReceived(Fact, frozen=True, gc=False):
    """An accepted request, its stream's first fact (IN-11). Key: the route; None if none fits."""

    type: ClassVar[str] = "request.received"

    method: str
    route: str
    """`POST /orders/{order_id:int}`; `` when no route fits."""
    handler: str
    """Handler id, such as `post-orders-order_id`; `` when no route fits."""
    path: str
    """As received, before percent-decoding."""
    seed: str
    """32 hex digits: `random()` and `uuid()` derive from it."""
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """Lower-case names; those that every app records, and those the app names."""
    params: dict[str, str] = {}
    """Path parameters, as text."""
    body: Json = None
    """The body as JSON, sensitive fields `{"$redacted":true}`, hashed or sealed."""
    body_size: int = 0
    """In bytes, as received."""
    body_digest: str = ""
    """SHA-256 of the bytes as received, hex; `` without body, or if part of it is hidden."""
    body_text: str | None = None
    """Of a body that is not JSON: at most 4 KiB of it, undecodable bytes escaped."""
    client: str = "unknown"
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str | None = None
    correlation_id: str | None = None
    timeout_s: float = 30.0  # the deadline, counted from this fact's time
    config: str = ""
    """Fingerprint of the config in force."""
    parent: str | None = None
    """Id of the request that this one is a fork of, with another input; None: of none."""
    priority: int = 5  # from 0 to 10, as in force
    flags: tuple[str, ...] = ()
    selectors: tuple[tuple[str, str], ...] = ()
    """Of a version: where each stood, and its text."""
    scheme: str = ""  # that the client used, as a trusted proxy tells it
    host: str = ""  # that the client named, likewise
    node: str = ""  # that runs it, where several serve from the log
    withheld: tuple[str, ...] = ()  # names of the other headers, whose values are not kept
    prefix: str = "req"  # of its id


class PrincipalEstablished(Fact, frozen=True, gc=False):
    """Who asks; of a credential its id, of times seconds since 1970. Key: the principal's id."""

    type: ClassVar[str] = "principal.established"

    kind: str = "anonymous"
    roles: tuple[str, ...] = ()
    issuer: str = ""
    scopes: tuple[str, ...] = ()
    tenant: str | None = None
    credential: str | None = None
    auth_time: float | None = None
    expires: float | None = None
    ceiling: int = 5


class VersionResolved(Fact, frozen=True, gc=False):
    """Which version of the handler runs. Key: the version id; None if refused."""

    type: ClassVar[str] = "version.resolved"

    edition: str | None = None
    source: str = "default"
    """query, header, datetime, pin, split, default or latest."""
    asked: str | None = None
    error: str | None = None
    table: int = 0  # position of the last control fact that was known then
    bucket: int | None = None
    contract: str | None = None  # what the caller speaks, where another version runs
    chain: tuple[str, ...] = ()  # fingerprints of the transformers between the two


class PhaseChanged(Fact, frozen=True, gc=False):
    """The request entered a phase that no other fact carries (LC-10). Key: the phase."""

    type: ClassVar[str] = "phase.changed"


class Issue(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One fault of a value: where and what, never the value itself (GT-10)."""

    path: str
    """RFC 6901 pointer; `` is the root."""
    code: str
    expected: str
    actual: str
    message: str


class ValidationFailed(Fact, frozen=True, gc=False):
    """The request or the answer does not conform. Key: `request` or `response`."""

    type: ClassVar[str] = "validation.failed"

    issues: tuple[Issue, ...] = ()
    truncated: bool = False


# --- hooks and handler; key: the hook id, the handler id ---


class HookRegistered(Fact, frozen=True, gc=False):
    """A running request added a local hook."""

    type: ClassVar[str] = "hook.registered"

    kind: str
    """before, after or catch."""
    level: str = "local"


class HookStarted(Fact, frozen=True, gc=False):
    """An attempt of a hook began."""

    type: ClassVar[str] = "hook.started"

    kind: str
    level: str
    """global, route or local."""
    attempt: int = 1


class HookEnded(Fact, frozen=True, gc=False):
    """The last started hook ended well."""

    type: ClassVar[str] = "hook.ended"

    kind: str


class HookFailed(Fact, frozen=True, gc=False):
    """The last started hook failed; the next attempt comes after *wait_s*, drawn by the seed."""

    type: ClassVar[str] = "hook.failed"

    kind: str
    failure: Failure
    attempt: int = 1
    of: int = 1
    will_retry: bool = False
    wait_s: float = 0.0


class HandlerStarted(Fact, frozen=True, gc=False):
    """The handler began; the phase is `processing`."""

    type: ClassVar[str] = "handler.started"


class HandlerEnded(Fact, frozen=True, gc=False):
    """The handler returned."""

    type: ClassVar[str] = "handler.ended"


class HandlerFailed(Fact, frozen=True, gc=False):
    """The handler raised or was cancelled."""

    type: ClassVar[str] = "handler.failed"

    failure: Failure


class ListenerFailed(Fact, frozen=True, gc=False):
    """A listener raised; it changes nothing. Key: its id."""

    type: ClassVar[str] = "listener.failed"

    kind: str
    """phase, timeout, error, topic."""
    failure: Failure


# --- the context; key: the context key ---


class ContextSet(Fact, frozen=True, gc=False):
    """A key was set."""

    type: ClassVar[str] = "context.set"

    value: Json


class Change(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One operation of a patch (SN-5) on plain JSON data."""

    op: str
    """add, remove, replace, splice."""
    path: tuple[str | int, ...]
    """Keys and indices into the encoded value; () is the value itself."""
    value: Json = None
    """add, replace: the new value. splice: the list of items put in."""
    remove: int = 0
    """splice: how many items go, from the index that ends the path."""


class ContextEdited(Fact, frozen=True, gc=False):
    """A value was edited as a draft, or at a fork, or at a *gate* by whom *by* says."""

    type: ClassVar[str] = "context.edited"

    patch: tuple[Change, ...]
    created: bool = False
    """The key was absent: `default` is the value the patch is applied to."""
    default: Json = None
    origin: str | None = None
    """fork, gate; None: the handler."""
    gate: str | None = None
    by: str | None = None


class ContextDeleted(Fact, frozen=True, gc=False):
    """A key was removed."""

    type: ClassVar[str] = "context.deleted"

    origin: str | None = None
    """fork; None: the handler."""


class ContextCleaned(Fact, frozen=True, gc=False):
    """All user keys were removed."""

    type: ClassVar[str] = "context.cleaned"


class ContextSnapshotted(Fact, frozen=True, gc=False):
    """The moment before this fact got a name. Key: the name."""

    type: ClassVar[str] = "context.snapshotted"


class ContextRestored(Fact, frozen=True, gc=False):
    """User state went back to a moment. Key: the snapshot's name or id."""

    type: ClassVar[str] = "context.restored"

    revision: int
    """Of the moment."""
    patch: tuple[Change, ...] = ()
    """From the state before to the state of the moment; paths begin with the key."""
    origin: str | None = None
    """fork: written by a restore of an ended request."""
    by: str | None = None
    """Who asked, where that is not the handler."""
    reason: str | None = None


# --- effects; key: the name, such as `pricing.quote` ---


class EffectRequested(Fact, frozen=True, gc=False):
    """The handler asked the outside."""

    type: ClassVar[str] = "effect.requested"

    n: int
    """Number in the stream, from 1; the answer has the same."""
    kind: str
    """now, random, uuid, sleep, module, secret."""
    args: Json = None
    live: bool = False
    """Whether a re-execution asked the world, because it was told to."""


class EffectReturned(Fact, frozen=True, gc=False):
    """The outside answered."""

    type: ClassVar[str] = "effect.returned"

    n: int
    value: Json = None
    attempts: int = 1
    """How often a module was called until it answered."""


class EffectFailed(Fact, frozen=True, gc=False):
    """The outside refused or failed."""

    type: ClassVar[str] = "effect.failed"

    n: int
    failure: Failure
    attempts: int = 1


class EventPublished(Fact, frozen=True, gc=False):
    """The request published on one of its own topics. Key: the topic; `log` for log lines."""

    type: ClassVar[str] = "event.published"

    payload: Json = None


class CapabilityDenied(Fact, frozen=True, gc=False):
    """A handler or a module asked for what it may not have. Key: what it asked for."""

    type: ClassVar[str] = "capability.denied"
    module: str
    capability: str
    operation: str
    request: str = ""
    """In whose service a module asked."""


# --- compensations and cleanups; key: the id ---


class CompensationRegistered(Fact, frozen=True, gc=False):
    """To be undone if the request fails, with *retries* and a *backoff*: initial, factor, cap."""

    type: ClassVar[str] = "compensation.registered"

    name: str
    args: Json = None
    module: bool = False
    """Whether *name* is a method of a module: after a crash it is called all the same."""
    retries: int = 0
    backoff: tuple[float, float, float] | None = None


class CompensationRan(Fact, frozen=True, gc=False):
    """Undone."""

    type: ClassVar[str] = "compensation.ran"


class CompensationFailed(Fact, frozen=True, gc=False):
    """Could not be undone."""

    type: ClassVar[str] = "compensation.failed"

    failure: Failure | None = None
    reason: str = "error"
    """error, or not-recoverable: only the process that has gone could have run it."""


class CompensationCancelled(Fact, frozen=True, gc=False):
    """The request dropped it: there is nothing left to undo."""

    type: ClassVar[str] = "compensation.cancelled"


class CleanupRan(Fact, frozen=True, gc=False):
    """A cleanup ended well."""

    type: ClassVar[str] = "cleanup.ran"


class CleanupFailed(Fact, frozen=True, gc=False):
    """A cleanup failed; the next runs all the same."""

    type: ClassVar[str] = "cleanup.failed"

    failure: Failure


# --- the end ---


class RequestTimedOut(Fact, frozen=True, gc=False):
    """The deadline passed; the failure path follows."""

    type: ClassVar[str] = "request.timed_out"

    timeout_s: float


class RequestAborted(Fact, frozen=True, gc=False):
    """The request ended without an answer; last fact of its stream. Key: the reason."""

    type: ClassVar[str] = "request.aborted"


class ResponseSent(Fact, frozen=True, gc=False):
    """The answer, as handed to the server; last fact of its stream. Key: the status."""

    type: ClassVar[str] = "response.sent"

    status: int
    code: str | None = None
    """Problem code of an error answer."""
    headers: tuple[tuple[str, str], ...] = ()
    body: Json = None
    """The body as JSON, sensitive fields hidden as in `request.received`."""
    body_size: int = 0
    delivered: bool = True


REQUEST_FACTS: tuple[type[Fact], ...] = (
    RequestReceived, PrincipalEstablished, VersionResolved, PhaseChanged, ValidationFailed,
    HookRegistered, HookStarted, HookEnded, HookFailed, HandlerStarted, HandlerEnded, HandlerFailed,
    ListenerFailed, ContextSet, ContextEdited, ContextDeleted, ContextCleaned, ContextSnapshotted,
    ContextRestored, EffectRequested, EffectReturned, EffectFailed, EventPublished,
    CapabilityDenied, CompensationRegistered, CompensationRan, CompensationFailed,
    CompensationCancelled, CleanupRan, CleanupFailed, RequestTimedOut, RequestAborted, ResponseSent,
)  # fmt: skip
"""All that may stand in a request's stream."""

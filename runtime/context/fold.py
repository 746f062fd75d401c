"""Turn the facts of a request into its state.

Live requests, restores, the debugger and the tests all go through `Folding`: it reads
no clock, file or global, so equal facts always give equal states.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from eventstore import Event, OfUnknown
from runtime import facts, queue_facts
from runtime.context import phases
from runtime.context.patch import patch
from runtime.context.state import (
    Compensation,
    PendingEffect,
    RequestState,
    Span,
    state_bytes,
    state_from_bytes,
)
from runtime.errors import PatchError
from runtime.facts import Json
from runtime.gate_facts import GATE_FACTS, GateHit, GateReleased
from runtime.policy_facts import POLICY_FACTS, PolicyDecided
from runtime.transform_facts import TRANSFORM_FACTS, TransformApplied, VersionPlaced
from runtime.undo_facts import UNDO_FACTS, CompensationRetried


class Folding:
    """A fold under way: what the facts added so far have made.

    Adding a fact costs what the fact changes, not what the state holds, and `state`
    is made when it is asked for. Others read the attributes and never write them.
    """

    __slots__ = (
        "_shared", "_state", "at_us", "compensations", "edition", "effects", "failure", "handler",
        "method", "pending", "phase", "policy", "principal", "revision", "route", "site",
        "snapshots", "span", "started_us", "status", "terminal", "timed_out", "values", "version",
    )  # fmt: skip

    def __init__(self, start: RequestState | None = None) -> None:
        state = _INITIAL if start is None else start
        self._state: RequestState | None = state
        # Values may be many: they are copied before the first write to them, not here.
        self._shared = True
        self.values: Mapping[str, Any] = state.values
        self.pending = dict(state.pending)
        self.snapshots = dict(state.snapshots)
        self.compensations = {each.id: each for each in state.compensations}
        self.at_us = 0
        self.phase = state.phase
        self.method = state.method
        self.route = state.route
        self.handler = state.handler
        self.version = state.version
        self.edition = state.edition
        self.principal = state.principal
        self.policy = state.policy
        self.span = state.span
        self.site = state.site
        self.effects = state.effects
        self.failure = state.failure
        self.timed_out = state.timed_out
        self.status = state.status
        self.terminal = state.terminal
        self.revision = state.revision
        self.started_us = state.started_us

    def add(
        self, fact: object, key: str | None, revision: int, at_us: int, site: str | None = None
    ) -> None:
        """Go on by one fact; one of an unknown class only moves revision and line."""
        self._state = None
        self.revision = revision
        self.at_us = at_us
        if site is not None:
            self.site = site
        effect = EFFECTS.get(type(fact))
        if effect is not None:
            effect(self, fact, key or "")

    def own_values(self) -> dict[str, Any]:
        """Return the values for a fact's effect to write."""
        if self._shared:
            self._shared = False
            self.values = dict(self.values)
        return self.values  # type: ignore[return-value]

    @property
    def state(self) -> RequestState:
        """The state now, which later facts leave as it is."""
        if self._state is None:
            self._shared = True
            self._state = RequestState(
                values=MappingProxyType(self.values) if self.values else _EMPTY,
                phase=self.phase,
                method=self.method,
                route=self.route,
                handler=self.handler,
                version=self.version,
                edition=self.edition,
                principal=self.principal,
                policy=self.policy,
                span=self.span,
                site=self.site,
                pending=MappingProxyType(dict(self.pending)) if self.pending else _EMPTY,
                effects=self.effects,
                compensations=tuple(self.compensations.values()),
                snapshots=MappingProxyType(dict(self.snapshots)) if self.snapshots else _EMPTY,
                failure=self.failure,
                timed_out=self.timed_out,
                status=self.status,
                terminal=self.terminal,
                revision=self.revision,
                started_us=self.started_us,
            )
        return self._state


class RequestReducer:
    """The fold of request streams, for stores; see `eventstore.Keepable`."""

    name = "request"
    version = 2
    types = frozenset(
        fact.type
        for fact in (
            facts.REQUEST_FACTS
            + UNDO_FACTS
            + POLICY_FACTS
            + TRANSFORM_FACTS
            + queue_facts.DELIVERY_FACTS
            + GATE_FACTS
        )
    )
    # A newer program's fact must not hide the rest of a request: it moves the revision on.
    unknown: OfUnknown = "skip"

    def initial(self) -> RequestState:
        """Return the state before the first fact."""
        return _INITIAL

    def apply(self, state: RequestState, event: Event) -> RequestState:
        """Return the state after *event*."""
        return self.apply_all(state, (event,))

    def apply_all(self, state: RequestState, events: Iterable[Event]) -> RequestState:
        """Return the state after *events*, in time linear in their number."""
        folding = Folding(state)
        add = folding.add
        for event in events:
            add(event.data, event.key, event.revision, event.at_us, event.site)
        return folding.state

    def dump(self, state: RequestState) -> bytes:
        """Return *state* as JSON."""
        return state_bytes(state)

    def load(self, data: bytes) -> RequestState:
        """Return the state that `dump` was given."""
        return state_from_bytes(data)


REQUEST_REDUCER = RequestReducer()

_EMPTY: Mapping[Any, Any] = MappingProxyType({})
_REDACTED: Json = {"$redacted": True}
_INITIAL = RequestState(values=_EMPTY, pending=_EMPTY, snapshots=_EMPTY)


# --- what each fact does; `key` is the envelope's, `` for none ---


def _nothing(state: Folding, fact: facts.Fact, key: str) -> None:
    """Only revision and line move."""


def _request_received(state: Folding, fact: facts.RequestReceived, key: str) -> None:
    state.phase = phases.RECEIVED
    state.method = fact.method
    state.route = fact.route
    state.handler = fact.handler
    state.started_us = state.at_us


def _principal_established(state: Folding, fact: facts.Fact, key: str) -> None:
    state.phase = phases.AUTHENTICATED
    state.principal = key or "anonymous"


def _version_resolved(
    state: Folding, fact: facts.VersionResolved | VersionPlaced, key: str
) -> None:
    state.version = key or None
    state.edition = fact.edition


def _policy_decided(state: Folding, fact: PolicyDecided, key: str) -> None:
    state.policy = key


def _phase_changed(state: Folding, fact: facts.Fact, key: str) -> None:
    state.phase = key


def _hook_started(state: Folding, fact: facts.HookStarted, key: str) -> None:
    state.span = Span(fact.kind, fact.level, key, fact.attempt, state.revision)


def _hook_ended(state: Folding, fact: facts.HookEnded, key: str) -> None:
    state.span = None


def _hook_failed(state: Folding, fact: facts.HookFailed, key: str) -> None:
    state.span = None
    if not fact.will_retry and state.failure is None:
        state.failure = fact.failure


def _handler_started(state: Folding, fact: facts.Fact, key: str) -> None:
    state.phase = phases.PROCESSING
    state.span = Span("handler", "", key, 1, state.revision)


def _handler_ended(state: Folding, fact: facts.Fact, key: str) -> None:
    state.span = None


def _handler_failed(state: Folding, fact: facts.HandlerFailed, key: str) -> None:
    state.span = None
    if state.failure is None:
        state.failure = fact.failure


def _context_set(state: Folding, fact: facts.ContextSet, key: str) -> None:
    state.own_values()[key] = fact.value


def _context_edited(state: Folding, fact: facts.ContextEdited, key: str) -> None:
    values = state.own_values()
    try:
        before = fact.default if fact.created else values[key]
        values[key] = patch(before, fact.patch)
    except (PatchError, KeyError):
        # A fold answers for every history; what never was written so changes nothing. An
        # edit of what was redacted since gives something that nobody knows any more.
        if key in values and _is_redacted(values[key]):
            values[key] = _REDACTED


def _is_redacted(tree: Json) -> bool:
    """Say whether a part of *tree* was taken out of the record."""
    if isinstance(tree, dict):
        return tree == _REDACTED or any(map(_is_redacted, tree.values()))
    return isinstance(tree, list) and any(map(_is_redacted, tree))


def _context_deleted(state: Folding, fact: facts.Fact, key: str) -> None:
    state.own_values().pop(key, None)


def _context_cleaned(state: Folding, fact: facts.Fact, key: str) -> None:
    state.own_values().clear()


def _context_snapshotted(state: Folding, fact: facts.Fact, key: str) -> None:
    state.snapshots[key] = state.revision - 1


def _context_restored(state: Folding, fact: facts.ContextRestored, key: str) -> None:
    try:
        restored = patch(dict(state.values), fact.patch)
    except PatchError:
        own = state.own_values()
        for name in [each for each in own if _is_redacted(own[each])]:
            own[name] = _REDACTED
        return
    if not isinstance(restored, dict):
        return
    values = state.own_values()
    values.clear()
    values.update(restored)


def _effect_requested(state: Folding, fact: facts.EffectRequested, key: str) -> None:
    state.effects += 1
    state.pending[fact.n] = PendingEffect(fact.n, fact.kind, key, state.revision)


def _effect_answered(
    state: Folding, fact: facts.EffectReturned | facts.EffectFailed, key: str
) -> None:
    state.pending.pop(fact.n, None)


def _compensation_registered(state: Folding, fact: facts.CompensationRegistered, key: str) -> None:
    state.compensations[key] = Compensation(key, fact.name, fact.args)


def _compensation_done(state: Folding, fact: facts.Fact, key: str) -> None:
    state.compensations.pop(key, None)


def _request_timed_out(state: Folding, fact: facts.Fact, key: str) -> None:
    state.timed_out = True


def _request_aborted(state: Folding, fact: facts.Fact, key: str) -> None:
    state.phase = phases.ABORTED
    state.terminal = True


def _response_sent(state: Folding, fact: facts.ResponseSent, key: str) -> None:
    state.phase = phases.FAILED if state.phase == phases.FAILING else phases.COMPLETED
    state.status = fact.status
    state.terminal = True


EFFECTS: Mapping[type, Callable[[Folding, Any, str], None]] = {
    facts.RequestReceived: _request_received,
    facts.PrincipalEstablished: _principal_established,
    facts.VersionResolved: _version_resolved,
    VersionPlaced: _version_resolved,
    TransformApplied: _nothing,
    PolicyDecided: _policy_decided,
    facts.PhaseChanged: _phase_changed,
    facts.ValidationFailed: _nothing,
    facts.HookRegistered: _nothing,
    facts.HookStarted: _hook_started,
    facts.HookEnded: _hook_ended,
    facts.HookFailed: _hook_failed,
    facts.HandlerStarted: _handler_started,
    facts.HandlerEnded: _handler_ended,
    facts.HandlerFailed: _handler_failed,
    facts.ListenerFailed: _nothing,
    facts.CapabilityDenied: _nothing,
    facts.ContextSet: _context_set,
    facts.ContextEdited: _context_edited,
    facts.ContextDeleted: _context_deleted,
    facts.ContextCleaned: _context_cleaned,
    facts.ContextSnapshotted: _context_snapshotted,
    facts.ContextRestored: _context_restored,
    facts.EffectRequested: _effect_requested,
    facts.EffectReturned: _effect_answered,
    facts.EffectFailed: _effect_answered,
    facts.EventPublished: _nothing,
    GateHit: _nothing,
    GateReleased: _nothing,
    queue_facts.MessagePublished: _nothing,
    queue_facts.MessageAcknowledged: _nothing,
    queue_facts.MessageFailed: _nothing,
    facts.CompensationRegistered: _compensation_registered,
    CompensationRetried: _nothing,
    facts.CompensationRan: _compensation_done,
    facts.CompensationFailed: _compensation_done,
    facts.CompensationCancelled: _compensation_done,
    facts.CleanupRan: _nothing,
    facts.CleanupFailed: _nothing,
    facts.RequestTimedOut: _request_timed_out,
    facts.RequestAborted: _request_aborted,
    facts.ResponseSent: _response_sent,
}
"""What each fact does. A table, because a `match` of this length tries arm after arm."""

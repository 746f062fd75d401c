"""What several test folders draw from: values, trees, keys, facts, histories of requests.

A feature that records something new joins here with a strategy for it.
"""

import dataclasses
import datetime as dt
import enum
import zoneinfo
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from eventstore import Event, NewEvent, Position, Revision, StreamId
from eventstore.values import Classes, encode
from runtime import (
    care_facts,
    control_facts,
    facts,
    gate_facts,
    health_facts,
    ingress_facts,
    module_facts,
    node_facts,
    policy_facts,
    problem_facts,
    queue_facts,
    relay_facts,
    schema_facts,
    service_facts,
    transform_facts,
    undo_facts,
    version_facts,
)
from runtime.context import diff, diff_values
from runtime.facts import Failure, Issue

# --- values: everything the value codec takes ---


class Item(msgspec.Struct):
    """A Struct that values may be of."""

    sku: Any
    quantity: Any = 1


class FrozenItem(msgspec.Struct, frozen=True):
    """One that may be a key."""

    sku: str


@dataclasses.dataclass
class Point:
    """A dataclass that values may be of."""

    x: Any
    y: Any = 0


@dataclasses.dataclass(frozen=True)
class FrozenPoint:
    """One that may be a key."""

    x: int


class Color(enum.Enum):
    """An enum that values may be of."""

    RED = 1
    GREEN = "g"


class Access(enum.Flag):
    """A flag that values may be of."""

    READ = 1
    WRITE = 2


CLASSES = Classes(Item, FrozenItem, Point, FrozenPoint, Color, Access)

ZONES = tuple(map(zoneinfo.ZoneInfo, ("Europe/Paris", "America/New_York", "Asia/Kolkata", "UTC")))

any_text = st.text(st.characters(exclude_categories=()), max_size=12)
"""With NUL, lone surrogates and unnormalised forms."""

plain_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
"""What JSON and databases take as it is."""

keys = st.one_of(
    st.sampled_from(["cart", "total", "items", "a/b", "a~b", "$obj", "é", "é"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
).filter(lambda key: not key.startswith("timescape."))
"""Context keys (LC-8)."""

offsets = st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23)).map(dt.timezone)
zones = st.one_of(st.none(), st.just(dt.UTC), offsets, st.sampled_from(ZONES))
_folds = st.integers(0, 1)
datetimes = st.builds(
    lambda value, fold: value.replace(fold=fold), st.datetimes(timezones=zones), _folds
)
times = st.builds(lambda value, fold: value.replace(fold=fold), st.times(timezones=zones), _folds)

integers = st.one_of(
    st.integers(-10, 10),
    st.integers(),
    st.sampled_from([2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1]),
)
floats = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, 1e16, 5e-324]))

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    integers,
    floats,
    any_text,
    st.binary(max_size=12),
    datetimes,
    times,
    st.dates(),
    st.timedeltas(),
    st.decimals(),
    st.uuids(),
    st.sampled_from(Color),
    st.sampled_from([Access(0), Access.READ, Access.READ | Access.WRITE]),
)

hashables: st.SearchStrategy[Any] = st.recursive(
    # A signalling NaN has no hash.
    st.one_of(scalars, st.builds(FrozenItem, plain_text), st.builds(FrozenPoint, st.integers()))
    .filter(lambda value: not (hasattr(value, "is_snan") and value.is_snan())),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple), st.frozensets(inner, max_size=3)
    ),
    max_leaves=4,
)  # fmt: skip


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(any_text, inner, max_size=4),
        st.dictionaries(hashables, inner, max_size=3),
        st.sets(hashables, max_size=3),
        st.frozensets(hashables, max_size=3),
        st.builds(Item, inner, inner),
        st.builds(Point, inner, inner),
    )


values: st.SearchStrategy[Any] = st.recursive(scalars, _containers, max_leaves=12)
"""Anything that can be recorded."""

containers: st.SearchStrategy[Any] = _containers(values)
"""Values that have parts."""

trees: st.SearchStrategy[Any] = values.map(lambda value: encode(value, CLASSES))
"""Values as they are recorded."""

small_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 1.0, "a", ""])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["a", "b", "c", "$"]), inner, max_size=3),
        st.dictionaries(st.integers(0, 2), inner, max_size=2),
        st.lists(inner, max_size=2).map(tuple),
        st.builds(Item, inner, inner),
        st.builds(Point, inner, inner),
    ),
    max_leaves=10,
)
"""Values that are often alike: two of them share parts."""

small_trees: st.SearchStrategy[Any] = small_values.map(lambda value: encode(value, CLASSES))

unrecordable: st.SearchStrategy[Any] = st.sampled_from(
    [object(), bytearray(b"a"), print, 1j, range(3), type("Sub", (int,), {})(1), iter(())]
)
"""What no recorded value may hold."""

# --- facts ---

_pairs = st.lists(st.tuples(any_text, any_text), max_size=2).map(tuple)
_opt = st.none() | plain_text
_failures = st.builds(
    Failure, error=plain_text, code=_opt, message=st.none() | any_text,
    frames=st.lists(plain_text, max_size=2).map(tuple),
)  # fmt: skip
_issues = st.builds(Issue, *[any_text] * 5)
_steps = st.lists(st.one_of(st.integers(0, 3), plain_text), max_size=3).map(tuple)
_changes = st.builds(
    facts.Change,
    op=st.sampled_from(["add", "remove", "replace", "splice"]),
    path=_steps, value=trees, remove=st.integers(0, 3),
)  # fmt: skip
_patches = st.lists(_changes, max_size=2).map(tuple)
_kinds = st.sampled_from(["before", "after", "catch"])
_levels = st.sampled_from(["global", "route", "local"])
_counts = st.integers(1, 5)
_n = st.integers(1, 9)

FACTS: dict[type[facts.Fact], st.SearchStrategy[Any]] = {
    facts.RequestReceived: st.builds(
        facts.RequestReceived,
        method=plain_text, route=plain_text, handler=plain_text, path=any_text, seed=plain_text,
        query=_pairs, headers=_pairs, params=st.dictionaries(any_text, any_text, max_size=2),
        body=trees, body_text=st.none() | any_text, client=plain_text,
        timeout_s=st.floats(0, 60), parent=_opt, priority=st.integers(0, 10),
        flags=st.lists(plain_text, max_size=2).map(tuple), selectors=_pairs, scheme=plain_text,
        host=plain_text,
        prefix=st.sampled_from(["req", "ord"]),
    ),
    facts.PrincipalEstablished: st.builds(
        facts.PrincipalEstablished, kind=plain_text, roles=st.lists(plain_text).map(tuple)
    ),
    policy_facts.PolicyDecided: st.builds(
        policy_facts.PolicyDecided,
        st.lists(plain_text, max_size=2).map(tuple),
        plain_text,
        st.dictionaries(plain_text, trees, max_size=2),
        plain_text,
        st.lists(
            st.builds(policy_facts.Charged, plain_text, _n, _n, _n), max_size=2
        ).map(tuple),
    ),
    policy_facts.IdempotencyClaimed: st.builds(policy_facts.IdempotencyClaimed, plain_text),
    policy_facts.IdempotencyReleased: st.builds(
        policy_facts.IdempotencyReleased, plain_text, plain_text
    ),
    facts.VersionResolved: st.builds(
        facts.VersionResolved, edition=_opt, asked=st.none() | any_text, error=_opt
    ),
    facts.PhaseChanged: st.builds(facts.PhaseChanged),
    facts.ValidationFailed: st.builds(
        facts.ValidationFailed, st.lists(_issues, max_size=2).map(tuple), st.booleans()
    ),
    facts.HookRegistered: st.builds(facts.HookRegistered, _kinds, _levels),
    facts.HookStarted: st.builds(facts.HookStarted, _kinds, _levels, _counts),
    facts.HookEnded: st.builds(facts.HookEnded, _kinds),
    facts.HookFailed: st.builds(
        facts.HookFailed, _kinds, _failures, _counts, _counts, st.booleans(), st.floats(0, 9)
    ),
    facts.HandlerStarted: st.builds(facts.HandlerStarted),
    facts.HandlerEnded: st.builds(facts.HandlerEnded),
    facts.HandlerFailed: st.builds(facts.HandlerFailed, _failures),
    facts.CapabilityDenied: st.builds(
        facts.CapabilityDenied,
        plain_text,
        st.sampled_from(["module.call", "secret.read"]),
        plain_text,
        plain_text,
    ),
    facts.ListenerFailed: st.builds(facts.ListenerFailed, plain_text, _failures),
    facts.ContextSet: st.builds(facts.ContextSet, trees),
    facts.ContextEdited: st.builds(
        facts.ContextEdited, _patches, st.booleans(), trees,
        st.sampled_from([None, "fork", "gate"]), st.none() | plain_text, st.none() | plain_text,
    ),
    facts.ContextDeleted: st.builds(facts.ContextDeleted, _opt),
    facts.ContextCleaned: st.builds(facts.ContextCleaned),
    facts.ContextSnapshotted: st.builds(facts.ContextSnapshotted),
    facts.ContextRestored: st.builds(
        facts.ContextRestored, _n, _patches, by=_opt, reason=st.none() | any_text
    ),
    facts.EffectRequested: st.builds(
        facts.EffectRequested, _n, plain_text, trees, st.booleans()
    ),
    facts.EffectReturned: st.builds(facts.EffectReturned, _n, trees, _n),
    facts.EffectFailed: st.builds(facts.EffectFailed, _n, _failures, _n),
    facts.EventPublished: st.builds(facts.EventPublished, trees),
    facts.CompensationRegistered: st.builds(
        facts.CompensationRegistered, plain_text, trees, st.booleans(), _n,
        st.none() | st.just((0.1, 2.0, 5.0)),
    ),
    undo_facts.CompensationRetried: st.builds(
        undo_facts.CompensationRetried, _failures, _counts, _counts, st.floats(0, 9)
    ),
    facts.CompensationRan: st.builds(facts.CompensationRan),
    facts.CompensationFailed: st.builds(facts.CompensationFailed, st.none() | _failures),
    facts.CompensationCancelled: st.builds(facts.CompensationCancelled),
    facts.CleanupRan: st.builds(facts.CleanupRan),
    facts.CleanupFailed: st.builds(facts.CleanupFailed, _failures),
    facts.RequestTimedOut: st.builds(facts.RequestTimedOut, st.floats(0, 60)),
    facts.RequestAborted: st.builds(facts.RequestAborted),
    facts.ResponseSent: st.builds(
        facts.ResponseSent, st.integers(200, 599), _opt, _pairs, trees, st.integers(0, 9)
    ),
    version_facts.HandlerDeployed: st.builds(
        version_facts.HandlerDeployed, plain_text, plain_text, _opt, *[plain_text] * 3
    ),
    ingress_facts.RefusalsCounted: st.builds(ingress_facts.RefusalsCounted, _n, plain_text),
    ingress_facts.WindowsKept: st.builds(
        ingress_facts.WindowsKept,
        st.lists(
            st.builds(ingress_facts.KeptWindow, plain_text, plain_text, _n, _n, _n), max_size=2
        ).map(tuple),
    ),
    service_facts.SecretMasked: st.builds(service_facts.SecretMasked, plain_text),
    service_facts.MaintenanceStopped: st.builds(service_facts.MaintenanceStopped, st.booleans()),
    service_facts.MaintenanceResumed: st.builds(service_facts.MaintenanceResumed, plain_text),
    version_facts.VersionTagged: st.builds(
        version_facts.VersionTagged, plain_text, _opt, plain_text
    ),
    version_facts.VersionUntagged: st.builds(
        version_facts.VersionUntagged, plain_text, plain_text
    ),
    version_facts.VersionDeactivated: st.builds(
        version_facts.VersionDeactivated, plain_text, plain_text
    ),
    version_facts.VersionReactivated: st.builds(
        version_facts.VersionReactivated, plain_text
    ),
    version_facts.VersionDeprecated: st.builds(
        version_facts.VersionDeprecated, st.none() | _n, _opt
    ),
    schema_facts.SchemaStarted: st.builds(
        schema_facts.SchemaStarted, st.lists(plain_text, max_size=2).map(tuple), st.booleans()
    ),
    schema_facts.SchemaApplied: st.builds(schema_facts.SchemaApplied, plain_text),
    schema_facts.SchemaFailed: st.builds(
        schema_facts.SchemaFailed, plain_text, st.lists(plain_text, max_size=2).map(tuple),
        st.lists(plain_text, max_size=2).map(tuple), st.none() | _failures,
    ),
    schema_facts.SchemaRolledBack: st.builds(schema_facts.SchemaRolledBack, plain_text),
    care_facts.VersionPinned: st.builds(
        care_facts.VersionPinned, *[plain_text] * 3, _opt, plain_text
    ),
    care_facts.VersionUnpinned: st.builds(care_facts.VersionUnpinned, *[plain_text] * 3),
    care_facts.PolicyChanged: st.builds(
        care_facts.PolicyChanged, _n, _n, _n, st.lists(plain_text, max_size=2).map(tuple),
        st.lists(st.tuples(plain_text, st.sampled_from(["keep", "deactivate"])), max_size=2).map(
            tuple
        ),
        plain_text,
    ),
    health_facts.VersionHealthChanged: st.builds(
        health_facts.VersionHealthChanged, plain_text, plain_text, _n, _n, plain_text, plain_text
    ),
    problem_facts.ProblemUndeclared: st.builds(
        problem_facts.ProblemUndeclared, plain_text, _n, plain_text
    ),
    version_facts.TrafficSplitChanged: st.builds(
        version_facts.TrafficSplitChanged,
        st.lists(st.tuples(plain_text, _n), max_size=2).map(tuple),
        plain_text,
    ),
    transform_facts.TransformerRegistered: st.builds(
        transform_facts.TransformerRegistered, *[plain_text] * 3,
        st.just(("request_up",)), _opt,
    ),
    transform_facts.TransformApplied: st.builds(
        transform_facts.TransformApplied, plain_text, st.sampled_from(["request", "response"]),
        plain_text, st.none() | _failures,
    ),
    transform_facts.VersionPlaced: st.builds(
        transform_facts.VersionPlaced, st.just("transform-failed"), _opt
    ),
    module_facts.ModuleStarted: st.builds(
        module_facts.ModuleStarted, _n, _n, st.lists(plain_text, max_size=2).map(tuple)
    ),
    module_facts.ModuleStopped: st.builds(module_facts.ModuleStopped, st.booleans(), _n),
    module_facts.ModuleFailed: st.builds(
        module_facts.ModuleFailed,
        st.sampled_from(["start", "crash", "timeout", "frame", "health", "circuit"]),
        st.none() | st.integers(0, 255),
        _opt,
        st.lists(plain_text, max_size=2).map(tuple),
        _n,
    ),
    module_facts.ModuleRestarted: st.builds(module_facts.ModuleRestarted, _n, _n),
    module_facts.ModuleResized: st.builds(module_facts.ModuleResized, _n, _n, plain_text, _n),
    module_facts.CapabilityGranted: st.builds(
        module_facts.CapabilityGranted, plain_text, plain_text, plain_text
    ),
    module_facts.CapabilityRevoked: st.builds(
        module_facts.CapabilityRevoked, plain_text, plain_text, plain_text
    ),
    module_facts.CapabilityUsed: st.builds(
        module_facts.CapabilityUsed,
        st.lists(st.tuples(plain_text, plain_text, _n), max_size=2).map(tuple),
    ),
    module_facts.ModuleRegistered: st.builds(
        module_facts.ModuleRegistered,
        st.lists(plain_text, max_size=2).map(tuple),
        plain_text,
        _n,
        plain_text,
        trees,
        _pairs,
        _pairs,
    ),
    control_facts.ConfigLoaded: st.builds(control_facts.ConfigLoaded, trees),
    control_facts.ForkNamed: st.builds(control_facts.ForkNamed, *[plain_text] * 3),
    queue_facts.MessagePublished: st.builds(
        queue_facts.MessagePublished, trees, _opt, st.integers(0, 10), st.none() | st.just(2.5),
        reply_to=st.none() | st.builds(queue_facts.Asker, plain_text, _n, plain_text),
    ),
    queue_facts.MessageAcknowledged: st.builds(
        queue_facts.MessageAcknowledged, plain_text, st.lists(plain_text, max_size=2).map(tuple)
    ),
    queue_facts.MessageFailed: st.builds(
        queue_facts.MessageFailed, plain_text, _n, st.booleans(), plain_text, _opt, _opt
    ),
    queue_facts.MessageClaimed: st.builds(
        queue_facts.MessageClaimed, st.lists(st.tuples(plain_text, _n), max_size=2).map(tuple)
    ),
    queue_facts.MessageExpired: st.builds(
        queue_facts.MessageExpired, st.lists(plain_text, max_size=2).map(tuple)
    ),
    queue_facts.MessageDeadLettered: st.builds(
        queue_facts.MessageDeadLettered, plain_text, plain_text, _n, plain_text, _opt, _opt
    ),
    queue_facts.MessageRetried: st.builds(queue_facts.MessageRetried, plain_text, plain_text),
    gate_facts.GatesOpened: st.builds(gate_facts.GatesOpened, plain_text, plain_text),
    gate_facts.GateArmed: st.builds(
        gate_facts.GateArmed, plain_text, st.dictionaries(plain_text, plain_text, max_size=2),
        plain_text, st.floats(0.5, 300), st.integers(1, 20), st.booleans(), plain_text,
    ),
    node_facts.NodeAnnounced: st.builds(
        node_facts.NodeAnnounced, st.lists(plain_text, max_size=2).map(tuple)
    ),
    gate_facts.GateDisarmed: st.builds(gate_facts.GateDisarmed, plain_text, plain_text),
    gate_facts.GateHit: st.builds(gate_facts.GateHit, plain_text, st.booleans(), plain_text),
    gate_facts.GateReleased: st.builds(
        gate_facts.GateReleased, st.integers(1, 9), plain_text, plain_text, st.floats(0, 300),
        plain_text,
    ),
    relay_facts.MessageArrived: st.builds(
        relay_facts.MessageArrived, trees, plain_text, _n, _opt, st.integers(0, 10),
        st.none() | st.just(2.5), plain_text, plain_text, plain_text, plain_text,
    ),
    relay_facts.RelayAdvanced: st.builds(relay_facts.RelayAdvanced, _n),
    queue_facts.MessageDropped: st.builds(queue_facts.MessageDropped, plain_text, plain_text),
    queue_facts.SubscriptionOpened: st.builds(queue_facts.SubscriptionOpened, plain_text),
    queue_facts.SubscriptionClosed: st.builds(queue_facts.SubscriptionClosed, plain_text),
    queue_facts.SubscriptionPaused: st.builds(queue_facts.SubscriptionPaused, plain_text),
    queue_facts.SubscriptionResumed: st.builds(queue_facts.SubscriptionResumed, plain_text),
    queue_facts.SubscriptionAdvanced: st.builds(queue_facts.SubscriptionAdvanced, _n, _n, _n),
}  # fmt: skip
"""For each fact a strategy; a test holds it complete."""

any_fact: st.SearchStrategy[facts.Fact] = st.one_of(*FACTS.values())

envelope_keys = st.none() | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12
)
sites = st.none() | st.integers(1, 4).map(lambda line: f"shop/orders.py:{line}")

new_events = st.builds(
    lambda fact, key, at_us, site: NewEvent(fact.type, fact, key, at_us, site),
    any_fact, envelope_keys, st.integers(0, 2**48), sites,
)  # fmt: skip
"""Single events with any payload, in no grammatical order."""

STREAM = StreamId(UUID("01990000-0000-7000-8000-000000000001"))


def as_events(drawn: list[NewEvent], first: int = 1) -> list[Event]:
    """Give *drawn* as a log would give them back, from revision *first* on."""
    return [
        Event(Position(i), STREAM, Revision(i), new.type, new.data, new.key, new.at_us, new.site)
        for i, new in enumerate(drawn, first)
    ]


# --- histories: what one request may leave, in the order of its grammar (HO-1, HO-2) ---


class History(msgspec.Struct):
    """A request's facts, and what its user state is after each, by a second reckoning."""

    new: list[NewEvent]
    values_at: list[dict[str, Any]]
    """At index r the trees at revision r; 0 is before the first fact."""

    @property
    def events(self) -> list[Event]:
        """The facts as read from a log."""
        return as_events(self.new)


class Writer:
    """Draws a history fact by fact; keeps the user state as a plain dict of trees."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.history = History([], [{}])
        self.values: dict[str, Any] = {}
        self.at_us = 1_000_000
        self.effects = 0
        self.pending: list[int] = []
        self.compensations: list[str] = []
        self.snapshots: dict[str, int] = {}
        self.failed = False

    def add(self, fact: facts.Fact, key: str | None = None, *, user: bool = False) -> None:
        """Add one fact; *user* code caused it, so it has a line."""
        self.at_us += self.draw(st.integers(0, 50))
        site = self.draw(sites) if user else None
        self.history.new.append(NewEvent(fact.type, fact, key, self.at_us, site))
        self.history.values_at.append(dict(self.values))

    def user_code(self) -> None:
        """Add what a hook or handler may do."""
        acts = [
            self.set, self.edit, self.edit_new, self.delete, self.clean, self.snapshot,
            self.restore, self.effect, self.answer, self.publish, self.compensate,
        ]  # fmt: skip
        for act in self.draw(st.lists(st.sampled_from(acts), max_size=6)):
            act()

    def a_key(self) -> str | None:
        return self.draw(st.sampled_from(list(self.values))) if self.values else None

    def set(self) -> None:
        key, tree = self.draw(keys), self.draw(small_trees)
        self.values[key] = tree
        self.add(facts.ContextSet(tree), key, user=True)

    def edit(self) -> None:
        key = self.a_key()
        if key is not None:
            before, after = self.values[key], self.draw(small_trees)
            self.values[key] = after
            self.add(facts.ContextEdited(diff(before, after)), key, user=True)

    def edit_new(self) -> None:
        key, before, after = self.draw(keys), self.draw(small_trees), self.draw(small_trees)
        if key not in self.values:
            self.values[key] = after
            change = facts.ContextEdited(diff(before, after), created=True, default=before)
            self.add(change, key, user=True)

    def delete(self) -> None:
        key = self.a_key()
        if key is not None:
            del self.values[key]
            self.add(facts.ContextDeleted(), key, user=True)

    def clean(self) -> None:
        if self.values:
            self.values.clear()
            self.add(facts.ContextCleaned(), user=True)

    def snapshot(self) -> None:
        name = f"s{len(self.snapshots)}"
        self.snapshots[name] = len(self.history.new)
        self.add(facts.ContextSnapshotted(), name, user=True)

    def restore(self) -> None:
        if self.snapshots:
            name = self.draw(st.sampled_from(list(self.snapshots)))
            moment = self.snapshots[name]
            patch = diff_values(self.values, self.history.values_at[moment])
            self.values = dict(self.history.values_at[moment])
            self.add(facts.ContextRestored(moment, patch), name, user=True)

    def effect(self) -> None:
        self.effects += 1
        self.pending.append(self.effects)
        kind = self.draw(st.sampled_from(["now", "uuid", "module"]))
        asked = facts.EffectRequested(self.effects, kind, self.draw(small_trees))
        self.add(asked, "pricing.quote", user=True)

    def answer(self) -> None:
        if self.pending:
            n = self.pending.pop(self.draw(st.integers(0, len(self.pending) - 1)))
            returned = facts.EffectReturned(n, self.draw(small_trees))
            failed = facts.EffectFailed(n, Failure("TimeoutError"))
            self.add(self.draw(st.sampled_from([returned, failed])), "pricing.quote")

    def answer_all(self) -> None:
        while self.pending:
            self.answer()

    def publish(self) -> None:
        self.add(facts.EventPublished(self.draw(small_trees)), "log", user=True)

    def compensate(self) -> None:
        if self.failed:
            return
        name = f"c{len(self.compensations)}"
        self.compensations.append(name)
        self.add(facts.CompensationRegistered("stock.release", [1]), name, user=True)

    def hook(self, kind: str) -> bool:
        """Add one hook with its attempts; False if it failed in the end."""
        hook, level = self.draw(st.sampled_from(["h1", "h2"])), self.draw(_levels)
        attempts = self.draw(st.integers(1, 2))
        for attempt in range(1, attempts + 1):
            self.add(facts.HookStarted(kind, level, attempt), hook)
            self.user_code()
            self.answer_all()
            if attempt == attempts and self.draw(st.integers(0, 5)):
                self.add(facts.HookEnded(kind), hook)
                return True
            failure = Failure(f"Error{attempt}")
            again = attempt < attempts
            self.add(facts.HookFailed(kind, failure, attempt, attempts, again), hook)
        return False

    def handler(self) -> bool:
        """Add the handler; False if it failed."""
        self.add(facts.HandlerStarted(), "post-orders")
        self.user_code()
        self.answer_all()
        if self.draw(st.integers(0, 3)):
            self.add(facts.HandlerEnded(), "post-orders")
            return True
        self.add(facts.HandlerFailed(Failure("KeyError")), "post-orders")
        return False

    def opening(self) -> bool:
        """Add what comes before any user code; False if the request is refused."""
        received = facts.RequestReceived("POST", "POST /orders", "post-orders", "/orders", "0" * 32)
        self.add(received, "POST /orders")
        version = facts.VersionResolved(self.draw(_opt))
        self.add(version, "tsv:1-post-orders-1")
        self.add(facts.PrincipalEstablished("user"), self.draw(st.sampled_from(["ann", "bob"])))
        if self.draw(st.booleans()):
            self.add(policy_facts.PolicyDecided(("access",)), "allow")
        self.add(facts.PhaseChanged(), "authorized")
        if self.draw(st.integers(0, 5)):
            self.add(facts.PhaseChanged(), "validated")
            return True
        self.add(facts.ValidationFailed((Issue("/a", "type", "int", "str", "no"),)), "request")
        return False

    def failing(self) -> None:
        """Add the failure path, up to cleanups."""
        self.failed = True
        if self.draw(st.booleans()):
            self.add(facts.RequestTimedOut(30.0))
        self.add(facts.PhaseChanged(), "failing")
        for _ in range(self.draw(st.integers(0, 2))):
            self.hook("catch")
        for name in reversed(self.compensations):
            if not self.draw(st.integers(0, 3)):
                self.add(undo_facts.CompensationRetried(Failure("Error1"), 1, 2), name)
            done = st.sampled_from([facts.CompensationRan(), facts.CompensationFailed()])
            self.add(self.draw(done), name)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Whole histories of requests: well formed, most of them good, some failed or aborted."""
    writer = Writer(draw)
    well = writer.opening()
    for _ in range(draw(st.integers(0, 2)) if well else 0):
        well = well and writer.hook("before")
    well = well and writer.handler()
    for _ in range(draw(st.integers(0, 2)) if well else 0):
        well = writer.hook("after") and well
    if not well:
        writer.failing()
    if draw(st.booleans()):
        writer.add(facts.CleanupRan(), "u1")
    if draw(st.integers(0, 7)):
        status = draw(st.sampled_from([200, 204] if well else [400, 500, 504]))
        writer.add(facts.ResponseSent(status), str(status))
    else:
        writer.add(facts.RequestAborted(), "crash")
    return writer.history

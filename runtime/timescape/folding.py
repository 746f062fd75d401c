"""Turn control facts into the route table (TS-4, TS-5).

Total: any fact in any order gives a table; those of unknown types change nothing but the
revision. Adding a fact costs what it changes, not what the table holds, and `table` is
made when it is asked for.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from eventstore import Event
from runtime import care_facts, facts, schema_facts, version_facts
from runtime.errors import VersionFormatError
from runtime.timescape.table import (
    IN_SERVICE,
    WHOLE,
    HandlerRoutes,
    Pair,
    Pin,
    Policy,
    RouteTable,
    Split,
    TagMove,
    Version,
)
from runtime.timescape.timeline import Entry, free_from, insert
from runtime.timescape.version_ids import VersionId
from runtime.transform_facts import TransformerRegistered


def fold_table(events: Iterable[Event], start: RouteTable | None = None) -> RouteTable:
    """Return the table after *events*, from *start* or from the beginning."""
    folding = TableFolding(start or RouteTable())
    for event in events:
        folding.add(event)
    return folding.table


def fold_until(
    events: Iterable[Event], *, position: int | None = None, at_us: int | None = None
) -> RouteTable:
    """Return the table as of *position* or as of the instant *at_us* (TS-5).

    As of an instant means the facts that were recorded at it or before.
    """
    folding = TableFolding(RouteTable())
    for event in events:
        if position is not None and event.position > position:
            break
        if at_us is not None and max(folding.at_us, event.at_us) > at_us:
            break
        folding.add(event)
    return folding.table


class TableFolding:
    """A fold under way, from *start* on."""

    def __init__(self, start: RouteTable) -> None:
        self._before = start
        self._position = start.position
        self._revision = start.revision
        self.at_us = start.at_us
        """The time of the last fact; it never goes back (TS-5)."""
        self._handlers: dict[str, _Draft] = {}
        self.pins = start.pins
        self.policy = start.policy
        self.schemas = start.schemas

    def add(self, event: Event) -> None:
        """Go on by one fact."""
        self._revision = event.revision
        effect = EFFECTS.get(type(event.data))
        if effect is None:
            return
        self._position = event.position
        self.at_us = max(self.at_us, event.at_us)
        effect(self, event.data, event.key or "")

    def deploy(self, fact: version_facts.HandlerDeployed, key: str, at_us: int) -> None:
        """Go on by a deployment that is not in the log yet."""
        self.at_us = max(self.at_us, at_us)
        _deployed(self, fact, key)

    def join(self, fact: TransformerRegistered, handler: str) -> None:
        """Go on by a transformer that is not in the log yet."""
        _transformer(self, fact, handler)

    @property
    def table(self) -> RouteTable:
        """The table now, which later facts leave as it is."""
        made = {name: draft.frozen() for name, draft in self._handlers.items()}
        handlers = {**self._before.handlers, **made} if made else self._before.handlers
        return RouteTable(
            self._position,
            self.at_us,
            self._revision,
            MappingProxyType(dict(handlers)),
            self.pins,
            self.policy,
            self.schemas,
        )

    def handler(self, name: str) -> "_Draft":
        """Return the handler *name* to be changed; an unknown one is made."""
        draft = self._handlers.get(name)
        if draft is None:
            draft = self._handlers[name] = _Draft(name, self._before.handlers.get(name))
        return draft

    def known(self, name: str) -> "_Draft | None":
        """Return the handler *name* to be changed; None: it has no versions."""
        if name not in self._handlers and name not in self._before.handlers:
            return None
        return self.handler(name)

    def holding(self, version: str) -> "_Draft | None":
        """Return the handler that has *version*, to be changed; None: none has."""
        try:
            draft = self.known(VersionId.parse(version).handler)
        except VersionFormatError:
            return None
        return draft if draft is not None and version in draft.versions else None


class _Draft:
    """One handler's routes while facts are added."""

    def __init__(self, name: str, start: HandlerRoutes | None) -> None:
        self.name = name
        self.route = start.route if start else ""
        self.versions = dict(start.versions) if start else {}
        self.line = list(start.line) if start else []
        self.timeline = list(start.timeline) if start else []
        self.tags = {tag: list(moves) for tag, moves in start.tags.items()} if start else {}
        self.split = start.split if start else None
        self.retired = dict(start.retired) if start else {}
        self.pairs = dict(start.pairs) if start else {}
        self.compared = dict(start.compared) if start else {}
        self.last_us = max((v.effective_us for v in self.line), default=-1)

    def frozen(self) -> HandlerRoutes:
        return HandlerRoutes(
            self.name,
            self.route,
            MappingProxyType(dict(self.versions)),
            tuple(self.line),
            tuple(self.timeline),
            MappingProxyType({tag: tuple(moves) for tag, moves in self.tags.items()}),
            self.split,
            MappingProxyType(dict(self.retired)),
            MappingProxyType(dict(self.pairs)),
            MappingProxyType(dict(self.compared)),
        )

    def tag(self, name: str, at_us: int, version: str | None) -> None:
        self.tags.setdefault(name, []).append(TagMove(at_us, version))

    def schedule(self, version: Version, at_us: int) -> None:
        """Put it where it was to be current, if that is still to come and was called off."""
        ahead = version.activation == "now" and version.effective_us > at_us
        if ahead and all(each.version != str(version.id) for each in self.timeline):
            self.promote(version, version.effective_us)

    def promote(self, version: Version, from_us: int) -> None:
        insert(self.timeline, Entry(from_us, version.id.sequence, str(version.id)))


# --- what each fact does; `key` is the envelope's, `` for none ---


def _deployed(table: TableFolding, fact: version_facts.HandlerDeployed, key: str) -> None:
    try:
        version_id = VersionId.parse(key)
    except VersionFormatError:
        return
    draft = table.handler(fact.handler)
    if key in draft.versions or version_id.handler != fact.handler:
        return
    effective_us = fact.effective_us
    if effective_us is None:
        effective_us = max(table.at_us, draft.last_us + 1)
    version = Version(
        version_id, fact.edition, fact.fingerprint, effective_us, fact.activation, fact.run,
        fact.schema,
    )  # fmt: skip
    draft.last_us = max(draft.last_us, effective_us)
    draft.route = fact.route
    draft.versions[key] = version
    insort(draft.line, version, key=_order)
    if fact.activation == "now":
        draft.promote(version, effective_us)
    for tag in fact.tags:
        draft.tag(tag, table.at_us, key)
    for each in fact.diff:
        draft.compared[each.older, each.newer] = each


def _transformer(table: TableFolding, fact: TransformerRegistered, key: str) -> None:
    draft = table.known(key)
    if draft is not None:
        pair = Pair(fact.older, fact.newer, fact.fingerprint, fact.functions)
        draft.pairs[fact.older, fact.newer] = pair


def _tagged(table: TableFolding, fact: version_facts.VersionTagged, key: str) -> None:
    draft = table.holding(key)
    if draft is not None:
        draft.tag(fact.tag, table.at_us, key)


def _untagged(table: TableFolding, fact: version_facts.VersionUntagged, key: str) -> None:
    draft = table.holding(key)
    if draft is not None and fact.tag in draft.tags:
        draft.tag(fact.tag, table.at_us, None)


def _deactivated(table: TableFolding, fact: version_facts.VersionDeactivated, key: str) -> None:
    _retire(table, key, deactivated=fact.reason)
    draft = table.holding(key)
    if draft is not None and draft.versions[key].effective_us > table.at_us:
        # Scheduled, and called off: else its callers would find it gone when its time comes.
        draft.timeline = [each for each in draft.timeline if each.version != key]


def _reactivated(table: TableFolding, fact: version_facts.VersionReactivated, key: str) -> None:
    _retire(table, key, deactivated=None, reactivated_us=table.at_us)
    draft = table.holding(key)
    if draft is not None:
        draft.schedule(draft.versions[key], table.at_us)
    if table.policy.overrides.get(key) == "deactivate":
        kept = {each: what for each, what in table.policy.overrides.items() if each != key}
        table.policy = msgspec.structs.replace(table.policy, overrides=MappingProxyType(kept))


def _deprecated(table: TableFolding, fact: version_facts.VersionDeprecated, key: str) -> None:
    _retire(table, key, deprecated_us=table.at_us, sunset_us=fact.sunset_us, link=fact.link)


def _retire(table: TableFolding, key: str, **what: Any) -> None:
    draft = table.holding(key)
    if draft is not None:
        known = draft.retired.get(key, IN_SERVICE)
        draft.retired[key] = msgspec.structs.replace(known, **what)


def _split_changed(table: TableFolding, fact: version_facts.TrafficSplitChanged, key: str) -> None:
    draft = table.known(key)
    if draft is None:
        return
    parts = tuple((version, part) for version, part in fact.parts if version in draft.versions)
    if sum(part for _, part in parts) != WHOLE:
        return
    whole = next((version for version, part in parts if part == WHOLE), None)
    if whole is None:
        draft.split = Split(parts, fact.salt)
        return
    draft.split = None
    draft.promote(draft.versions[whole], free_from(draft.timeline, table.at_us))


def _pinned(table: TableFolding, fact: care_facts.VersionPinned, key: str) -> None:
    pin = Pin(key, fact.kind, fact.subject, fact.selector)
    table.pins = MappingProxyType({**table.pins, pin.place: pin})


def _unpinned(table: TableFolding, fact: care_facts.VersionUnpinned, key: str) -> None:
    gone = key, fact.kind, fact.subject
    left = {place: pin for place, pin in table.pins.items() if place != gone}
    table.pins = MappingProxyType(left)


def _policy(table: TableFolding, fact: care_facts.PolicyChanged, key: str) -> None:
    overrides = MappingProxyType(dict(fact.overrides))
    table.policy = Policy(fact.hot, fact.idle_s, fact.low, fact.excluded, overrides)


def _schema(table: TableFolding, fact: facts.Fact, key: str) -> None:
    table.schemas = MappingProxyType({**table.schemas, key: _schema_status(fact, table, key)})


def _schema_status(fact: facts.Fact, table: TableFolding, key: str) -> str:
    match fact:
        case schema_facts.SchemaApplied():
            return "applied"
        case schema_facts.SchemaStarted(down=down):
            return "rolling back" if down else "open"
        case schema_facts.SchemaFailed(step=step, left=left):
            if left:
                return "open"
            # What could not be rolled back counts as there (DB-3).
            return "applied" if step and table.schemas.get(key) == "rolling back" else "absent"
        case _:
            return "absent"


def _order(version: Version) -> tuple[str, VersionId]:
    return version.order


EFFECTS: Mapping[type[facts.Fact], Callable[[TableFolding, Any, str], None]] = {
    version_facts.HandlerDeployed: _deployed,
    version_facts.VersionTagged: _tagged,
    version_facts.VersionUntagged: _untagged,
    version_facts.VersionDeactivated: _deactivated,
    version_facts.VersionReactivated: _reactivated,
    version_facts.VersionDeprecated: _deprecated,
    version_facts.TrafficSplitChanged: _split_changed,
    TransformerRegistered: _transformer,
    care_facts.VersionPinned: _pinned,
    care_facts.VersionUnpinned: _unpinned,
    care_facts.PolicyChanged: _policy,
    **dict.fromkeys(schema_facts.SCHEMA_FACTS, _schema),
}
"""What each fact does to the table."""

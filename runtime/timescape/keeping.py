"""The fold of control streams, for stores that keep folded states (TS-9)."""

from collections.abc import Iterable
from types import MappingProxyType

import msgspec

from eventstore import Event, OfUnknown
from runtime.timescape.folding import EFFECTS, fold_table
from runtime.timescape.table import (
    HandlerRoutes,
    Pair,
    Pin,
    Policy,
    Retirement,
    RouteTable,
    Split,
    TagMove,
    Version,
)
from runtime.timescape.timeline import Entry
from runtime.version_facts import Compared


class _Handler(msgspec.Struct, frozen=True, array_like=True):
    """A handler as it is kept: what follows from the rest is left out."""

    handler: str
    route: str
    versions: tuple[Version, ...]
    timeline: tuple[Entry, ...]
    tags: dict[str, tuple[TagMove, ...]]
    split: Split | None
    retired: dict[str, Retirement]
    pairs: tuple[Pair, ...] = ()
    compared: tuple[Compared, ...] = ()


class _Table(msgspec.Struct, frozen=True):
    position: int
    at_us: int
    revision: int
    handlers: tuple[_Handler, ...]
    pins: tuple[Pin, ...] = ()
    policy: Policy = Policy()
    schemas: dict[str, str] = {}


class TableReducer:
    """See `eventstore.Keepable`."""

    name = "routes"
    version = 4
    types = frozenset(fact.type for fact in EFFECTS)
    # A newer program's fact must not hide the versions of a handler.
    unknown: OfUnknown = "skip"

    def initial(self) -> RouteTable:
        """Return the table before the first fact."""
        return RouteTable()

    def apply(self, state: RouteTable, event: Event) -> RouteTable:
        """Return the table after *event*."""
        return fold_table((event,), state)

    def apply_all(self, state: RouteTable, events: Iterable[Event]) -> RouteTable:
        """Return the table after *events*, in time linear in their number."""
        return fold_table(events, state)

    def dump(self, state: RouteTable) -> bytes:
        """Return *state* as JSON."""
        handlers = tuple(map(_kept, state))
        policy = msgspec.structs.replace(state.policy, overrides=dict(state.policy.overrides))
        pins = tuple(state.pins.values())
        kept = _Table(
            state.position, state.at_us, state.revision, handlers, pins, policy,
            dict(state.schemas),
        )  # fmt: skip
        return _encode(kept)

    def load(self, data: bytes) -> RouteTable:
        """Return the table that `dump` was given."""
        kept = _decode(data)
        handlers = {each.handler: _made(each) for each in kept.handlers}
        pins = {pin.place: pin for pin in kept.pins}
        policy = msgspec.structs.replace(
            kept.policy, overrides=MappingProxyType(dict(kept.policy.overrides))
        )
        return RouteTable(
            kept.position,
            kept.at_us,
            kept.revision,
            MappingProxyType(handlers),
            MappingProxyType(pins),
            policy,
            MappingProxyType(kept.schemas),
        )


TABLE_REDUCER = TableReducer()


def _kept(routes: HandlerRoutes) -> _Handler:
    return _Handler(
        routes.handler,
        routes.route,
        tuple(routes.versions.values()),
        routes.timeline,
        dict(routes.tags),
        routes.split,
        dict(routes.retired),
        tuple(routes.pairs.values()),
        tuple(routes.compared.values()),
    )


def _made(kept: _Handler) -> HandlerRoutes:
    return HandlerRoutes(
        kept.handler,
        kept.route,
        MappingProxyType({str(version.id): version for version in kept.versions}),
        tuple(sorted(kept.versions, key=lambda version: version.order)),
        kept.timeline,
        MappingProxyType(kept.tags),
        kept.split,
        MappingProxyType(kept.retired),
        MappingProxyType({(pair.older, pair.newer): pair for pair in kept.pairs}),
        MappingProxyType({(each.older, each.newer): each for each in kept.compared}),
    )


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Table).decode

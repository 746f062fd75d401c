"""Why a request got its version: what its record says, and what follows from it (TR-6).

The record names what was asked, what was found, by which source and by the table at which position.
The rest is the same for ever once those are known, so it is not written down with each request.
It was evaluated when the request came, which its id tells to the millisecond (its first fact is of
when its body was there), but never before the table's last fact. The digests of manifests stand
where the versions were deployed.
"""

from collections.abc import Mapping

import msgspec

from debugger.session.control import control_streams
from debugger.session.session import Session
from debugger.timeline import Timeline
from eventstore import Event, Store, StreamId
from runtime.control import table_at
from runtime.facts import VersionResolved
from runtime.timescape import RouteTable
from runtime.version_facts import HandlerDeployed

_BELOW_MS = 80
"""Bits of a UUIDv7 after its time."""


class Resolved(msgspec.Struct, frozen=True):
    """How the version of a request was found."""

    version: str | None
    """The contract that was spoken; None: none was found."""
    runs: str | None
    """Whose code ran."""
    edition: str | None
    """Of that."""
    source: str
    asked: str | None
    error: str | None
    chain: tuple[str, ...]
    """Fingerprints of the transformers between the two."""
    bucket: int | None
    evaluated_us: int
    table: int
    """Position of the table that decided; 0: none was asked, as for messages."""
    manifests: Mapping[str, str]
    """By version, the digest of its manifest."""


def resolved(session: Session, timeline: Timeline) -> Resolved | None:
    """Say how the version of a request was found; None: it ended before, or its record is torn."""
    event = next((e for e in timeline.events[:16] if isinstance(e.data, VersionResolved)), None)
    if event is None:
        return None
    fact: VersionResolved = event.data
    runs = event.key
    spoken = fact.contract or runs
    stream, table = _table(session, fact, runs)
    digests = {} if stream is None else _manifests(session.store, stream)
    return Resolved(
        spoken, runs, fact.edition, fact.source, fact.asked, fact.error, fact.chain, fact.bucket,
        max(_came_us(timeline.events[0]), table.at_us), fact.table,
        {each: digests[each] for each in (spoken, runs) if each in digests},
    )  # fmt: skip


def _came_us(first: Event) -> int:
    """Return when a request came. Ids are in order, so after a step back they run ahead."""
    return min((first.stream.int >> _BELOW_MS) * 1_000, first.at_us)


def _table(
    session: Session, fact: VersionResolved, runs: str | None
) -> tuple[StreamId | None, RouteTable]:
    """Return the table that decided, and the stream it is the fold of."""
    for stream in control_streams(session):
        if not fact.table or fact.table > session.store.end():
            break
        table = table_at(session.store, stream, position=fact.table)
        if table.position == fact.table or any(runs in each.versions for each in table):
            return stream, table
    return None, RouteTable()


def _manifests(store: Store, stream: StreamId) -> dict[str, str]:
    return {
        event.key or "": event.data.manifest
        for event in store.read(stream)
        if isinstance(event.data, HandlerDeployed) and event.data.manifest
    }

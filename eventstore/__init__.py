"""Facts, kept in order, for ever. SQL backends are behind `eventstore.sql`."""

from eventstore.errors import EventStoreError
from eventstore.events import (
    ANY,
    NEW,
    Commit,
    Event,
    Head,
    Kind,
    NewEvent,
    Redaction,
    Row,
    UnknownEvent,
    Verdict,
)
from eventstore.fold import Folded, Reducer, fold
from eventstore.identifiers import Clock, Ids, Position, Revision, StreamId, named_stream, uuid7
from eventstore.store import Store, Ticket

__all__ = [
    "ANY",
    "NEW",
    "Clock",
    "Commit",
    "Event",
    "EventStoreError",
    "Folded",
    "Head",
    "Ids",
    "Kind",
    "NewEvent",
    "Position",
    "Redaction",
    "Reducer",
    "Revision",
    "Row",
    "Store",
    "StreamId",
    "Ticket",
    "UnknownEvent",
    "Verdict",
    "fold",
    "named_stream",
    "uuid7",
]

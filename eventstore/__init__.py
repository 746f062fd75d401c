"""Facts, kept in order, for ever. SQL backends are behind `eventstore.sql`."""

from eventstore.cursors import Cursor
from eventstore.erasure import Erasure
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
from eventstore.fold import Folded, Keepable, OfUnknown, Reducer, fold
from eventstore.identifiers import Clock, Ids, Position, Revision, StreamId, named_stream, uuid7
from eventstore.keeping import cursor_in
from eventstore.keyring import Forgotten, Keyring
from eventstore.store import Store, Ticket
from eventstore.subscription import Page, Subscription

__all__ = [
    "ANY",
    "NEW",
    "Clock",
    "Commit",
    "Cursor",
    "Erasure",
    "Event",
    "EventStoreError",
    "Folded",
    "Forgotten",
    "Head",
    "Ids",
    "Keepable",
    "Keyring",
    "Kind",
    "NewEvent",
    "OfUnknown",
    "Page",
    "Position",
    "Redaction",
    "Reducer",
    "Revision",
    "Row",
    "Store",
    "StreamId",
    "Subscription",
    "Ticket",
    "UnknownEvent",
    "Verdict",
    "cursor_in",
    "fold",
    "named_stream",
    "uuid7",
]

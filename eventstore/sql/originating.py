"""Where a sealed value was first written: what it must be opened with (EN-2)."""

import sqlalchemy as sa

from eventstore.codec.hiding import sealed_at as sealed_in
from eventstore.identifiers import StreamId
from eventstore.keyring import Origin
from eventstore.sql import redacting, tail
from eventstore.sql.history import History
from eventstore.values import Sealed


def sealed_at(
    connection: sa.Connection, history: History, stream: StreamId, revision: int, pointer: str
) -> tuple[Sealed, Origin]:
    """Return the sealed value at *pointer* of an event, and where it was written.

    Raises:
        EventStoreError: `no-such-revision`, `no-such-value`, `sealed-invalid`.
    """
    row = redacting.row_of(connection, history, stream, revision)
    within = revision - row.revision
    sealed = sealed_in(row.data, within, pointer)
    # Positions have no gaps, so they count the events of a commit over all its rows.
    first = history.of_stream(connection, row.stream, lambda held: tail.first_of(held, row.pos))
    index = row.pos + within - first
    return sealed, Origin(row.stream, row.commit_id, index, pointer)

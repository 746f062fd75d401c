"""The streams of a store that tell of apps."""

from debugger.session.session import Session
from eventstore import StreamId

_CONTROL = "control"


def control_streams(session: Session) -> list[StreamId]:
    """Give the streams of *session*'s store that tell of apps, not of requests."""
    streams = []
    after = 0
    while rows := session.store.read_log(after=after, kinds=(_CONTROL,), first_rows_only=True):
        streams += [row.stream for row in rows]
        after = rows[-1].position
    return streams

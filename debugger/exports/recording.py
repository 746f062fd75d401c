"""What is exported: requests with their facts, and where they were found."""

from collections.abc import Sequence

import msgspec

from debugger.exports.hiding import HiddenPlace, Masks, hidden_places
from debugger.session import RequestSummary, Session
from debugger.session.requests import summarize
from debugger.timeline import Timeline
from eventstore import Cursor, Event, Row, StreamId


class Recorded(msgspec.Struct, frozen=True):
    """One request."""

    summary: RequestSummary
    """Told from what the export shows, not from what the store knows."""
    timeline: Timeline


class Recording(msgspec.Struct, frozen=True):
    """Requests of one store."""

    requests: Sequence[Recorded]
    hidden: Sequence[HiddenPlace]
    end: Cursor
    """How far the log was when they were read."""
    where: str = ""
    """The filter that chose them; `` where they were named."""

    @property
    def facts(self) -> int:
        """How many facts there are in all."""
        return sum(each.timeline.last for each in self.requests)

    @property
    def events(self) -> Sequence[Event]:
        """All facts, in the order of requests."""
        return [event for each in self.requests for event in each.timeline.events]


def gather(
    session: Session, streams: Sequence[StreamId], *, where: str = "", masks: Masks | None = None
) -> Recording:
    """Read *streams* of *session*, without what *masks* hide.

    Raises:
        NotFoundError: there is no such request, or a mask hides nothing.
    """
    masks = masks or Masks()
    end = session.store.cursor_at()
    requests = [_read(session, stream, masks) for stream in streams]
    masks.require_matched()
    hidden = [
        place
        for each in requests
        for place in hidden_places(each.timeline.request_id, each.timeline.events)
    ]
    return Recording(requests, hidden, end, where)


def _read(session: Session, stream: StreamId, masks: Masks) -> Recorded:
    timeline = session.timeline(stream)
    masked = Timeline(stream, masks(timeline.events))
    head = session.store.head(stream)
    first, last = masked.events[0], masked.events[-1]
    row = Row(
        position=first.position, stream=stream, first=first.revision, kind="request",
        closes=head.closed, began_us=first.at_us, at_us=last.at_us, parent=head.parent,
        parent_revision=head.parent_revision, events=masked.events,
    )  # fmt: skip
    return Recorded(summarize(row, row), masked)

"""Requests as a list shows them."""

from collections.abc import Sequence

import msgspec

from eventstore import Row, StreamId


class RequestSummary(msgspec.Struct, frozen=True):
    """One request in a list."""

    stream: StreamId
    request_id: str
    """`req-` and 32 hex digits."""
    position: int
    """Of its first event; what lists are ordered and paged by."""
    started_us: int
    method: str
    path: str
    route: str
    handler: str
    edition: str | None
    status: int | None
    """None: still running, aborted or torn."""
    outcome: str
    """`200`, `500 KeyError`, `400 validation-failed`, `running`, `aborted: crash`."""
    failed: bool
    """Status 500 and above, timed out, or aborted."""
    duration_us: int
    facts: int
    principal: str
    parent: StreamId | None = None
    """Of a fork: the stream it goes on from."""
    name: str = ""

    @property
    def short_id(self) -> str:
        """`req-` and the last 6 digits: what a person types."""
        return f"req-{self.stream.hex[-6:]}"


class RequestList(msgspec.Struct, frozen=True):
    """A page of requests, newest first."""

    requests: Sequence[RequestSummary]
    older: int | None
    """Pass as `before` for the next page; None: there is no more."""
    scanned: int
    """Requests looked at to fill the page."""


def summarize(row: Row, last: Row) -> RequestSummary:
    """Say in a line what a request did, from its first and its last row (may be the same)."""
    raise NotImplementedError

"""A recording as JSON lines: what it is, a fact a line, what they come to (AD-14)."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from debugger.exports.recording import Recording
from debugger.session import request_id
from eventstore import Event, UnknownEvent

FORM = 1


def as_lines(recording: Recording) -> bytes:
    """Return *recording* as lines of JSON, ASCII only.

    The last line holds the number of facts and the SHA-256 of all lines before it.
    """
    lines = [*_lines(recording)]
    body = "".join(f"{line}\n" for line in lines).encode("ascii")
    last = {
        "kind": "end", "facts": recording.facts, "sha256": hashlib.sha256(body).hexdigest()
    }  # fmt: skip
    return body + f"{text_of(last)}\n".encode("ascii")


def _lines(recording: Recording) -> Iterator[str]:
    positions = [event.position for event in recording.events]
    header = {
        "kind": "recording",
        "form": FORM,
        "logs": logs_of(recording),
        "positions": [min(positions, default=0), max(positions, default=0)],
        "where": recording.where,
        "requests": [each.timeline.request_id for each in recording.requests],
        "hidden": msgspec.to_builtins(recording.hidden),
    }
    yield text_of(header)
    for each in recording.requests:
        stream = each.timeline.stream
        for revision, event in enumerate(each.timeline.events, 1):
            # A fork's first facts are its parent's; here they are of the fork.
            yield text_of(
                {"kind": "fact", "request": request_id(stream), **fact_of(event, revision)}
            )


def logs_of(recording: Recording) -> list[Mapping[str, Any]]:
    """Say of which logs it is, and how far they were."""
    return [
        {"log": log.hex, "epoch": mark.epoch, "position": mark.position, "head": mark.chain.hex()}
        for log, mark in sorted(recording.end.marks.items())
    ]


def fact_of(event: Event, revision: int) -> Mapping[str, Any]:
    """Return a fact as plain JSON data."""
    return {
        "revision": revision, "position": event.position, "at_us": event.at_us,
        "type": event.type, "key": event.key, "line": event.site, "schema": event.schema,
        "data": payload(event),
    }  # fmt: skip


def payload(event: Event) -> Any:
    """Return what a fact holds as plain JSON data."""
    data = event.data.data if isinstance(event.data, UnknownEvent) else event.data
    return msgspec.to_builtins(data)


def text_of(value: Any) -> str:
    """Return *value* as JSON, ASCII only; also with lone surrogates in it."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)

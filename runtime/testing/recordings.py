"""A recorded request as text in a test: run by today's code, with the answers it got then.

`timescape export --as pytest` writes such tests. Nothing is performed: time is virtual,
effects get the answers of the record.
"""

import json
from collections.abc import Mapping
from typing import Any, Self

import msgspec

from eventstore import Event, Position, Revision, StreamId, UnknownEvent
from eventstore.codec import from_plain
from eventstore.memory import MemoryStore
from eventstore.upcasting import lift
from runtime.app import App
from runtime.context import REQUEST_REDUCER, registry
from runtime.facts import ResponseSent
from runtime.replay import Library, Options, Replay, SetInput, run_again
from runtime.replay.divergence import payload_text, plain
from runtime.request_ids import stream_of
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.replaying import apart


class Rerun(msgspec.Struct, frozen=True):
    """How the request was answered this time."""

    status: int | None
    """None: it was not answered."""
    code: str | None
    body: Any
    """As JSON; what must not be recorded is `{"$redacted": true}`."""
    state: Mapping[str, Any]
    """User state at its end, as `timescape state --json` shows values."""
    story: str
    """Where code and record part, for the message of a failing test; `` if they do not."""


class RecordedRequest:
    """The facts of one request.

    Args:
        events: of its stream, from the first on.
    """

    def __init__(self, events: tuple[Event, ...]) -> None:
        self.events = events

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a request: a line its id, then a fact a line.

        Raises:
            ValueError: it is not what `timescape export --as pytest` wrote.
        """
        head, *lines = text.strip().splitlines()
        stream = stream_of(json.loads(head)["request"])
        reads = registry()
        return cls(
            tuple(_event(stream, at, json.loads(line), reads) for at, line in enumerate(lines, 1))
        )

    def run(self, app: App, given: Mapping[str, Any] | None = None) -> Rerun:
        """Run the request by the code of *app*; it may be called on an event loop.

        Args:
            app: need not be started.
            given: another input: pointers such as `/body/card` to values.

        Raises:
            NotReplayableError: the code reads what was not recorded, and is not given.
        """
        edits = [SetInput(tuple(at.strip("/").split("/")), of) for at, of in (given or {}).items()]
        options = Options(edits=edits, on_divergence="fork")
        ids = SeededIds()
        with MemoryStore(registry(), FakeClock(), ids) as nothing:
            fork = StreamId(ids.uuid7(0))
            library = Library(app, nothing)
            replay: Replay = apart(lambda: run_again(library, self.events, options, fork=fork))
        return _told(replay)


def _event(stream: StreamId, at: int, line: Mapping[str, Any], reads: Any) -> Event:
    reading = reads.reading(line["type"], line["schema"])
    data: Any = UnknownEvent(line["data"])
    if reading.cls is not None:
        lifted = (
            lift(line["data"], reading.steps, line["schema"]) if reading.steps else line["data"]
        )
        data = from_plain(lifted, reading.cls)
    return Event(
        Position(at), stream, Revision(at), reading.name, data, line["key"], line["at_us"],
        line["line"],
    )  # fmt: skip


def _told(replay: Replay) -> Rerun:
    last = replay.facts[-1].data if replay.facts else None
    sent = last if isinstance(last, ResponseSent) else None
    events = tuple(
        Event(Position(at), replay.request, Revision(at), new.type, new.data, new.key, new.at_us,
              new.site)
        for at, new in enumerate(replay.facts, 1)
    )  # fmt: skip
    state = REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), events)
    return Rerun(
        status=sent.status if sent else None,
        code=sent.code if sent else None,
        body=plain(sent)["body"] if sent and sent.body is not None else None,
        state=plain(dict(state.values)),
        story=_story(replay),
    )


def _story(replay: Replay) -> str:
    parted = replay.divergence
    if parted is None:
        return ""
    there = " and ".join(line for line in dict.fromkeys(parted.lines) if line)
    return (
        f"Code and record part at #{parted.index} ({parted.kind}) {there}\n"
        f"recorded   {payload_text(parted.recorded)}\n"
        f"attempted  {payload_text(parted.attempted)}"
    )

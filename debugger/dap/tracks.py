"""A history that is walked through as a thread, and its frames at the place it is at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from debugger.dap.protocol import Source
from debugger.session.lines import LineTrace
from debugger.session.source import read_source
from debugger.session.subjects import json_of
from debugger.session.walking import Place, Walk
from debugger.timeline import Timeline, printable, sentence, subject

MOST_FACTS = 1_000_000
"""By which the numbers of threads stand apart in references to texts."""
_MOST_LINES = 2_000
_MOST_CELLS = 4_096


class Frame(msgspec.Struct, frozen=True):
    """A frame: a line of code, a fact, or the hook or handler around them."""

    name: str
    site: str = ""
    """``: it has no line of its own."""
    step: int | None = None
    """Of the lines: its locals are known."""
    is_label: bool = False


class Track:
    """One history, shown as a thread.

    Args:
        number: of the thread.
        name: what it is called.
        timeline: the history.
        trace: its lines, if they are known.
    """

    def __init__(
        self, number: int, name: str, timeline: Timeline, trace: LineTrace | None = None
    ) -> None:
        self.id = number
        self.name = name
        self.walk = Walk(timeline, trace)

    @property
    def timeline(self) -> Timeline:
        """The history."""
        return self.walk.timeline

    @property
    def at(self) -> Place:
        """Where it is."""
        return self.walk.at

    @property
    def told(self) -> str:
        """The fact it is at, in a sentence."""
        return told(self.timeline, self.at.revision)

    def frames(self) -> list[Frame]:
        """Return the frames at the place, innermost first."""
        step = self.at.step if self.at.step is not None else self._written_by()
        span = self.timeline.state_at(self.at.revision).span
        label = [] if span is None else [Frame(printable(f"{span.kind} {span.id}"), is_label=True)]
        if step is None or self.walk.trace is None:
            return [self._fact(), *label]
        trace = self.walk.trace
        lines = [(n, trace.lines[n]) for n in trace.stack(step)]
        return [Frame(printable(line.function), line.site, n) for n, line in lines] + label

    def _written_by(self) -> int | None:
        """Return the line that wrote the fact one is at, if it is known."""
        trace, revision = self.walk.trace, self.at.revision
        if trace is None or not revision:
            return None
        step = trace.before(revision)
        return step if step >= 0 and trace.lines[step].site == self._site else None

    @property
    def _site(self) -> str:
        revision = self.at.revision
        return (self.timeline.fact(revision).site or "") if revision else ""

    def _fact(self) -> Frame:
        revision = self.at.revision
        if not revision:
            return Frame("#0 before the first fact")
        event = self.timeline.fact(revision)
        return Frame(f"#{revision} {printable(event.type)} {subject(event)}".rstrip(), self._site)

    def source(self, frame: Frame, roots: Sequence[Path]) -> tuple[Source, int]:
        """Return where the code of *frame* stands; else its fact as a text, and line 1."""
        started = self.timeline.state_at(self.at.revision).started_us
        found = read_source(frame.site, roots, started or None)
        if found.lines and found.line <= len(found.lines):
            doubt = found.problem or None
            return Source(Path(found.path).name, found.path, origin=doubt), found.line
        revision = self.at.revision
        reference = self.id * MOST_FACTS + revision
        return Source(f"fact {revision} of {self.timeline.request_id}",
                      source_reference=reference, origin=found.problem or None), 1  # fmt: skip


def told(timeline: Timeline, revision: int) -> str:
    """Tell a moment in a sentence."""
    if revision:
        return sentence(timeline, revision)
    return f"#0 of {timeline.last}. Before the first fact."


def text_of(timeline: Timeline, revision: int) -> str:
    """Tell a fact in full, as lines that can be shown: what it says and what it carries."""
    lines = [told(timeline, revision)]
    if revision:
        event = timeline.fact(revision)
        lines += ["", *_indented(json_of(event.data))]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES} more lines"]
    return "".join(f"{printable(line[:_MOST_CELLS])}\n" for line in lines)


def _indented(data: Any) -> list[str]:
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode().split("\n")

"""The line of the preview that says how often this failure came (UI-2)."""

from collections.abc import Sequence

from textual.message_pump import MessagePump

from debugger.session import RequestSummary, Session
from debugger.session.alike import Alike, alike
from debugger.timeline import printable
from debugger.tui.cells import Cells
from debugger.tui.confirm import TextPane
from debugger.tui.latest import Latest

_ABOVE = 2
"""Lines of the preview that matter more: what failed, and what led there."""
_MOST_VERSIONS = 4


class AlikeLine:
    """Adds to a preview what only a look at the requests before it tells.

    Args:
        host: hands out the answers.
        session: is asked.
        pane: shows the preview.
    """

    def __init__(self, host: MessagePump, session: Session, pane: TextPane) -> None:
        self._lane = Latest(host, "timescape-alike")
        self._session = session
        self._pane = pane

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._lane.busy

    def close(self) -> None:
        """End the thread as soon as it is free."""
        self._lane.close()

    def want(self, of: RequestSummary, rows: Sequence[Cells]) -> None:
        """Add the line to *rows*, the preview of *of*, if that failed; any earlier wish is void."""
        self._lane.drop()
        self._pane.note_is("")
        if not of.failed:
            return

        def then(found: Alike) -> None:
            self._pane.note_is(found.told)
            self._pane.show([*rows[:_ABOVE], line_of(found), *rows[_ABOVE:]])

        # It is no reason for an alarm: the list itself will tell of a lost store.
        self._lane.ask(
            lambda: alike(self._session, of, unwanted=self._lane.superseded),
            then,
            lambda error: None,
        )


def line_of(found: Alike) -> Cells:
    """Return the line: how often under each version, the most frequent first."""
    ranked = sorted(found.versions.items(), key=lambda each: -each[1])
    each = "  ".join(f"{printable(version[:40])} {n}" for version, n in ranked[:_MOST_VERSIONS])
    more = len(ranked) - _MOST_VERSIONS
    rest = f"  and {more} versions more" if more > 0 else ""
    return [("  same fault  ", "dim"), (f"{found.told}: {each}{rest}", "")]

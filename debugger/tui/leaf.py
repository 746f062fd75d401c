"""The writes of the focused place, kept beside the moment that is shown (TM-5)."""

from textual.message_pump import MessagePump

from debugger.timeline import Timeline, Write
from debugger.tui.desk import problem_of
from debugger.tui.latest import Latest
from debugger.tui.writes_pane import WritesPane


class LeafHistory:
    """Fills the pane of writes.

    Every moment shown asks for what the pane ought to show, and the store is asked only for
    what it does not show yet. So nothing that goes wrong, or is lost, leaves it wrong for
    longer than until the next step.

    Args:
        host: hands out the answers.
        pane: shows them.
        retry: what to do when they cannot be read.
    """

    def __init__(self, host: MessagePump, pane: WritesPane, retry: str) -> None:
        self._retry = retry
        self._lane = Latest(host, "timescape-writes")
        self._pane = pane
        self._shown: tuple[Timeline, str] | None = None
        self._asked: tuple[Timeline, str] | None = None
        self._revision = 0

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._lane.busy

    def close(self) -> None:
        """End the thread as soon as it is free."""
        self._lane.close()

    def forget(self) -> None:
        """Show nothing: another request is read."""
        self._lane.drop()
        self._shown = self._asked = None
        self._pane.problem = None
        self._pane.show("", ())

    def want(self, timeline: Timeline, path: str, revision: int) -> None:
        """Show the writes of *path*, and which of them made the value of *revision*."""
        self._revision = revision
        wanted = (timeline, path)
        if _same(self._shown, wanted) and not self._lane.busy:
            self._pane.at(revision)
        elif not (self._lane.busy and _same(self._asked, wanted)):
            self._ask(timeline, path)

    def _ask(self, timeline: Timeline, path: str) -> None:
        def then(writes: list[Write]) -> None:
            self._shown = (timeline, path)
            self._pane.problem = None
            self._pane.show(path, writes)
            self._pane.at(self._revision)

        self._asked = (timeline, path)
        if self._shown is None or self._shown[1] != path:
            self._pane.dim()
        self._lane.ask(lambda: timeline.writes(path), then, self._failed)

    def _failed(self, error: Exception) -> None:
        """Say so in the pane it is about; the next moment, and enter, ask again (ST-3)."""
        self._shown = self._asked = None
        self._pane.problem = problem_of(error, self._retry)
        self._pane.dimmed = False
        self._pane.renew()


def _same(one: tuple[Timeline, str] | None, other: tuple[Timeline, str]) -> bool:
    # A history that has grown is another one: it may hold more writes.
    return one is not None and one[0] is other[0] and one[1] == other[1]

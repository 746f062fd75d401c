"""Points: before and after each hook attempt, handler and effect, where a gate may hold a request.

A point is the fact that was just written, such as `hook.started`. Where nobody holds requests
it costs one look at an attribute, which callers do: `if run.gates is not None: await …`.
"""

from runtime.lifecycle.gated import MOST_HOLD_S
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import drive


async def at_point(run: Run) -> None:
    """Hold the request between two pieces of its code, for as long as a gate wants it.

    Raises:
        GateFailedError: it is to fail here.
        RequestStoppedError: it was stopped meanwhile.
    """
    if run.gates is not None:
        # So that it can be stopped; its deadline does not count.
        await drive(run, run.gates.reached(), None, False)  # noqa: FBT003 - see `drive`


async def after_failure(run: Run, error: BaseException) -> None:
    """Be at the point where *error* of a hook or the handler was written down."""
    if isinstance(error, Exception):
        await at_point(run)


async def in_effect(run: Run, error: BaseException | None = None) -> None:
    """Hold code that has asked for an effect, or has its answer, or its *error*.

    Raises:
        GateFailedError: it is to fail here.
    """
    # What was cancelled is at no point.
    if run.gates is not None and (error is None or isinstance(error, Exception)):
        await run.gates.reached()


class Standstill:
    """Time of one request that stands still: its deadline, and limits of the code that waits.

    Several may hold it at once; it goes on when the last lets go.
    """

    __slots__ = ("_deadline_at", "_depth", "_run", "_since")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._depth = 0
        self._since = 0.0
        self._deadline_at = 0.0

    def begin(self) -> None:
        """Stop the time."""
        run, now = self._run, self._run.loop.time()
        if self._depth == 0:
            self._since, self._deadline_at = now, run.deadline_at
            run.is_held = True
            if run.section is not None:
                run.section.hold()
        self._depth += 1
        # Others of the request may look how much is left: enough for all that holds it.
        run.deadline_at = self._deadline_at + (now - self._since) + MOST_HOLD_S

    def end(self) -> None:
        """Let it go on, if nobody else holds it."""
        self._depth -= 1
        if self._depth:
            return
        self._run.is_held = False
        waited_s = self._run.loop.time() - self._since
        self._run.deadline_at = self._deadline_at + waited_s
        if self._run.section is not None:
            self._run.section.go_on(waited_s)

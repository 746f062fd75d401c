"""Long work that a person waits for: what it is, how far, and how to end it (UI-9)."""

from collections.abc import Callable


class Job:
    """One piece of long work.

    Args:
        text: what is done.
        cancel: ends it, from the screen's thread.
        clock: seconds, never going back.
    """

    def __init__(self, text: str, cancel: Callable[[], None], clock: Callable[[], float]) -> None:
        self.text = text
        self.cancel = cancel
        self._clock = clock
        self._began = clock()
        self._done = (0, 0)

    def progress(self, done: int, total: int) -> None:
        """Say how far it is; from any thread."""
        self._done = (done, total)

    @property
    def told(self) -> str:
        """`verify 31 % 4 s left`, or how long it takes already."""
        done, total = self._done
        passed = max(self._clock() - self._began, 0.0)
        if not total:
            return f"{self.text} {passed:.0f} s"
        left = passed * (total - done) / done if done else 0.0
        return f"{self.text} {100 * done // total} % {left:.0f} s left"


class Jobs:
    """The work that goes on; one at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.current: Job | None = None

    def begin(self, text: str, cancel: Callable[[], None]) -> Job:
        """Note that work begins."""
        self.current = Job(text, cancel, self._clock)
        return self.current

    def end(self, job: Job) -> None:
        """Note that *job* is over."""
        if self.current is job:
            self.current = None

    def cancel(self) -> bool:
        """End what goes on; say whether there was anything."""
        if self.current is None:
            return False
        self.current.cancel()
        return True

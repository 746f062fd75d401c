"""Numbers that stand for frames and values while one is at a place."""

from typing import Generic, TypeVar

from debugger.errors import NotFoundError

MOST = 100_000
"""Numbers given out for one place."""

T = TypeVar("T")


class Handles(Generic[T]):
    """Gives numbers from 1, never one twice: what was asked before a step is refused after it."""

    def __init__(self) -> None:
        self._last = 0
        self._known: dict[int, T] = {}

    def add(self, thing: T) -> int:
        """Return a number for *thing*; 0, which stands for nothing, if there are too many."""
        if len(self._known) >= MOST:
            return 0
        self._last += 1
        self._known[self._last] = thing
        return self._last

    def find(self, number: int) -> T:
        """Return what *number* stands for.

        Raises:
            NotFoundError: nothing, any more.
        """
        try:
            return self._known[number]
        except KeyError:
            problem = f"Nothing goes by the number {number}: a step has been made since."
            raise NotFoundError(problem, "Ask for the frames of the thread again.") from None

    def forget(self) -> None:
        """Let no number stand for anything."""
        self._known.clear()

"""Messages of an inbox that can be taken, the longest waiting first. Pure."""

import heapq
from collections import deque
from typing import Literal

import msgspec

from runtime.queue.messages import Message

Phase = Literal["ready", "running", "waiting", "gone"]


class Queued(msgspec.Struct, eq=False, gc=False):
    """A message in an inbox. A Struct, as there are many: the collector never looks at it."""

    message: Message
    lane: str | None
    seq: int
    """Its place among all that came."""
    since: int
    attempts: int = 0
    node: str = ""
    """That claimed it last."""
    phase: Phase = "ready"
    due_us: int = 0
    retries: int = 0


class Line:
    """Messages in the order in which they came, those that were put back among the others.

    Nearly all come one behind the other: such a message costs an append and a pop, at any
    length. Only what comes back, before others that came later, goes through a heap. What is
    not ready any more is passed over; it stays until it is met, or `tidy` is called.
    """

    __slots__ = ("_back", "_fresh")

    def __init__(self) -> None:
        self._fresh: deque[Queued] = deque()
        self._back: list[tuple[int, Queued]] = []

    def __len__(self) -> int:
        return len(self._fresh) + len(self._back)

    def push(self, queued: Queued) -> None:
        """Put in what is ready."""
        fresh = self._fresh
        if not fresh or fresh[-1].seq < queued.seq:
            fresh.append(queued)
        else:
            heapq.heappush(self._back, (queued.seq, queued))

    def head(self) -> Queued | None:
        """Return what `pop` would; None: nothing is ready."""
        fresh, back = self._fresh, self._back
        while fresh and fresh[0].phase != "ready":
            fresh.popleft()
        while back and back[0][1].phase != "ready":
            heapq.heappop(back)
        if back and (not fresh or back[0][0] <= fresh[0].seq):
            return back[0][1]
        return fresh[0] if fresh else None

    def pop(self) -> Queued | None:
        """Take out the longest waiting that is ready; None: nothing is."""
        fresh = self._fresh
        if self._back:
            head = self.head()
            if self._back and head is self._back[0][1]:
                return heapq.heappop(self._back)[1]
        while fresh:
            queued = fresh.popleft()
            if queued.phase == "ready":
                return queued
        return None

    def tidy(self) -> None:
        """Let go of all that is not ready any more."""
        self._fresh = deque([each for each in self._fresh if each.phase == "ready"])
        self._back = [each for each in self._back if each[1].phase == "ready"]
        heapq.heapify(self._back)

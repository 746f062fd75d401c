"""What a subscriber has not settled yet, and what it takes next. Pure.

A message is *ready* until it is taken, *running* until its outcome is known, *waiting*
between two attempts, and then it is gone. Of a lane, the messages of one key, only the first
is ever taken: it leaves the lane when it is settled.
"""

import heapq
from collections import deque
from typing import Literal, TypeAlias

import msgspec

from runtime.queue.lines import Line, Queued
from runtime.queue.messages import Message

OLDEST_EVERY = 16
"""Of so many messages taken, one is the longest waiting (QF-7)."""
Outcome = Literal["acknowledged", "expired", "dead"]


class Counts(msgspec.Struct, frozen=True):
    """How many messages came, and what became of them."""

    accepted: int = 0
    acknowledged: int = 0
    expired: int = 0
    dead: int = 0
    retried: int = 0
    """Attempts after which there was to be another."""


class Taken(msgspec.Struct, frozen=True):
    """What comes out of an inbox at one time."""

    chosen: tuple[Message, ...]
    """To be worked on, in this order."""
    expired: tuple[Message, ...]
    """Whose time is over."""


class Inbox:
    """The messages of one subscriber.

    Args:
        counts: of what was settled before.
    """

    def __init__(self, counts: Counts | None = None) -> None:
        self.queued: dict[str, Queued] = {}
        """By id, in the order they came."""
        self.size = 0
        """In bytes."""
        self.topics: dict[str, list[int]] = {}
        """Number and bytes of the queued messages of each topic."""
        self.is_paused = False
        self._counts = dict(msgspec.structs.asdict(counts or Counts()))
        self._settled: list[tuple[int, Outcome, int]] = []
        self._lanes: dict[str, deque[Queued]] = {}
        self._lines: dict[int, Line] = {}
        """By priority, the highest first."""
        self._stale = 0
        """Messages in lines that were not taken from there, and are not ready any more."""
        self._waiting: _Heap = []
        self._seq = 0
        self._turn = 0

    def __len__(self) -> int:
        return len(self.queued)

    @property
    def counts(self) -> Counts:
        """How many came, and what became of them; the rest is queued."""
        return Counts(**self._counts)

    # --- what happens to messages; what is not there changes nothing ---

    def accept(self, message: Message, lane: str | None = None, since: int | None = None) -> bool:
        """Put *message* behind all others; False: it is there.

        Args:
            message: new, or a dead letter that is tried again.
            lane: of messages that are taken one after the other; None: of none.
            since: position from which on the log is read to find it here; None: its own.
        """
        if message.id in self.queued:
            return False
        self._seq += 1
        queued = Queued(message, lane, self._seq, message.since if since is None else since)
        self.queued[message.id] = queued
        self._count(message, 1)
        self._counts["accepted"] += 1
        if lane is not None:
            line = self._lanes.setdefault(lane, deque())
            line.append(queued)
            if len(line) > 1:
                return True
        self._push(queued)
        return True

    def claim(self, id_: str, attempt: int, node: str = "") -> None:
        """Note that an attempt is about to begin, at *node*."""
        queued = self.queued.get(id_)
        if queued is not None:
            self._stale += queued.phase == "ready"
            queued.attempts = attempt
            queued.node = node
            queued.phase = "running"

    def retry(self, id_: str, due_us: int, *, counted: bool = True) -> None:
        """Let a message wait for its next attempt; it keeps its place."""
        queued = self.queued.get(id_)
        if queued is None:
            return
        if not counted:
            queued.attempts = max(0, queued.attempts - 1)
        self._stale += queued.phase == "ready"
        queued.phase = "waiting"
        queued.due_us = due_us
        queued.retries += 1
        self._counts["retried"] += 1
        heapq.heappush(self._waiting, (due_us, queued.seq, queued))

    def put_back(self, id_: str) -> None:
        """Let a message that was taken be taken again: nobody has begun with it."""
        queued = self.queued.get(id_)
        if queued is not None and queued.phase == "running":
            queued.phase = "ready"
            self._offer(queued)

    def settle(self, id_: str, outcome: Outcome) -> Message | None:
        """Take a message out for good; the next of its lane is ready then."""
        queued = self.queued.pop(id_, None)
        if queued is None:
            return None
        self._stale += queued.phase == "ready"
        queued.phase = "gone"
        self._count(queued.message, -1)
        self._counts[outcome] += 1
        self._settled.append((queued.since, outcome, queued.retries))
        if queued.lane is not None:
            self._leave(queued, queued.lane)
        if self._stale > len(self.queued) + 64:
            self._tidy()  # there are inboxes of which nobody ever takes
        return queued.message

    def _leave(self, queued: Queued, lane: str) -> None:
        line = self._lanes[lane]
        was_first = line[0] is queued
        line.remove(queued)
        if not line:
            del self._lanes[lane]
        elif was_first:
            self._offer(line[0])

    # --- what comes next ---

    def take(self, now_us: int, room: int) -> Taken:
        """Take up to *room* messages to work on, and all whose time is found to be over.

        Whatever is taken is running until it is settled, retried or put back.
        """
        self._wake(now_us)
        chosen: list[Message] = []
        expired: list[Message] = []
        while len(chosen) < room and not self.is_paused:
            queued = self._next()
            if queued is None:
                break
            queued.phase = "running"
            message = queued.message
            if message.ttl_us is not None and message.is_expired(now_us):
                expired.append(message)
                continue
            self._turn += 1
            chosen.append(message)
        return Taken(tuple(chosen), tuple(expired))

    def due_us(self) -> int | None:
        """Say when the next message that waits is ready; None: none waits."""
        waiting = self._waiting
        while waiting and not _is_waiting(waiting[0]):
            heapq.heappop(waiting)
        return waiting[0][0] if waiting else None

    def oldest_ready(self, topic: str) -> Message | None:
        """Return the longest waiting message of *topic* that nobody works on."""
        for queued in self.queued.values():
            if queued.message.topic == topic and queued.phase != "running":
                return queued.message
        return None

    def _wake(self, now_us: int) -> None:
        while (due_us := self.due_us()) is not None and due_us <= now_us:
            queued = heapq.heappop(self._waiting)[2]
            queued.phase = "ready"
            self._offer(queued)

    def _offer(self, queued: Queued) -> None:
        """Let *queued* be chosen, if it is its lane's first."""
        if queued.phase == "ready" and self._may(queued):
            self._push(queued)

    def _push(self, queued: Queued) -> None:
        line = self._lines.get(queued.message.priority)
        if line is None:
            line = self._open_line(queued.message.priority)
        line.push(queued)

    def _open_line(self, priority: int) -> Line:
        lines = {**self._lines, priority: Line()}
        self._lines = {each: lines[each] for each in sorted(lines, reverse=True)}
        return lines[priority]

    def _may(self, queued: Queued) -> bool:
        return queued.lane is None or self._lanes[queued.lane][0] is queued

    def _next(self) -> Queued | None:
        lines = self._lines.values()
        if self._turn % OLDEST_EVERY == OLDEST_EVERY - 1 and len(lines) > 1:
            heads = [(head.seq, line) for line in lines if (head := line.head()) is not None]
            return min(heads)[1].pop() if heads else None
        for line in lines:
            queued = line.pop()
            if queued is not None:
                return queued
        return None

    def _tidy(self) -> None:
        for line in self._lines.values():
            line.tidy()
        self._stale = 0

    def _count(self, message: Message, by: int) -> None:
        held = self.topics.get(message.topic)
        if held is None:
            held = self.topics[message.topic] = [0, 0]
        size = by * len(message.payload)
        held[0] += by
        held[1] += size
        self.size += size

    # --- how far it is ---

    def reaches(self) -> int | None:
        """Return the first position from which on queued messages are found; None: none is."""
        return min((each.since for each in self.queued.values()), default=None)

    def counts_up_to(self, position: int) -> Counts:
        """Count those that are found up to *position*; all of them are settled.

        What was settled before is forgotten: ask with rising positions that are below
        `reaches`.
        """
        counts = dict(self._counts)
        counts["accepted"] -= len(self.queued)
        counts["retried"] -= sum([each.retries for each in self.queued.values()])
        self._settled = [each for each in self._settled if each[0] > position]
        for _, outcome, retries in self._settled:
            counts["accepted"] -= 1
            counts["retried"] -= retries
            counts[outcome] -= 1
        return Counts(**counts)


_Heap: TypeAlias = list[tuple[int, int, Queued]]


def _is_waiting(entry: tuple[int, int, Queued]) -> bool:
    due_us, _, queued = entry
    return queued.phase == "waiting" and queued.due_us == due_us

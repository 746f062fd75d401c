"""What waits to be written, and when it is: at once for threads, gathered for event loops."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeAlias

from eventstore import refusals
from eventstore.drafts import Draft
from eventstore.sql import failures
from eventstore.sql.tickets import SqlTicket

QUEUE_COMMITS = 4_096
QUEUE_BYTES = 64 << 20
GATHERED = 64
GATHER_S = 0.005
"""What an event loop may gather before it has it written: commits, and seconds."""

Entry: TypeAlias = tuple[Draft, SqlTicket]
Asked: TypeAlias = Callable[[], None]


class Inbox:
    """Drafts on their way to the writer, in order. Thread-safe.

    Args:
        url: of the store.
        path: of the store, for messages.
        flush_here: writes what waits in the calling thread, an event loop's, and says
            whether that is done; if not, the writer's thread does it.
    """

    def __init__(self, url: str, path: failures.Place, flush_here: Callable[[], bool]) -> None:
        self._url = url
        self._path = path
        self._flush_here = flush_here
        self._lock = threading.Lock()
        self._waiting: deque[Entry | Asked] = deque()
        self._put = 0
        """How much came in; of it *taken* out, and *due* to be written."""
        self._taken = 0
        self._due = 0
        self._commits = 0
        self._bytes = 0
        self._closed = False
        self._wakeups: SimpleQueue[None] = SimpleQueue()
        self._woken = False
        self._gatherer: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        """How much waits here."""
        return len(self._waiting)

    @property
    def commits(self) -> int:
        """How many commits are not settled."""
        return self._commits

    @property
    def is_due(self) -> bool:
        """Whether something that waits is to be written now."""
        return self._taken < self._due

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    @property
    def is_finished(self) -> bool:
        """Whether nothing is here, and nothing will come."""
        return self._closed and not self._waiting

    def put(self, draft: Draft) -> SqlTicket:
        """Put *draft* in line.

        Raises:
            EventStoreError: `store-busy`, `store-closed`.
        """
        ticket = SqlTicket(self.ring)
        size = draft.size
        with self._lock:
            if self._closed:
                raise refusals.store_closed(self._url)
            # A commit that is larger than the limit must get in when it is alone.
            if self._commits >= QUEUE_COMMITS or (self._bytes and self._bytes + size > QUEUE_BYTES):
                raise failures.queue_full(self._path, self._commits)
            self._commits += 1
            self._bytes += size
            self._put += 1
            self._waiting.append((draft, ticket))
        loop = asyncio._get_running_loop()  # noqa: SLF001 - the public one raises where there is none
        if loop is None:
            self.ring()
        elif self._gatherer is not loop:
            self._gatherer = loop
            loop.call_soon(self._gather, loop, loop.time(), self._put)
        return ticket

    def ask(self, asked: Asked) -> None:
        """Have *asked* done by whoever writes, among the commits; it must be short."""
        with self._lock:
            if self._closed:
                return
            self._put += 1
            self._waiting.append(asked)
        self.ring()

    def close(self) -> None:
        """Take nothing more. Twice is once."""
        with self._lock:
            self._closed = True
        self.ring()

    def _gather(self, loop: asyncio.AbstractEventLoop, since_s: float, put: int) -> None:
        """Have it written once the loop has nothing more to append at the moment.

        Runs in the loop. No timer: it looks once a turn of the loop.
        """
        more = self._put - put
        if more and self._put - self._taken < GATHERED and loop.time() - since_s < GATHER_S:
            loop.call_soon(self._gather, loop, since_s, self._put)
        else:
            self._gatherer = None
            if not self._flush_here():
                self.ring()

    # --- waking the writer's thread ---

    def ring(self) -> None:
        """Have written what was put in so far."""
        self._due = self._put
        self.poke()

    def poke(self) -> None:
        """Have the writer look whether there is anything to do."""
        if not self._woken:
            self._woken = True
            self._wakeups.put(None)

    # --- for whoever writes ---

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for `ring` or `poke`; say whether there was one."""
        try:
            self._wakeups.get(timeout=timeout_s)
        except Empty:
            return False
        # Put down before anything is taken: what comes in from here on wakes again.
        self._woken = False
        return True

    def take(self, most: int) -> list[Entry | Asked]:
        """Take out what came first, *most* at most."""
        taken: list[Entry | Asked] = []
        while self._waiting and len(taken) < most:
            taken.append(self._waiting.popleft())
        self._taken += len(taken)
        return taken

    def settle(self, commits: int, size: int) -> None:
        """Make room for more: so much was answered."""
        with self._lock:
            self._commits -= commits
            self._bytes -= size

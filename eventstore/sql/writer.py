"""The one thread that writes a log: takes what is queued, writes it, tells who waits."""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeAlias, TypeVar

import sqlalchemy as sa

from eventstore import refusals
from eventstore.drafts import Draft
from eventstore.errors import EventStoreError
from eventstore.forks import Process
from eventstore.sql import failures
from eventstore.sql.files import WriteLock
from eventstore.sql.log_file import FLUSH_ROWS, LOG, LogFile
from eventstore.sql.plan import Outcome
from eventstore.sql.tickets import SqlTicket, settle

FLUSH_BYTES = 1 << 20
FLUSHES = 16
"""Without letting go of the file's lock, at most."""
QUEUE_COMMITS = 4_096
QUEUE_BYTES = 64 << 20
GATHERED = 64
GATHER_S = 0.005
"""What an event loop may gather before it has it written: commits, and seconds."""
IDLE_S = 0.1
DRAIN_S = 10.0
RETRY_S = 1.0
SLOW_S = 0.01
"""Flushes that take longer are not for an event loop."""

T = TypeVar("T")
Entry: TypeAlias = tuple[Draft, SqlTicket]


class Writer:
    """Owns the log file and its thread.

    Args:
        url: of the store.
        path: of the store.
        log_file: open, and held if this process is the holder.
        write_lock: of the same store.
    """

    def __init__(self, url: str, path: Path, log_file: LogFile, write_lock: WriteLock) -> None:
        self._url = url
        self._path = path
        self._file = log_file
        self._write_lock = write_lock
        self._inbox: deque[Entry] = deque()
        self._backlog: deque[Entry] = deque()
        self._appended = 0
        """How many drafts came in; of them *taken* out of the inbox, and *due* to be written."""
        self._taken = 0
        self._due = 0
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._rung = False
        self._gatherer: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._commits = 0
        self._bytes = 0
        self._closed = False
        self._woken = 0
        self._generation = Process.generation
        self._fenced: EventStoreError | None = None
        self._broken = False
        self._full_until_s = 0.0
        self._broken_until_s = 0.0
        self._not_here_until_s = 0.0
        self._flush_s = 0.0
        """What flushes in an event loop took lately, smoothed."""
        self._writing = threading.Lock()
        """Held by whoever writes: this thread, or an event loop's in its stead."""
        self._thread = threading.Thread(target=self._run, name=f"log {path.name}", daemon=True)
        self._thread.start()

    def enqueue(self, draft: Draft) -> SqlTicket:
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
            self._appended += 1
            self._inbox.append((draft, ticket))
        loop = asyncio._get_running_loop()  # noqa: SLF001 - the public one raises where there is none
        if loop is None:
            self.ring()
        elif self._gatherer is not loop:
            self._gatherer = loop
            loop.call_soon(self._gather, loop, loop.time(), self._appended)
        return ticket

    def do(self, work: Callable[[LogFile], T]) -> T:
        """Do *work* with the log file in this thread, between two flushes; return what it gives.

        Raises:
            EventStoreError: what *work* raises, `store-closed`, `log-failed`, `log-fenced`.
        """
        with self._writing, self._write_lock:
            refuse = self._refusal()
            if self._closed:
                raise refusals.store_closed(self._url)
            if refuse is not None:
                raise refuse()
            try:
                return work(self._file)
            except sa.exc.DBAPIError as error:
                self._failed(error, ())
                raise failures.translated(failures.sqlite_error(error), self._path) from error

    def ring(self) -> None:
        """Have written what was queued so far."""
        self._due = self._appended
        if not self._rung:
            self._rung = True
            self._bell.put(None)

    def _gather(self, loop: asyncio.AbstractEventLoop, since_s: float, appended: int) -> None:
        """Have it written once the loop has nothing more to append at the moment.

        Runs in the loop. No timer: it looks once a turn of the loop.
        """
        more = self._appended - appended
        if more and self._appended - self._taken < GATHERED and loop.time() - since_s < GATHER_S:
            loop.call_soon(self._gather, loop, since_s, self._appended)
        else:
            self._gatherer = None
            if not self._flush_here():
                self.ring()

    def _flush_here(self) -> bool:
        """Write in this thread, an event loop's, what is queued; say whether that is done.

        Beside a busy loop the writer's thread waits for the interpreter after each call,
        and the loop is stopped each time it gets it. Where syncing is quick, a flush in the
        loop costs less than that alone (measured: 0.3 ms a sync; 1.8 times the requests).
        """
        if time.monotonic() < self._not_here_until_s or not self._writing.acquire(blocking=False):
            return False
        began_s = time.monotonic()
        try:
            if not self._write_lock.take():
                return False
            try:
                entries = self._next_entries()
                if entries:
                    self._flush(entries)
            finally:
                self._write_lock.leave()
        finally:
            self._writing.release()
        self._note_flush_here(time.monotonic() - began_s)
        if self._file.seal_due_s() == 0.0:
            self.ring()  # the loop shall not wait while a thousand rows are hashed
        return not self._inbox and not self._backlog

    def _note_flush_here(self, took_s: float) -> None:
        """Leave it to the thread for a while where the disk is slow."""
        self._flush_s += (took_s - self._flush_s) / 8
        if self._flush_s > SLOW_S:
            self._flush_s = 0.0
            self._not_here_until_s = time.monotonic() + RETRY_S

    def close(self) -> bool:
        """Take no more, write what is queued, let go of the file; say whether that is done."""
        with self._lock:
            self._closed = True
        self.ring()
        if self._generation != Process.generation:
            return True  # the thread, and the duty to write, stayed in the parent
        self._thread.join(DRAIN_S)
        if self._thread.is_alive():
            LOG.error("close_unfinished path=%s waiting=%d", self._path, self._commits)
        return not self._thread.is_alive()

    # --- the thread ---

    def _run(self) -> None:
        while self._wait():
            with self._writing, self._write_lock:
                self._flush_some()
        self._end()

    def _wait(self) -> bool:
        """Wait until something is to be written; meanwhile do what there is time for.

        Returns:
            Whether to go on; False once the store is closed and all is written.
        """
        while self._taken >= self._due and not self._backlog:
            if self._closed and not self._inbox:
                return False
            due_s, work = self._next_work()
            try:
                self._bell.get(timeout=due_s)
                self._rung = False
            except Empty:
                with self._writing, self._write_lock:
                    self._try(work)
        return True

    def _next_work(self) -> tuple[float | None, Callable[[], object]]:
        """Return what is to be done when nothing comes, and in how many seconds."""
        file = self._file
        due: list[tuple[float | None, Callable[[], object]]] = [(file.sync_due_s(), file.sync)]
        if not self._broken and self._fenced is None:
            due.append((file.seal_due_s(), file.seal))
            due.append((IDLE_S if file.wants_checkpoint(idle=True) else None, self._checkpoint))
        return min(due, key=lambda work: math.inf if work[0] is None else work[0])

    def _seal_if_due(self) -> None:
        """Seal once so many rows wait, for a busy log is never idle."""
        if self._file.seal_due_s() == 0.0 and not self._broken and self._fenced is None:
            self._try(self._file.seal)

    def _flush_some(self) -> None:
        """Write what is due, and for a while what becomes due meanwhile.

        Taking or leaving the file's lock gives the interpreter away, and a busy event loop
        keeps it for milliseconds: not for each flush. But others want to write, too.
        """
        for _ in range(FLUSHES):
            if self._woken > 1:
                self._let_threads_append()
            entries = self._next_entries()
            if entries:
                self._flush(entries)
                self._seal_if_due()
            if self._taken >= self._due and not self._backlog:
                return

    def _next_entries(self) -> list[Entry]:
        """Take what one statement can write, in order; at least one entry if there is any."""
        while self._inbox and len(self._backlog) < FLUSH_ROWS:
            self._backlog.append(self._inbox.popleft())
            self._taken += 1
        entries: list[Entry] = []
        rows = size = 0
        while self._backlog:
            draft = self._backlog[0][0]
            rows += len(draft.rows)
            size += draft.size
            if entries and (rows > FLUSH_ROWS or size > FLUSH_BYTES):
                break
            entries.append(self._backlog.popleft())
        return entries

    def _let_threads_append(self) -> None:
        """Give way while threads that were just answered queue their next commits.

        Without it each second flush holds one commit and costs a sync all the same.
        """
        waiting = -1
        while waiting < (now_waiting := len(self._inbox)) < FLUSH_ROWS:
            waiting = now_waiting
            time.sleep(0)

    def _flush(self, entries: Sequence[Entry]) -> None:
        outcomes = self._outcomes([draft for draft, _ in entries])
        self._settle(entries[: len(outcomes)], outcomes)
        self._backlog.extendleft(reversed(entries[len(outcomes) :]))
        if not self._broken and self._file.wants_checkpoint(idle=False):
            self._try(lambda: self._file.checkpoint("TRUNCATE"))

    def _settle(self, entries: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        size = sum(draft.size for draft, _ in entries)
        with self._lock:
            self._commits -= len(entries)
            self._bytes -= size
        outcomes_of = zip(entries, outcomes, strict=True)
        self._woken = settle([(entry[1], outcome) for entry, outcome in outcomes_of])

    def _outcomes(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        refuse = self._refusal()
        if refuse is not None:
            return [refuse() for _ in drafts]
        try:
            return self._file.flush(drafts)
        except EventStoreError as error:
            self._fenced = error
            return [error] * len(drafts)
        except sa.exc.DBAPIError as error:
            return self._failed(error, drafts)
        except Exception:  # noqa: BLE001 - see below
            # A bug of ours: nobody may wait for ever, nothing may be built on this state.
            LOG.exception("flush_failed path=%s", self._path)
            return self._give_up(drafts)

    def _refusal(self) -> Callable[[], EventStoreError] | None:
        """Say why nothing is to be tried now, if so."""
        fenced, now_s = self._fenced, time.monotonic()
        if fenced is not None:
            return lambda: fenced
        if now_s < self._full_until_s:
            return lambda: failures.store_full(self._path)
        if self._broken and (now_s < self._broken_until_s or not self._reopen()):
            return lambda: failures.log_failed(self._path)
        return None

    def _failed(self, error: sa.exc.DBAPIError, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        ours = failures.translated(failures.sqlite_error(error), self._path)
        LOG.error("flush_failed path=%s code=%s error=%s", self._path, ours.code, error.orig)
        if ours.code == "store-full":
            self._full_until_s = time.monotonic() + RETRY_S
            return [failures.store_full(self._path) for _ in drafts]
        if ours.code in {"store-busy", "read-only"}:
            return [ours] * len(drafts)
        return self._give_up(drafts)

    def _give_up(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        """Never repeat a failed write: some of it may be there (WR-9)."""
        waiting = list(self._backlog)
        self._backlog.clear()
        while self._inbox:
            waiting.append(self._inbox.popleft())
            self._taken += 1
        self._settle(waiting, [failures.log_failed(self._path) for _ in waiting])
        self._reopen()
        return [failures.commit_unknown(self._path) for _ in drafts]

    def _reopen(self) -> bool:
        self._broken = not self._try(self._file.reopen)
        self._broken_until_s = time.monotonic() + RETRY_S
        return not self._broken

    def _checkpoint(self) -> None:
        self._file.checkpoint("PASSIVE")

    def _end(self) -> None:
        with self._writing, self._write_lock:
            if not self._broken and not self._fenced:
                self._try(self._file.finish)
            self._file.close()
        self._write_lock.close()

    def _try(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except (EventStoreError, sa.exc.DBAPIError) as error:
            LOG.error("log_failed path=%s error=%s", self._path, error)
            return False
        return True

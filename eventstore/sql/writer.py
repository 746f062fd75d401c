"""The one thread that writes a log: takes what is queued, writes it, tells who waits."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal, Protocol, TypeAlias

import sqlalchemy as sa

from eventstore import refusals
from eventstore.drafts import Draft
from eventstore.errors import EventStoreError
from eventstore.sql import failures
from eventstore.sql.log_file import FLUSH_ROWS, LOG
from eventstore.sql.plan import Outcome
from eventstore.sql.tickets import SqlTicket, settle

FLUSH_BYTES = 1 << 20
QUEUE_COMMITS = 4_096
QUEUE_BYTES = 64 << 20
IDLE_S = 0.1
DRAIN_S = 10.0
RETRY_S = 1.0

Entry: TypeAlias = tuple[Draft, SqlTicket]


class WritableLog(Protocol):
    """What the thread does to a log; `LogFile` says what each does."""

    def flush(self, drafts: Sequence[Draft]) -> Sequence[Outcome]: ...
    def translated(self, error: sa.exc.DBAPIError) -> EventStoreError: ...
    def reopen(self) -> None: ...
    def sync_due_s(self) -> float | None: ...
    def sync(self) -> None: ...
    def wants_checkpoint(self, *, idle: bool) -> bool: ...
    def checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"]) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class Lock(Protocol):
    """Held around all that the thread does to the log."""

    def __enter__(self) -> object: ...
    def __exit__(self, *_: object) -> None: ...
    def close(self) -> None: ...


class Writer:
    """Owns the log and its thread.

    Args:
        url: of the store.
        path: of the store.
        log_file: open, and held if this process is the holder.
        write_lock: of the same store.
    """

    def __init__(
        self, url: str, path: failures.Place, log_file: WritableLog, write_lock: Lock
    ) -> None:
        self._url = url
        self._path = path
        self._file = log_file
        self._write_lock = write_lock
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._backlog: deque[Entry] = deque()
        self._lock = threading.Lock()
        self._commits = 0
        self._bytes = 0
        self._closed = False
        self._ending = False
        self._woken = 0
        self._pid = os.getpid()
        self._fenced: EventStoreError | None = None
        self._broken = False
        self._full_until_s = 0.0
        self._broken_until_s = 0.0
        self._thread = threading.Thread(
            target=self._run, name=f"log {Path(path).name}", daemon=True
        )
        self._thread.start()

    def enqueue(self, draft: Draft) -> SqlTicket:
        """Put *draft* in line.

        Raises:
            EventStoreError: `store-busy`, `store-closed`.
        """
        ticket = SqlTicket()
        size = draft.size
        with self._lock:
            if self._closed:
                raise refusals.store_closed(self._url)
            # A commit that is larger than the limit must get in when it is alone.
            if self._commits >= QUEUE_COMMITS or (self._bytes and self._bytes + size > QUEUE_BYTES):
                raise failures.queue_full(self._path, self._commits)
            self._commits += 1
            self._bytes += size
            self._queue.put((draft, ticket))
        return ticket

    def close(self) -> bool:
        """Take no more, write what is queued, let go of the file; say whether that is done."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if self._pid != os.getpid():
            return True  # the thread, and the duty to write, stayed in the parent
        self._thread.join(DRAIN_S)
        if self._thread.is_alive():
            LOG.error("close_unfinished path=%s waiting=%d", self._path, self._commits)
        return not self._thread.is_alive()

    # --- the thread ---

    def _run(self) -> None:
        while not self._ending or self._backlog:
            if not self._backlog:
                self._wait()
            entries = self._next_entries()
            if entries:
                self._flush(entries)
        self._end()

    def _wait(self) -> None:
        """Wait for an entry; meanwhile do what is to be done when there is time."""
        due_s = self._file.sync_due_s()
        wants_checkpoint = not self._broken and self._file.wants_checkpoint(idle=True)
        timeout_s = due_s if due_s is not None else IDLE_S if wants_checkpoint else None
        try:
            self._accept(self._queue.get(timeout=timeout_s))
        except Empty:
            with self._write_lock:
                self._try(self._file.sync if due_s is not None else self._checkpoint)

    def _accept(self, entry: Entry | None) -> None:
        if entry is None:
            self._ending = True
        else:
            self._backlog.append(entry)

    def _next_entries(self) -> list[Entry]:
        """Take what one statement can write, in order; at least one entry if there is any."""
        if self._woken > 1:
            self._let_threads_append()
        for _ in range(self._queue.qsize()):
            if len(self._backlog) >= FLUSH_ROWS:
                break
            self._accept(self._queue.get_nowait())
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

        Without it each second flush holds one commit and costs a sync all the same; an
        event loop does not need it, for it queues all it has in one go.
        """
        waiting = -1
        while waiting < (now_waiting := self._queue.qsize()) < FLUSH_ROWS:
            waiting = now_waiting
            time.sleep(0)

    def _flush(self, entries: Sequence[Entry]) -> None:
        with self._write_lock:
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
        ours = self._file.translated(error)
        LOG.error("flush_failed path=%s code=%s error=%s", self._path, ours.code, error.orig)
        if ours.code == "store-full":
            self._full_until_s = time.monotonic() + RETRY_S
            return [failures.store_full(self._path) for _ in drafts]
        if ours.code in {"store-busy", "read-only"}:
            return [ours] * len(drafts)
        return self._give_up(drafts)

    def _give_up(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        """Never repeat a failed write: some of it may be there (WR-9)."""
        while self._queue.qsize():
            self._accept(self._queue.get_nowait())
        waiting = list(self._backlog)
        self._backlog.clear()
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
        with self._write_lock:
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

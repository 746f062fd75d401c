"""Who writes a log: takes what waits, writes it, tells who waits; and does the chores.

A thread of its own does it, and in its stead an event loop, where that is quicker.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, TypeVar

import sqlalchemy as sa

from eventstore import refusals
from eventstore.bell import Bell
from eventstore.drafts import Draft
from eventstore.errors import EventStoreError
from eventstore.events import Commit
from eventstore.forks import Process
from eventstore.keyframe_policy import LEAST_EVENTS
from eventstore.sql import failures
from eventstore.sql.inbox import Asked, Entry, Inbox
from eventstore.sql.inserts import FLUSH_ROWS
from eventstore.sql.keeping import Keeper
from eventstore.sql.keyframes import Write
from eventstore.sql.log_file import LOG
from eventstore.sql.plan import Outcome
from eventstore.sql.points import crash_point
from eventstore.sql.tickets import settle

FLUSH_BYTES = 1 << 20
FLUSHES = 16
"""Without letting go of the file's lock, at most."""
IDLE_S = 0.1
DRAIN_S = 10.0
RETRY_S = 1.0
SLOW_S = 0.01
"""Flushes that take longer are not for an event loop."""

T = TypeVar("T")
Chore: TypeAlias = tuple[float, Callable[[], object]]
"""In how many seconds it is due, and what it is."""


class WritableLog(Protocol):
    """What the thread does to a log; `LogFile` says what each does."""

    def flush(self, drafts: Sequence[Draft]) -> Sequence[Outcome]: ...
    def translated(self, error: sa.exc.DBAPIError) -> EventStoreError: ...
    def reopen(self) -> None: ...
    def sync_due_s(self) -> float | None: ...
    def sync(self) -> None: ...
    def wants_checkpoint(self, *, idle: bool) -> bool: ...
    def checkpoint(self, mode: Literal["PASSIVE", "TRUNCATE"]) -> object: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...

    def seal_due_s(self) -> float | None:
        """Return in how many seconds `seal` is due; a log without seals: None."""
        return None

    def seal(self) -> object:
        """Sign rows; only asked of a log that says when."""
        return None

    def keep(self, writes: Sequence[Write]) -> None:
        """Write keyframes; only asked where somebody makes them."""
        return


class Lock(Protocol):
    """Held around all that is done to the log."""

    def take(self) -> bool: ...
    def leave(self) -> None: ...
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
        keeper: makes keyframes while nothing waits; None: nobody does.
    """

    def __init__(
        self,
        url: str,
        path: failures.Place,
        log_file: WritableLog,
        write_lock: Lock,
        keeper: Keeper | None = None,
    ) -> None:
        self._url = url
        self._path = path
        self._file = log_file
        self._write_lock = write_lock
        self._keeper = keeper
        self.bell = Bell()
        """Rung after each flush."""
        self._inbox = Inbox(url, path, self._flush_here)
        self.enqueue = self._inbox.put
        """Puts a draft in line. Raises `store-busy`, `store-closed`."""
        self._backlog: deque[Entry] = deque()
        self._threads_woken = 0
        self._generation = Process.generation
        self._fenced: EventStoreError | None = None
        self._broken = False
        self._full_until_s = 0.0
        self._broken_until_s = 0.0
        self._keep_from_s = 0.0
        self._chores_from_s = 0.0
        self._passive_from_s = 0.0
        self._not_here_until_s = 0.0
        self._flush_s = 0.0
        """What flushes in an event loop took lately, smoothed."""
        self._flushed_at_s = 0.0
        self._wakes_at_s = math.inf
        """When the thread looks for chores by itself."""
        self._writing = threading.Lock()
        """Held by whoever writes: the thread, or an event loop's in its stead."""
        name = f"log {Path(path).name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ask(self, asked: Asked) -> None:
        """Have *asked* done by whoever writes, among the commits; it must be short."""
        self._inbox.ask(asked)

    def keep_folds(self, keeper: Keeper | None) -> None:
        """Make keyframes from now on; only in the writer's thread."""
        self._keeper = keeper

    def do(self, work: Callable[[], T]) -> T:
        """Do *work* on the log in this thread, between two flushes; return what it gives.

        Raises:
            EventStoreError: what *work* raises, `store-closed`, `log-failed`, `log-fenced`.
        """
        with self._writing, self._write_lock:
            refuse = self._refusal()
            if self._inbox.is_closed:
                raise refusals.store_closed(self._url)
            if refuse is not None:
                raise refuse()
            try:
                return work()
            except EventStoreError as error:
                if error.code == "log-fenced":  # whoever was overtaken writes nothing more
                    self._fenced = error
                raise
            except sa.exc.DBAPIError as error:
                self._failed(error, ())
                raise self._file.translated(error) from error

    def close(self) -> bool:
        """Take no more, write what is queued, let go of the file; say whether that is done."""
        self._inbox.close()
        if self._generation != Process.generation:
            return True  # the thread, and the duty to write, stayed in the parent
        self._thread.join(DRAIN_S)
        if self._thread.is_alive():
            LOG.error("close_unfinished path=%s waiting=%d", self._path, self._inbox.commits)
        return not self._thread.is_alive()

    # --- in an event loop ---

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
            due_s = self._next_chore()[0]
            # Chores take long: the loop shall not wait for them.
            if time.monotonic() + due_s < self._wakes_at_s:
                self._inbox.poke()
        finally:
            self._writing.release()
        self._note_flush_here(time.monotonic() - began_s)
        return not self._inbox and not self._backlog

    def _note_flush_here(self, took_s: float) -> None:
        """Leave it to the thread for a while where the disk is slow."""
        self._flush_s += (took_s - self._flush_s) / 8
        if self._flush_s > SLOW_S:
            self._flush_s = 0.0
            self._not_here_until_s = time.monotonic() + RETRY_S

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
        while not self._inbox.is_due and not self._backlog:
            if self._inbox.is_finished:
                return False
            due_s, chore = self._next_chore()
            self._wakes_at_s = time.monotonic() + due_s
            if not self._inbox.wait(None if due_s == math.inf else due_s):
                with self._writing, self._write_lock:
                    if not self._try(chore):
                        self._chores_from_s = time.monotonic() + RETRY_S
        return True

    def _flush_some(self) -> None:
        """Write what is due, and for a while what becomes due meanwhile.

        Taking or leaving the file's lock gives the interpreter away, and a busy event loop
        keeps it for milliseconds: not for each flush. But others want to write, too.
        """
        for _ in range(FLUSHES):
            if self._threads_woken > 1:
                self._let_threads_append()
            entries = self._next_entries()
            if entries:
                self._flush(entries)
                self._do_what_is_urgent()
            if not self._inbox.is_due and not self._backlog:
                return

    def _let_threads_append(self) -> None:
        """Give way while threads that were just answered queue their next commits.

        Without it each second flush holds one commit and costs a sync all the same.
        """
        waiting = -1
        while waiting < (now_waiting := len(self._inbox)) < FLUSH_ROWS:
            waiting = now_waiting
            time.sleep(0)

    # --- chores: what there is time for while nothing waits ---

    def _next_chore(self) -> Chore:
        """Return the chore that is due first; in infinitely many seconds if there is none."""
        file = self._file
        found: list[tuple[float | None, Callable[[], object]]] = [(file.sync_due_s(), file.sync)]
        if not self._broken and self._fenced is None:
            found.append((0.0 if file.wants_checkpoint(idle=False) else None, self._truncate))
            found.append((file.seal_due_s(), file.seal))
            found.append((self._checkpoint_due_s(), self._checkpoint))
            found.append((0.0 if self._may_keep() else None, self._keep))
        due = [(due_s, chore) for due_s, chore in found if due_s is not None]
        due_s, chore = min(due, key=lambda chore: chore[0], default=(math.inf, _nothing))
        # What failed is not tried again at once, for it would be all that is done.
        return max(due_s, self._chores_from_s - time.monotonic()), chore

    def _do_what_is_urgent(self) -> None:
        """Do what cannot wait until nothing is to be written: a busy log is never idle."""
        if self._broken or self._fenced is not None:
            return
        if self._file.wants_checkpoint(idle=False):
            self._try(self._truncate)
        if self._file.seal_due_s() == 0.0:
            self._try(self._file.seal)

    def _truncate(self) -> None:
        self._file.checkpoint("TRUNCATE")

    def _checkpoint(self) -> None:
        # A reader may be in the way for long: look again now and then, not all the time.
        self._passive_from_s = time.monotonic() + RETRY_S
        self._file.checkpoint("PASSIVE")

    def _checkpoint_due_s(self) -> float | None:
        if not self._file.wants_checkpoint(idle=True):
            return None
        due_at_s = max(self._flushed_at_s + IDLE_S, self._passive_from_s)
        return max(due_at_s - time.monotonic(), 0.0)

    def _may_keep(self) -> bool:
        keeper = self._keeper
        if keeper is None or time.monotonic() < self._keep_from_s:
            return False
        return keeper.has_work() and len(self._inbox) == 0

    def _keep(self) -> None:
        """Make keyframes until something is to be written, or it is enough for one turn."""
        assert self._keeper is not None  # noqa: S101 - for the type checker
        writes = self._keeper.turn(interrupted=lambda: len(self._inbox) > 0)
        if writes and not self._try(lambda: self._file.keep(writes)):
            self._keep_from_s = time.monotonic() + RETRY_S
            self._keeper.forget()

    # --- writing ---

    def _next_entries(self) -> list[Entry]:
        """Take what one statement can write, in order; at least one entry if there is any."""
        self._accept(FLUSH_ROWS - len(self._backlog))
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

    def _accept(self, most: int) -> None:
        for entry in self._inbox.take(most):
            if callable(entry):
                self._try(entry)
            else:
                self._backlog.append(entry)

    def _flush(self, entries: Sequence[Entry]) -> None:
        outcomes = self._outcomes([draft for draft, _ in entries])
        self._settle(entries[: len(outcomes)], outcomes)
        self._note(entries, outcomes)
        self.bell.ring()
        crash_point("flush.resolved")
        self._backlog.extendleft(reversed(entries[len(outcomes) :]))
        self._flushed_at_s = time.monotonic()

    def _settle(self, entries: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        self._inbox.settle(len(entries), sum(draft.size for draft, _ in entries))
        self._threads_woken = settle([ticket for _, ticket in entries], outcomes)

    def _note(self, entries: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        keeper = self._keeper
        if keeper is None:
            return
        for (draft, _), outcome in zip(entries, outcomes, strict=False):
            if isinstance(outcome, Commit) and outcome.last >= LEAST_EVENTS:
                keeper.note(draft, outcome)

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
        self._accept(len(self._inbox))
        waiting = list(self._backlog)
        self._backlog.clear()
        self._settle(waiting, [failures.log_failed(self._path) for _ in waiting])
        self._reopen()
        return [failures.commit_unknown(self._path) for _ in drafts]

    def _reopen(self) -> bool:
        self._broken = not self._try(self._file.reopen)
        self._broken_until_s = time.monotonic() + RETRY_S
        return not self._broken

    def _end(self) -> None:
        with self._writing, self._write_lock:
            crash_point("close.before")
            if not self._broken and not self._fenced:
                self._try(self._file.finish)
            self._file.close()
            crash_point("close.after")
        self._write_lock.close()
        if self._keeper is not None:
            self._keeper.close()

    def _try(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except (EventStoreError, sa.exc.DBAPIError) as error:
            LOG.error("log_failed path=%s error=%s", self._path, error)
            return False
        except Exception:  # noqa: BLE001 - see below
            # A bug of ours: without the thread, whoever appends would wait for ever.
            LOG.exception("log_failed path=%s", self._path)
            return False
        return True


def _nothing() -> None:
    return None

"""One store, asked the debugger's questions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Self
from uuid import UUID

from debugger.errors import BadInputError, NotFoundError
from debugger.session.forgetting import with_forgotten
from debugger.session.linking import check_store
from debugger.session.naming import read_names
from debugger.session.requests import (
    RequestList,
    RequestSummary,
    digits_of,
    request_id,
    summarize,
)
from debugger.session.subjects import MomentSubject, RequestSubject
from debugger.session.upkeep import KIND, Upkeep
from debugger.timeline import (
    FACT_FIELDS,
    MOMENT_ROOTS,
    REQUEST_FIELDS,
    Predicate,
    Timeline,
    Unknown,
    judge,
    matches,
    parse,
)
from debugger.timeline.links import is_link, read_link
from eventstore import (
    NEW,
    Clock,
    Event,
    Ids,
    NewEvent,
    Position,
    Revision,
    Row,
    Store,
    StreamId,
    Verdict,
)
from runtime.effects.clock import system_clock
from runtime.effects.ids import SystemIds
from runtime.facts import ContextRestored

_PAGE = 256
_MOST_SCANNED = 4_096
"""Requests looked at for one page of a filtered list, so that a call ends soon on a store
of a million events; the next call goes on where this one stopped."""
_OPENING = 16
"""Facts of a fork's shared prefix among which request, caller and version stand."""
_MOST_BETWEEN = 512
"""Facts of a request that took several commits, read to tell of it in a list."""


class Session(Upkeep):
    """Answers about one store. Safe to call from worker threads.

    Args:
        store: opened for reading; the session closes it.
        write: opens the store for one append (a restore); None: read-only.
        clock: what `since:15m` counts from, and the time of a restore.
        ids: where the id of a fork comes from.
        source_roots: where the source of what was recorded lies, if that came with the store.
        is_part: whether it holds only some of a log, as a bundle does.
    """

    def __init__(
        self,
        store: Store,
        *,
        write: Callable[[], Store] | None = None,
        clock: Clock = system_clock,
        ids: Ids | None = None,
        source_roots: Sequence[Path] = (),
        is_part: bool = False,
    ) -> None:
        super().__init__(store, write)
        self.is_part = is_part
        self.source_roots = source_roots
        self._clock = clock
        self._ids = ids or SystemIds()

    # --- lists ---

    def requests(
        self, where: str = "", *, before: int | None = None, limit: int = 256
    ) -> RequestList:
        """Give requests that match the filter text, newest first.

        With a filter a call looks at no more than a few thousand requests: a page may be
        short or even empty while `older` says that there is more to look at.

        Raises:
            FilterError: the filter cannot be read.
        """
        wanted = parse(where, REQUEST_FIELDS)
        now_us = self._clock()
        found: list[RequestSummary] = []
        scanned = 0
        while len(found) < limit and scanned < _MOST_SCANNED:
            rows = self.store.read_log(
                before=before,
                limit=min(_PAGE, limit) if not where else _PAGE,
                kinds=(KIND,),
                newest_first=True,
                first_rows_only=True,
            )
            if not rows:
                return RequestList(found, None, scanned)
            for row in rows:
                scanned += 1
                before = row.position
                summary = self._summary(row)
                if matches(wanted, RequestSubject(summary), REQUEST_FIELDS, now_us):
                    found.append(summary)
                    if len(found) == limit:
                        break
        return RequestList(found, before, scanned)

    def newer(self, after: int, where: str = "", *, limit: int = 256) -> list[RequestSummary]:
        """Give requests whose last row stands after position *after*, oldest first: the live tail.

        A request may come again when it has gone on; the later one replaces the earlier.
        Of more than *limit* the newest are given. The next *after* is `end()` as it was
        before the call.
        """
        wanted = parse(where, REQUEST_FIELDS)
        now_us = self._clock()
        seen: set[StreamId] = set()
        found: list[RequestSummary] = []
        before: int | None = None
        while len(found) < limit:
            rows = self.store.read_log(
                after=after, before=before, limit=_PAGE, kinds=(KIND,), newest_first=True
            )
            if not rows:
                break
            before = rows[-1].position
            for row in rows:
                if row.stream not in seen and len(found) < limit:
                    seen.add(row.stream)
                    summary = self._summary(self._first_row(row))
                    if matches(wanted, RequestSubject(summary), REQUEST_FIELDS, now_us):
                        found.append(summary)
        return found[::-1]

    def follow(self, after: int, where: str = "") -> Iterator[list[RequestSummary]]:
        """Give requests that have rows behind position *after*, and those that come, for ever.

        It waits for them, page by page. A request comes again when it has gone on.

        Raises:
            FilterError: the filter cannot be read; at the call, not at the first answer.
        """
        wanted = parse(where, REQUEST_FIELDS)
        cursor = self.store.cursor_at(after)
        pages = self.store.subscribe("requests", after=cursor, kinds=(KIND,))
        return (self._matching_of(page.rows, wanted) for page in pages)

    def _matching_of(self, rows: Sequence[Row], wanted: Predicate) -> list[RequestSummary]:
        """Tell the requests that have *rows*, each once, if they are *wanted*."""
        now_us = self._clock()
        latest = {row.stream: row for row in rows}
        told = (self._summary(self._first_row(row)) for row in latest.values())
        return [s for s in told if matches(wanted, RequestSubject(s), REQUEST_FIELDS, now_us)]

    def end(self) -> int:
        """Return the position of the last event of the log."""
        return self.store.end()

    def count(self) -> int:
        """Count all requests; may take a while on a large store."""
        return self.store.count_streams(KIND)

    # --- one request ---

    def find(self, text: str) -> StreamId:
        """Find a request by `req-…`, a full id, its last digits (4 or more), or a link.

        What an app has its ids begin with may stand in the place of `req`.

        `REQUEST/NAME` means the fork of a request that is called so.

        Raises:
            BadInputError: not an id.
            NotFoundError: none or several fit; the remedy names them.
        """
        if is_link(text):
            link = read_link(text)
            check_store(self.store, link)
            return self.find(link.stream.hex)
        of, slash, name = text.partition("/")
        if slash:
            return self._find_fork(self.find(of), name)
        digits = digits_of(text)
        if digits is None:
            problem = f"{text[:80]!r} is no request id."
            raise BadInputError(problem, "Write `req-` and digits, or the last 4 digits or more.")
        if len(digits) == 32:
            stream = StreamId(UUID(digits))
            if self.store.head(stream).kind == KIND:
                return stream
        fitting = self.store.find_streams(digits, KIND, 10) if len(digits) < 32 else []
        if not fitting:
            problem = f"There is no request {text[:80]!r} in {self.store.url}."
            raise NotFoundError(problem, "`timescape requests` lists those there are.")
        if len(fitting) > 1:
            problem = f"{text[:80]!r} fits {len(fitting)} requests or more."
            names = ", ".join(map(request_id, fitting))
            raise NotFoundError(problem, f"Give more digits: {names}.")
        return fitting[0]

    def _find_fork(self, parent: StreamId, name: str) -> StreamId:
        names = read_names(self.store).taken(parent, self.store.forks_of(parent))
        if name.strip() not in names:
            problem = f"No fork of {request_id(parent)} is called {name[:80]!r}."
            there = f"There are: {', '.join(list(names)[:10])}." if names else "None has a name."
            raise NotFoundError(problem, there)
        return names[name.strip()]

    def timeline(self, stream: StreamId) -> Timeline:
        """Load the whole history of a request (at most 50 000 facts).

        Raises:
            NotFoundError: there is no such request.
        """
        events = with_forgotten(self.store.read(stream), self.store)
        if not events:
            problem = f"There is no request {request_id(stream)} in {self.store.url}."
            raise NotFoundError(problem, "`timescape requests` lists those there are.")
        return Timeline(stream, events)

    def refresh(self, timeline: Timeline) -> Timeline:
        """Give *timeline* with the facts that came since; itself if there are none."""
        more = with_forgotten(self.store.read(timeline.stream, timeline.last + 1), self.store)
        return timeline.grown(more) if more else timeline

    def growing(self, timeline: Timeline) -> Iterator[Timeline]:
        """Give *timeline* whenever it has got new facts, for ever; it waits for them."""
        pages = self.store.subscribe("log", after=self.store.cursor_at(), kinds=(KIND,))
        while True:
            grown = self.refresh(timeline)
            if grown is not timeline:
                timeline = grown
                yield timeline
            while not any(row.stream == timeline.stream for row in next(pages).rows):
                continue

    def summary(self, stream: StreamId) -> RequestSummary:
        """Say in a line what one request did.

        Raises:
            NotFoundError: there is no such request.
        """
        head = self.store.head(stream)
        if not head.revision:
            problem = f"There is no request {request_id(stream)} in {self.store.url}."
            raise NotFoundError(problem, "`timescape requests` lists those there are.")
        return self._summary(self._first_row(self._row_at(head.last_position)))

    def forks(self, stream: StreamId) -> Sequence[RequestSummary]:
        """Give the forks of a request, oldest first."""
        return [self.summary(fork) for fork in self.store.forks_of(stream)]

    # --- writing ---

    @property
    def sources(self) -> tuple[Clock, Ids]:
        """Where times and ids come from."""
        return self._clock, self._ids

    def restore(self, stream: StreamId, at: int, *, by: str, reason: str = "") -> StreamId:
        """Make a fork of *stream* at revision *at* whose state is that of the moment; give its id.

        Nothing is written to *stream*. The fork holds one fact of its own and is closed: it
        does not run, so nothing may take it for a request that a crash cut off.

        Raises:
            WriteRefusedError: the session is read-only.
            NotFoundError: there is no such request or moment.
        """
        write = self._may_write()
        timeline = self.timeline(stream)
        key = _moment_name(timeline, at)
        now_us = self._clock()
        fork = StreamId(self._ids.uuid7(now_us))
        fact = ContextRestored(revision=at, origin="fork", by=by, reason=reason or None)
        event = NewEvent(type=fact.type, data=fact, key=key, at_us=now_us)
        with self.writing(write) as writer:
            writer.append(
                fork,
                [event],
                kind=KIND,
                expected=NEW,
                parent=(stream, Revision(at)),
                close=True,
                durable=True,
            ).result()
        return fork

    def new_request(self) -> StreamId:
        """Return an id for a fork."""
        return StreamId(self._ids.uuid7(self._clock()))

    # --- the whole log ---

    def facts(self, timeline: Timeline, where: str) -> list[int]:
        """Give the revisions of the facts of one request that match the filter text.

        Raises:
            FilterError: the filter cannot be read.
        """
        wanted = parse(where, FACT_FIELDS, MOMENT_ROOTS)
        found = self.judged(timeline, wanted, range(1, timeline.last + 1))
        return [revision for revision, answer in found if answer is True]

    def judged(
        self, timeline: Timeline, wanted: Predicate, revisions: Iterable[int]
    ) -> Iterator[tuple[int, bool | Unknown]]:
        """Say of *revisions* of one request whether they match, one by one as it is asked."""
        now_us = self._clock()
        request = cache(lambda: self.summary(timeline.stream))
        for revision in revisions:
            subject = MomentSubject(timeline, revision, request)
            yield revision, judge(wanted, subject, FACT_FIELDS, now_us)

    def verify(
        self,
        progress: Callable[[int, int], None] | None = None,
        *,
        first: int = 1,
        last: int | None = None,
    ) -> Verdict:
        """Check the log, or its positions *first* to *last*. An empty one is in order."""
        if not self.store.end():
            return Verdict(0, Position(0))
        return self.store.verify(first, last, progress)

    def matching(self, where: str) -> list[StreamId]:
        """Give all requests that match the filter text, newest first.

        Raises:
            FilterError: the filter cannot be read.
        """
        found: list[StreamId] = []
        page = self.requests(where)
        while True:
            found += [summary.stream for summary in page.requests]
            if page.older is None:
                return found
            page = self.requests(where, before=page.older)

    def verify_since_seal(self, progress: Callable[[int, int], None] | None = None) -> Verdict:
        """Check the last seal and what came after it."""
        return self.store.verify_since_seal(progress)

    def verify_request(
        self, stream: StreamId, progress: Callable[[int, int], None] | None = None
    ) -> Verdict:
        """Check one request, and what ties it to the log."""
        return self.store.verify_stream(stream, progress)

    def close(self) -> None:
        """Let go of the store. Twice is once."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- rows ---

    def _summary(self, row: Row) -> RequestSummary:
        """Tell the request that begins with *row*."""
        last = row
        if not row.closes:
            end = self.store.head(row.stream).last_position
            if end >= row.position + len(row.events):
                last = self._row_at(end)
        prefix: list[Event] = []
        if row.parent is not None:
            opening = min(row.parent_revision, _OPENING)
            prefix = list(self.store.read(row.stream, 1, opening))
        between = last.first - row.last - 1
        middle: list[Event] = []
        if 0 < between <= _MOST_BETWEEN:
            middle = list(self.store.read(row.stream, row.last + 1, last.first - 1))
        return summarize(row, last, prefix=prefix, middle=middle)

    def _first_row(self, row: Row) -> Row:
        """Return the row with which the request of *row* begins."""
        if row.first == 1 or row.parent is not None:
            return row
        own = self.store.head(row.stream).parent_revision + 1
        return self._row_at(next(self.store.read(row.stream, own, own)).position)

    def _row_at(self, position: int) -> Row:
        """Return the row that holds *position*."""
        return self.store.read_log(before=position + 1, limit=1, newest_first=True)[0]


def _moment_name(timeline: Timeline, at: int) -> str:
    """Return the name of the snapshot of a moment, else its id.

    Raises:
        NoSuchMomentError: there is no such moment, or it is the one before the request came.
    """
    timeline.fact(at)
    names = [name for name, revision in timeline.snapshots.items() if revision == at]
    return names[-1] if names else f"{timeline.request_id}@{at}"

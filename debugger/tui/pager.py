"""Keeps the window of requests filled, by questions asked off the screen's thread."""

from collections.abc import Callable, Sequence

from textual.message_pump import MessagePump

from debugger.session import RequestList, RequestSummary, Session
from debugger.tui.latest import Latest
from debugger.tui.listing import MOST, Listing

PAGE = 256
FIRST = 64
"""Requests of a filter's first page: what a terminal shows, and soon; the others follow."""


class Pager:
    """Reads pages of requests into a `Listing` and tells when it changed.

    Args:
        host: hears the answers.
        session: is asked.
        changed: called after each change, with how many rows came in front of those
            that were there before (below 0: went).
        failed: called when a question failed.
    """

    def __init__(
        self,
        host: MessagePump,
        session: Session,
        changed: Callable[[int], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.listing = Listing()
        self.where = ""
        self.loaded = False
        """Whether the first page of the filter is there."""
        self.scanned = 0
        """Requests looked at for this filter so far."""
        self.unseen = 0
        """Requests that came since the tail is not followed."""
        self.arrived = 0
        """Requests that the tail brought so far."""
        self._session = session
        self._changed = changed
        self._failed = failed
        self._pages = Latest(host, "timescape-pages")
        self._tail = Latest(host, "timescape-tail")
        self._end: int | None = None
        self._counted = 0
        """Up to which position `unseen` counts."""

    @property
    def busy(self) -> bool:
        """Whether a page is being read."""
        return self._pages.busy

    @property
    def asking(self) -> bool:
        """Whether any answer is still to come."""
        return self._pages.busy or self._tail.busy

    def wait(self, most_s: float) -> None:
        """Wait for the page that is being read, *most_s* seconds at most."""
        self._pages.wait(most_s)

    def count_text(self, total: int | None) -> str:
        """Say how many requests are shown, of a *total* that may not be counted yet."""
        of = f" of {total}" if total is not None else ""
        if not self.where:
            return "counting" if total is None else f"{total} request{'' if total == 1 else 's'}"
        if not self.listing.newest:
            return f"some{of}"
        return f"{len(self.listing.rows)}{'+' if self.listing.older is not None else ''}{of}"

    def close(self) -> None:
        """Ask nothing any more."""
        self._pages.close()
        self._tail.close()

    # --- from the newest, from the oldest ---

    def restart(self, where: str) -> None:
        """Read the newest requests that match *where*."""
        session = self._session

        def work() -> tuple[int, RequestList]:
            # The end first: what is written meanwhile comes again by the tail.
            return session.end(), session.requests(where, limit=FIRST)

        def then(answer: tuple[int, RequestList]) -> None:
            self._end, page = answer
            self.where, self.loaded, self.scanned = where, True, page.scanned
            self.unseen = 0
            self.listing.start(page)
            self._changed(0)

        self._tail.drop()
        self._pages.ask(work, then, self._failed)

    def oldest(self) -> None:
        """Read the oldest requests that match."""
        session, where, pages = self._session, self.where, self._pages

        def work() -> tuple[list[RequestSummary], bool]:
            end, before = session.end() + 1, 8192
            while True:
                before = min(before, end)
                rows = _all_before(session, where, before, pages.superseded)
                if len(rows) >= PAGE or before == end or pages.superseded():
                    return rows, before == end
                before *= 4

        def then(answer: tuple[list[RequestSummary], bool]) -> None:
            rows, newest = answer
            kept = rows[-MOST:]
            newest = newest and len(kept) == len(rows)
            self.listing.start(RequestList(kept, None, 0), newest=newest)
            self._changed(0)

        pages.ask(work, then, self._failed)

    # --- on from the window ---

    def more_older(self) -> None:
        """Read the next older page, unless one is being read or there is none."""
        before = self.listing.older
        if self._pages.busy or before is None:
            return
        session, where = self._session, self.where

        def then(page: RequestList) -> None:
            self.scanned += page.scanned
            self._changed(-self.listing.grow_older(page))

        self._pages.ask(
            lambda: session.requests(where, before=before, limit=PAGE), then, self._failed
        )

    def more_newer(self) -> None:
        """Read the page before the window, unless one is being read or there is none."""
        listing = self.listing
        if self._pages.busy or listing.newest or not listing.rows:
            return
        session, where, pages = self._session, self.where, self._pages
        top, span = listing.rows[0].position, listing.density()

        def work() -> tuple[list[RequestSummary], bool]:
            reach, end = span, session.end() + 1
            while True:
                before = min(top + reach, end)
                rows = _between(session, where, top, before, pages.superseded)
                if rows or before == end or pages.superseded():
                    return rows, before == end
                reach *= 4

        def then(answer: tuple[list[RequestSummary], bool]) -> None:
            rows, newest = answer
            self._changed(listing.grow_newer(rows, newest=newest))

        pages.ask(work, then, self._failed)

    # --- the live tail ---

    def poll(self, *, follow: bool) -> None:
        """Look whether anything was written; take it in, or count it."""
        after = self._end
        if self._tail.busy or self._pages.busy or after is None:
            return
        session, where = self._session, self.where
        counted = after if follow else max(self._counted, after)

        def work() -> tuple[int, Sequence[RequestSummary]] | None:
            end = session.end()
            return (end, session.newer(after, where, limit=PAGE)) if end > counted else None

        def then(answer: tuple[int, Sequence[RequestSummary]] | None) -> None:
            if answer is None:
                self._changed(0)
            elif follow:
                self._take(*answer)
            else:
                self._count(*answer)

        self._tail.ask(work, then, self._failed)

    def _count(self, end: int, fresh: Sequence[RequestSummary]) -> None:
        # Not taken in: the same ones come again once the tail is followed.
        self._counted, self.unseen = end, len(fresh)
        self._changed(0)

    def _take(self, end: int, fresh: Sequence[RequestSummary]) -> None:
        more = len(fresh) >= PAGE
        self._end = max(row.last_position for row in fresh) if more else end
        self.unseen = 0
        front = self.listing.rows[0].stream if self.listing.rows else None
        self.arrived += self.listing.merge(fresh)
        places = [n for n, row in enumerate(self.listing.rows) if row.stream == front]
        self._changed(places[0] if places else 0)
        if more:
            self.poll(follow=True)


def _all_before(
    session: Session, where: str, before: int, superseded: Callable[[], bool]
) -> list[RequestSummary]:
    return _between(session, where, 0, before, superseded)


def _between(
    session: Session, where: str, after: int, before: int, superseded: Callable[[], bool]
) -> list[RequestSummary]:
    """Return all matching requests between two positions, newest first."""
    found: list[RequestSummary] = []
    going: int | None = before
    while going is not None and going > after + 1 and not superseded():
        page = session.requests(where, before=going, limit=PAGE)
        fitting = [row for row in page.requests if row.position > after]
        found += fitting
        if len(fitting) < len(page.requests):
            break
        going = page.older
    return found

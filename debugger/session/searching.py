"""Facts found anywhere in the log, by what they are and by the state that they leave (TM-11)."""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from itertools import islice

from debugger.session.requests import RequestSummary
from debugger.session.session import Session
from debugger.session.subjects import LoggedSubject
from debugger.session.upkeep import KIND
from debugger.timeline import FACT_FIELDS, MOMENT_ROOTS, Predicate, Timeline, Unknown, judge, parse
from eventstore import Row

_PAGE = 256
_HISTORIES = 16
"""Kept while states are asked for: rows of requests that were served at one time alternate."""


def search(
    session: Session,
    where: str,
    *,
    limit: int = 1000,
    unknown: Callable[[Unknown], None] = lambda why: None,
) -> Iterator[tuple[Row, int]]:
    """Find facts of requests in the whole log, in its order.

    Gives rows with the index of a matching event. It reads on as it is asked, so whoever
    stops asking has cancelled it. `state` is that after the fact, as in a breakpoint.

    Args:
        session: of the store.
        where: the filter.
        limit: at most so many.
        unknown: hears of each fact that nobody can judge; it is no match (TM-8).

    Raises:
        FilterError: the filter cannot be read; at the call, not at the first answer.
    """
    wanted = parse(where, FACT_FIELDS, MOMENT_ROOTS)
    return islice(_matching(session, wanted, unknown), limit)


def _matching(
    session: Session, wanted: Predicate, unknown: Callable[[Unknown], None]
) -> Iterator[tuple[Row, int]]:
    now_us, after = session.sources[0](), 0
    timeline = lru_cache(_HISTORIES)(session.timeline)

    def history(row: Row) -> Timeline:
        known = timeline(row.stream)
        return known if known.last >= row.last else session.refresh(known)

    while rows := session.store.read_log(after=after, limit=_PAGE, kinds=(KIND,)):
        for row in rows:
            after = row.position
            # Both are found once a row, and only if the filter asks for them.
            request: Callable[[], RequestSummary] = cache(partial(session.summary, row.stream))
            told = cache(partial(history, row))
            for index, event in enumerate(row.events):
                answer = judge(wanted, LoggedSubject(event, request, told), FACT_FIELDS, now_us)
                if isinstance(answer, Unknown):
                    unknown(answer)
                elif answer:
                    yield row, index

"""Streams of which a writer knows nothing are looked for together, and answered as one by one."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from eventstore import ANY, NEW, EventStoreError, Store, StreamId, named_stream
from eventstore.memory import MemoryStore
from eventstore.testing import FakeClock, FakeIds, placed, registry
from tests.eventstore.sql.files import opened

Call: TypeAlias = tuple[int, int, bool]
"""Number of a stream, the revision expected, whether it closes."""
Answer: TypeAlias = tuple[int, int] | str
"""First and last revision, or the code of the refusal."""
CALLS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([ANY, NEW, 1]), st.booleans()), max_size=8
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ahead") / "store.db"


@pytest.fixture(scope="module")
def store(path: Path) -> Iterator[Store]:
    with opened(path, durability="volatile") as store:
        yield store


@pytest.fixture(scope="module")
def reference() -> Iterator[Store]:
    with MemoryStore(registry(), FakeClock(), FakeIds()) as store:
        yield store


@pytest.fixture(scope="module")
def turns() -> Iterator[int]:
    """Numbers for the streams of each example: they share a store."""
    return itertools.count()


async def together(store: Store, calls: Sequence[tuple[StreamId, Call]]) -> list[Answer]:
    """Append all in one turn of an event loop: they are written together."""
    tickets = [
        store.append(each, [placed(1)], kind="order", expected=expected, close=close)
        for each, (_, expected, close) in calls
    ]
    answers: list[Answer] = []
    for ticket in tickets:
        try:
            commit = await ticket.durable()
        except EventStoreError as error:
            answers.append(error.code)
        else:
            answers.append((commit.first, commit.last))
    return answers


def forget_heads(store: Store) -> None:
    """Have the writer know no more than after it was opened."""
    writer = store._writer  # type: ignore[attr-defined]
    writer.do(writer._file.catch_up)


@pytest.mark.proves("ES-3", "WR-1")
@given(before=CALLS, after=CALLS)
def test_streams_that_are_looked_for_together_are_answered_as_one_by_one(
    store: Store, reference: Store, turns: Iterator[int], before: list[Call], after: list[Call]
) -> None:
    """Named streams, some there and some not, in flushes of several commits.

    Law: whatever was appended before and forgotten, the answers are those of lists in memory.
    """
    turn = next(turns)
    named = {n: named_stream("order", f"{turn} {n}") for n in range(6)}
    for calls in (before, after):
        addressed = [(named[call[0]], call) for call in calls]
        forget_heads(store)
        said = asyncio.run(together(store, addressed))
        assert said == asyncio.run(together(reference, addressed))


@pytest.mark.proves("WR-2")
def test_many_new_streams_are_looked_for_by_one_statement(path: Path, store: Store) -> None:
    """The one that writes them goes to the driver itself, unheard; chores may be heard."""
    statements: list[str] = []
    streams = [named_stream("order", f"counted {n}") for n in range(20)]

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    try:
        said = asyncio.run(together(store, [(each, (0, NEW, False)) for each in streams]))
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)

    assert said == [(1, 1)] * 20
    asked = [text for text in statements if not text.startswith("PRAGMA")]
    assert [text.split(maxsplit=1)[0] for text in asked] == ["WITH"]


@pytest.mark.proves("AR-1", "ES-3")
def test_an_archived_stream_does_not_begin_again_beside_new_ones(tmp_path: Path) -> None:
    first, *others = (named_stream("order", f"{n}") for n in range(20))
    with opened(tmp_path / "store.db") as store:
        store.append(first, [placed(1)], kind="order", expected=NEW, close=True).result()
        assert store.archive(older_than=timedelta(days=-1)).streams == 1
        calls = [(each, (0, NEW, False)) for each in (first, *others)]
        said = asyncio.run(together(store, [*calls, (first, (0, ANY, False))]))

        assert said == ["stream-closed", *[(1, 1)] * 19, "stream-closed"]

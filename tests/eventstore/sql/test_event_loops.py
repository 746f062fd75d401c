"""Appends of event loops: gathered, written in the loop where it is free to, lost never."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore import ANY, Commit, Store, Ticket
from eventstore.sql.files import WriteLock
from eventstore.testing import placed, stream
from tests.eventstore.sql.files import opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with opened(path) as store:
        yield store


def send(store: Store, number: int) -> Ticket:
    return store.append(stream(number), [placed(number)], kind="order", expected=ANY)


@pytest.mark.proves("ES-9", "WR-1")
def test_tasks_that_append_at_once_are_all_answered_in_order(store: Store) -> None:
    async def produce(number: int) -> list[Commit]:
        return [await send(store, number).durable() for _ in range(5)]

    async def scenario() -> list[list[Commit]]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(produce(number)) for number in range(40)]
        return [task.result() for task in tasks]

    said = asyncio.run(scenario())

    assert [[commit.first for commit in commits] for commits in said] == [[1, 2, 3, 4, 5]] * 40
    assert store.verify().fault is None


@pytest.mark.proves("WR-1", "WR-8")
def test_a_loop_goes_on_while_another_process_writes(path: Path, store: Store) -> None:
    """The loop does not wait for the file: the thread does, and answers when it is free."""
    other = WriteLock(path)

    async def scenario() -> Commit:
        other.__enter__()
        waiting = asyncio.ensure_future(send(store, 1).durable())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        other.leave()
        return await waiting

    try:
        assert asyncio.run(scenario()).first == 1
    finally:
        other.close()


@pytest.mark.proves("WR-1")
def test_what_a_loop_left_behind_is_written_when_somebody_waits(store: Store) -> None:
    """The loop ends before its next turn, in which it would have seen to it."""
    loop = asyncio.new_event_loop()
    try:
        tickets: list[Ticket] = []
        loop.call_soon(lambda: tickets.append(send(store, 1)))
        loop.call_soon(loop.stop)
        loop.run_forever()
    finally:
        loop.close()

    assert tickets[0].result().first == 1


@pytest.mark.proves("WR-10")
def test_what_a_loop_left_behind_is_written_at_close(path: Path) -> None:
    loop = asyncio.new_event_loop()
    with opened(path) as store:
        loop.call_soon(lambda: send(store, 1))
        loop.call_soon(loop.stop)
        loop.run_forever()
        loop.close()

    with opened(path, "read") as store:
        assert store.head(stream(1)).revision == 1


@pytest.mark.proves("WR-1")
def test_threads_and_a_loop_append_beside_each_other(store: Store) -> None:
    async def scenario() -> None:
        def work() -> None:
            for _ in range(20):
                send(store, 1).result()

        in_thread = asyncio.to_thread(work)
        async with asyncio.TaskGroup() as group:
            group.create_task(in_thread)
            for number in range(2, 22):
                group.create_task(send(store, number).durable())

    asyncio.run(scenario())

    assert [store.head(stream(number)).revision for number in range(1, 22)] == [20] + [1] * 20

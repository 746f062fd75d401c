"""Questions off the screen's thread: one is worked on, one waits, the latest wins (RN-4)."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.tui.latest import Latest


class Host:
    """Takes what is to be done in the screen's thread, at once."""

    def call_later(self, callback: Callable[[], Any]) -> bool:
        callback()
        return True


@pytest.mark.proves("RN-4")
@given(keys=st.integers(1, 40))
def test_held_keys_never_queue_and_the_last_one_is_answered(keys: int) -> None:
    """While the first question is worked on others come: only the last of them is done, too."""
    main, done, heard = threading.get_ident(), list[tuple[int, bool]](), list[int]()
    begun, free = threading.Event(), threading.Event()

    def work(number: int) -> int:
        done.append((number, threading.get_ident() == main))
        if number == 0:
            begun.set()
            assert free.wait(30)
        return number

    async def scenario() -> None:
        answered = asyncio.Event()

        def hear(number: int) -> None:
            heard.append(number)
            answered.set()

        lane = Latest(cast("Any", Host()), "test")
        lane.ask(lambda: work(0), hear, lambda _: None)
        assert await asyncio.to_thread(begun.wait, 30)
        for number in range(1, keys + 1):
            lane.ask(lambda number=number: work(number), hear, lambda _: None)  # type: ignore[misc]
        assert lane.superseded()
        free.set()
        await asyncio.wait_for(answered.wait(), 30)
        assert not lane.busy
        lane.close()

    asyncio.run(scenario())

    assert done == [(0, False), (keys, False)]
    assert heard == [keys]


@pytest.mark.proves("PF-4", "RN-4")
def test_a_start_waits_for_a_quick_answer_and_not_for_a_slow_one() -> None:
    """The answer is there when the wait ends; of one that takes too long nothing is waited for."""
    done, free = list[int](), threading.Event()

    async def scenario() -> None:
        lane = Latest(cast("Any", Host()), "test")
        lane.wait(30)  # nothing was asked
        lane.ask(lambda: done.append(1), lambda _: None, lambda _: None)
        lane.wait(30)
        assert done == [1]

        lane.ask(lambda: free.wait(30), lambda _: None, lambda _: None)
        lane.wait(0.001)
        assert lane.busy
        free.set()
        lane.wait(30)
        lane.close()

    asyncio.run(scenario())

"""What is waited for too long ends at its time, whatever else is waited for (RPC-5)."""

import asyncio

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.isolation.deadlines import Deadlines
from runtime.testing import run_virtual

WAITS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(0, 20)), max_size=8
)
"""When each begins, how long it may take, and when its answer is there."""


def settle(answer: "asyncio.Future[None]") -> None:
    if not answer.done():
        answer.set_result(None)


@pytest.mark.proves("RPC-5")
@given(waits=WAITS)
def test_each_wait_ends_with_its_answer_or_at_its_time(
    waits: list[tuple[int, int, int | None]],
) -> None:
    async def scenario() -> list[tuple[int, bool]]:
        deadlines, loop = Deadlines(), asyncio.get_running_loop()
        began_s = loop.time()

        async def wait(begins: int, within: int, answers: int | None) -> tuple[int, bool]:
            await asyncio.sleep(begins)
            answer: asyncio.Future[None] = loop.create_future()
            if answers is not None:
                # A little after: nothing of it is at the same time as the end of the wait.
                loop.call_later(answers + 0.5, settle, answer)
            deadlines.watch(answer, within)
            try:
                await answer
            except TimeoutError:
                return round(loop.time() - began_s), False
            finally:
                deadlines.drop(answer)
            return int(loop.time() - began_s), True

        return list(await asyncio.gather(*(wait(*each) for each in waits)))

    ends = [
        (begins + answers, True)
        if answers is not None and answers < within
        else (begins + within, False)
        for begins, within, answers in waits
    ]
    event(f"late: {any(not well for _, well in ends)}")
    assert run_virtual(scenario()) == ends


@pytest.mark.proves("RPC-5")
def test_a_shorter_wait_that_begins_later_ends_first() -> None:
    async def scenario() -> list[str]:
        deadlines, ended = Deadlines(), list[str]()
        for name, within in (("long", 9.0), ("short", 2.0), ("dropped", 1.0)):
            future = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda done, name=name: ended.append(name))  # type: ignore[misc]
            deadlines.watch(future, within)
            if name == "dropped":
                deadlines.drop(future)
            else:
                future.add_done_callback(asyncio.Future.exception)
        await asyncio.sleep(10)
        return ended

    assert run_virtual(scenario()) == ["short", "long"]

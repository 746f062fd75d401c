"""An event loop that ends before a process of a module has leaves nothing open."""

import asyncio
import gc
import warnings

import pytest

from runtime.isolation.child import Child
from runtime.isolation.spawning import Process
from runtime.manifests.module import Resources
from runtime.supervision import Answer, Call


async def serve(call: Call) -> tuple[Answer, None]:
    return Answer(call.id), None


async def end_and_go(process: Process) -> None:
    """End *process*, as an app does that stops, and do not wait until it has ended."""
    child = Child(process, "stock", serve=serve, gone=lambda _: None, scrub=str, frame=1 << 20)
    await child.open()
    process.kill()
    # Until its end is noticed, and waited for in a thread.
    while not any("Child._end" in repr(task) for task in asyncio.all_tasks()):  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)


@pytest.mark.proves("MO-6")
def test_a_loop_that_ends_first_leaves_nothing_open() -> None:
    gc.collect()
    process = Process("stock", Resources())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        asyncio.run(end_and_go(process))
        process.wait()
        del process
        gc.collect()

    assert [str(each.message) for each in seen] == []

"""Call what may not disturb the rest: compensations, cleanups, listeners."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from runtime.lifecycle.binding import Bound, is_async
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import drive
from runtime.modules import StubMethod

PASSES_THROUGH = (KeyboardInterrupt, GeneratorExit)
"""What is never user code's own failure."""


async def attempt(run: Run, call: Callable[..., Any], limit_s: float) -> BaseException | None:
    """Call it, sync or async, within *limit_s*; return what it raised."""
    try:
        await drive(run, _work(run, call), limit_s, False)  # noqa: FBT003 - see `drive`
    except PASSES_THROUGH:
        raise
    except BaseException as error:  # noqa: BLE001 - recorded by the caller
        return error
    return None


def _work(run: Run, call: Callable[..., Any]) -> Coroutine[Any, Any, Any]:
    if isinstance(call, Bound):
        return run.work(call)
    inner = call.func if isinstance(call, partial) else call
    if isinstance(inner, StubMethod) or is_async(inner):
        work = call()
        work = work if asyncio.iscoroutine(work) else _awaited(work)
        return run.surroundings.tripwire.guarded(work)
    return run.surroundings.workers.run(run.surroundings.tripwire.watched(call))


async def _awaited(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result

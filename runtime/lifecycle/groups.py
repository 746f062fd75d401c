"""Before Python 3.13 a `TaskGroup` may leave its task cancelled for ever.

When one of its tasks fails while the group waits at its end for the others, the group cancels
the task it stands in, so as to wake it, and never takes that back: what looks afterwards
believes that somebody outside cancelled the task, and would end the request for it.
"""

import asyncio
import gc
import sys
from types import AsyncGeneratorType
from typing import Any

LEAVES_CANCELLED = sys.version_info < (3, 13)
_END = asyncio.TaskGroup.__aexit__.__code__


def group_of(work: Any) -> asyncio.TaskGroup | None:
    """Return the group that is about to hear the cancellation it asked for itself, if one is.

    Args:
        work: a coroutine into which a cancellation is about to be thrown.
    """
    frame = None
    while work is not None:
        frame = getattr(work, "cr_frame", None) or getattr(work, "ag_frame", None) or frame
        work = _waits_for(work)
    if frame is None or frame.f_code is not _END:
        return None
    group: asyncio.TaskGroup = frame.f_locals["self"]
    wakes_itself = group._aborting and group._parent_cancel_requested  # type: ignore[attr-defined]  # noqa: SLF001
    return group if wakes_itself else None


def _waits_for(work: Any) -> Any:
    """Return what *work* waits for; None where it stands in no coroutine any more."""
    if hasattr(work, "cr_await"):
        return work.cr_await
    if hasattr(work, "ag_await"):
        return work.ag_await
    # A step of an async generator does not say whose it is, but to the garbage collector.
    inner = (each for each in gc.get_referents(work) if isinstance(each, AsyncGeneratorType))
    return next(inner, None)

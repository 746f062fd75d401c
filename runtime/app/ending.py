"""A process whose work others took over ends, so that whoever looks after it starts it anew."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstore import EventStoreError
from runtime.app.company import Company


@asynccontextmanager
async def ended_when_gone(company: Company | None) -> AsyncIterator[None]:
    """While the block runs, end this process as SIGTERM does once others took over its work."""
    if company is None:
        yield
        return
    watch = asyncio.create_task(_end(company.gone))
    try:
        yield
    finally:
        watch.cancel()


async def _end(gone: asyncio.Event) -> None:
    await gone.wait()
    signal.raise_signal(signal.SIGTERM)


def taken_over() -> EventStoreError:
    """Say why it ended."""
    return EventStoreError(
        "log-fenced",
        "This process was silent for too long, and others took over its work.",
        "Start it again; if it happens often, look what stops it or cuts it off.",
        {},
    )

"""Lets shared topics of an app that serves go to other logs, and come from them (SO-6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstore import Clock, Store
from runtime.app.application import App
from runtime.effects import system_clock
from runtime.relay import Engine, Relay


@asynccontextmanager
async def carrying(
    app: App, store: Store, engine: Engine | None, clock: Clock = system_clock
) -> AsyncIterator[Relay | None]:
    """Carry while the block runs; without an engine or anything shared nothing is.

    Args:
        app: that began.
        store: its log.
        engine: carries.
        clock: gives the time of facts.
    """
    topics = app.parts.topics
    if engine is None or not any(each.shared for each in topics.values()):
        yield None
        return
    relay = Relay(app.name, store, app.queues, topics, engine, clock)
    relay.begin()
    try:
        yield relay
    finally:
        await relay.stop()

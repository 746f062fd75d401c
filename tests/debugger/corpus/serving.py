"""Serve requests of an app and keep their record."""

from collections.abc import Sequence
from typing import Any

from eventstore import Store
from runtime import App
from runtime.testing import FakeClock, SeededIds, run_virtual
from tests.faces.asgi import ask


def serve(app: App, store: Store, clock: FakeClock, asked: Sequence[tuple[str, Any]]) -> list[str]:
    """Serve POST requests, given by target and body; return their ids."""

    async def serving() -> list[str]:
        app.start(store, clock=clock, ids=SeededIds(2))
        replies = [await ask(app, "POST", target, body) for target, body in asked]
        await app.stop()
        return [reply.request_id for reply in replies]

    return run_virtual(serving())

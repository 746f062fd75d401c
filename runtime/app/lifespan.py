"""Opens the log for an app that another ASGI server runs."""

import os
from pathlib import Path
from typing import Protocol

from eventstore import Store
from runtime.app.log import DEFAULT_STORE, KEYRING_SETTING, STORE_SETTING, open_log
from runtime.app.retirement import Retirement
from runtime.effects import SystemIds
from runtime.ingress.answers import Send
from runtime.ingress.bodies import Receive


class Startable(Protocol):
    """An app, of which only its start and its stop matter here."""

    def start(self, store: Store) -> None:
        """Take requests from now on, and record them in *store*."""
        ...

    async def begin(self) -> int:
        """Start what is to be there before the first request."""
        ...

    @property
    def retirement(self) -> Retirement:
        """What takes versions out of service."""
        ...

    async def stop(self) -> bool:
        """Let running requests end."""
        ...


async def run_lifespan(app: Startable, receive: Receive, send: Send) -> None:
    """Start *app* on the log that `TIMESCAPE_STORE` names, and stop it at the end.

    `TIMESCAPE_KEYRING` names the file of masters, if values are hashed or sealed.

    A failing start fails the lifespan, so that the server does not listen.
    """
    await receive()
    url = os.environ.get(STORE_SETTING, DEFAULT_STORE)
    try:
        file = os.environ.get(KEYRING_SETTING)
        store = open_log(url, ids=SystemIds(), keyring=Path(file) if file else None)
        try:
            app.start(store)
            await app.begin()
            app.retirement.start()
        except BaseException:
            await app.stop()
            store.close()
            raise
    except Exception as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        raise
    await send({"type": "lifespan.startup.complete"})
    await receive()
    try:
        await app.stop()
    finally:
        store.close()
    await send({"type": "lifespan.shutdown.complete"})

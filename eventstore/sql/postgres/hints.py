"""Hints between processes that a log grew: NOTIFY and LISTEN, each on a connection of its own.

A hint may be late, lost, or told twice, and nobody relies on it: who follows a log looks for
himself as well, only less often while hints come in.

Source: PG-4.
"""

import logging
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from eventstore.bell import Bell
from eventstore.sql.texts import LOG_ID

LOG = logging.getLogger("eventstore")
CHANNEL = "timescape"
JOIN_S = 0.01
"""Commits that come within it are told of together."""
RETRY_S = 1.0
_FOR_EVER_S = 3_600.0


class Teller:
    """Tells others of what this process commits.

    Args:
        engine: for a connection of its own.
        bell: rung after each commit of this process.
        position: gives the last position that it committed.
    """

    def __init__(self, engine: sa.Engine, bell: Bell, position: Callable[[], int]) -> None:
        self._engine = engine
        self._bell = bell
        self._position = position
        self._connection: sa.Connection | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log hints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell nothing more."""
        self._closed.set()
        self._bell.ring()
        self._thread.join()

    def _run(self) -> None:
        told = self._position()
        while not self._closed.is_set():
            rings = self._bell.rings
            if self._position() == told:
                self._bell.wait(rings, _FOR_EVER_S)
            else:
                self._closed.wait(JOIN_S)
                told = self._position()
                self._tell(told)
        self._let_go()

    def _tell(self, position: int) -> None:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            self._connection.exec_driver_sql(
                "SELECT pg_notify(%s, %s)", (CHANNEL, f"{LOG_ID}:{position}")
            )
        except sa.exc.DBAPIError as error:
            LOG.info("hint_not_sent error=%s", error.orig)
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Listener:
    """Rings a bell when others tell of commits.

    Args:
        engine: for a connection of its own.
        bell: of this process.
    """

    def __init__(self, engine: sa.Engine, bell: Bell) -> None:
        self._engine = engine
        self._bell = bell
        self._closed = False
        self.is_listening = False
        """Whether hints come in at the moment."""
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="log listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._closed = True
        self._wake.send(b"\0")
        self._thread.join()
        self._wake.close()
        self._woken.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._closed:
                try:
                    self._listen(selector)
                except Exception as error:  # noqa: BLE001 - the driver's are not of one family
                    LOG.info("hints_lost error=%s", error)
                if not self._closed:
                    selector.select(RETRY_S)

    def _listen(self, selector: selectors.BaseSelector) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f"LISTEN {CHANNEL}")
            driver: Any = connection.connection.driver_connection
            # By its number: a connection that is gone does not tell it any more.
            number = driver.fileno()
            selector.register(number, selectors.EVENT_READ)
            try:
                self.is_listening = True
                self._bell.ring()  # what came before this nobody told of
                self._hear(selector, driver)
            finally:
                self.is_listening = False
                selector.unregister(number)

    def _hear(self, selector: selectors.BaseSelector, driver: Any) -> None:
        while True:
            selector.select()
            if self._closed:
                return
            if list(driver.notifies(timeout=0)):
                self._bell.ring()

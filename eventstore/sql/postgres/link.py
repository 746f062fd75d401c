"""The writer's connection: what a commit waits for, transactions, and beginning anew."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from eventstore.sql.postgres import failures, lease, revisions
from eventstore.sql.postgres.statements import LEASE_S

LOG = logging.getLogger("eventstore")
TRY_AGAIN_S = 0.2


class Link:
    """One connection at a time, each statement committed by itself.

    Args:
        engine: makes connections.
        place: the address without its password.
        locking: whether each connection tries to take the holder's advisory lock.

    Raises:
        EventStoreError: `store-unreachable`, `no-such-store`, `postgres-too-old`,
            `bad-encoding`, `schema-old`, `schema-new`, `not-a-store`.
    """

    def __init__(self, engine: sa.Engine, place: str, *, locking: bool) -> None:
        self.place = place
        self._engine = engine
        self._locking = locking
        self.is_lost = False
        """Whether there is no connection at the moment: `connect` makes one, or raises."""
        self.in_transaction = False
        """Whether what is written comes together with more."""
        with failures.translating(place):
            self.connection = self._engine.connect()
            try:
                revisions.require_current(self.connection, place)
                self._begin()
            except BaseException:
                self.close()
                raise

    def connect(self) -> None:
        """Make a new connection in the place of the last."""
        self.is_lost = True
        self.close()
        self.connection = self._engine.connect()
        self._begin()
        self.is_lost = False

    def ready(self) -> sa.Connection:
        """Return a connection, a new one if the last was lost.

        Raises:
            sqlalchemy.exc.DBAPIError: the server takes none.
        """
        # Else the engine would make one by itself, without lock and level.
        if self.is_lost or self.connection.invalidated:
            self.connect()
        return self.connection

    def reconnect(self, error: sa.exc.DBAPIError) -> None:
        """Make a new connection as soon as the server takes it.

        Raises:
            sqlalchemy.exc.DBAPIError: *error*, if the server took none for as long as a
                lease: it is over then.
        """
        LOG.warning("connection_lost place=%s error=%s", self.place, error.orig)
        give_up_s = time.monotonic() + LEASE_S
        while True:
            try:
                self.connect()
            except sa.exc.DBAPIError:
                if time.monotonic() > give_up_s:
                    raise error from None
                time.sleep(TRY_AGAIN_S)
            else:
                return

    def lock(self) -> None:
        """Try to take the holder's advisory lock, from now on with each connection."""
        self._locking = True
        self.is_alone = lease.try_lock(self.connection)

    def _begin(self) -> None:
        self._durable: bool | None = None
        self.is_alone = not self._locking or lease.try_lock(self.connection)

    def set_level(self, *, durable: bool) -> None:
        """Say whether a commit waits for the disk."""
        if durable != self._durable:
            level = "on" if durable else "off"
            self.connection.exec_driver_sql(f"SET synchronous_commit TO {level}")
            self._durable = durable

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sa.Connection]:
        """Let several statements come together, or none of them."""
        connection = self.ready()
        self.set_level(durable=durable)
        connection.exec_driver_sql("BEGIN")
        self.in_transaction = True
        try:
            yield connection
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            if not connection.invalidated:
                connection.exec_driver_sql("ROLLBACK")
            raise
        finally:
            self.in_transaction = False

    def close(self) -> None:
        """Let go of the connection. Twice is once."""
        self.connection.close()

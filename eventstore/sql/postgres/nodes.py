"""This process as a node: its sign of life, its duties towards the others, what they share.

Source: SO-1, SO-4, PG-2.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

import msgspec
import sqlalchemy as sa

from eventstore.identifiers import Clock
from eventstore.nodes import Census, Charge
from eventstore.sql.postgres import team
from eventstore.sql.postgres.backend import Database
from eventstore.sql.postgres.statements import LEASE_S

LOG = logging.getLogger("eventstore")
BEAT_S = 1.0
RETRY_S = 0.2
SWEEP_S = 60.0
T = TypeVar("T")
Ask = Callable[[Callable[[], None]], None]


class Identity(msgspec.Struct, frozen=True):
    """Who a node is."""

    node: str
    team: str
    host: str
    pid: int


class SharedLog(Protocol):
    """What is done to the log for all nodes, by whoever writes it here."""

    @property
    def holds(self) -> bool: ...
    def take_over(self) -> None: ...
    def judge(self) -> None: ...


class PostgresNodes:
    """See `eventstore.nodes.Nodes`. It begins to beat at once, and is closed by the store.

    Args:
        database: where the nodes are.
        who: this one; its row is there.
        log: taken over by this one when nobody holds it any more.
        ask: has something done by whoever writes the log.
        clock: of this process.
    """

    def __init__(
        self, database: Database, who: Identity, log: SharedLog, ask: Ask, clock: Clock
    ) -> None:
        self._database = database
        self._who = who
        self._log = log
        self._ask = ask
        self._clock = clock
        self.clock_off_us = 0
        self._engine = database.sharing()
        self._closed = threading.Event()
        self._beating: sa.Connection | None = None
        self._using = threading.Lock()
        """Held by who uses that connection: what is adopted is adopted by it."""
        self._until_s = time.monotonic() + LEASE_S
        self._judges_from_s = 0.0
        self._sweeps_from_s = time.monotonic() + SWEEP_S
        self.is_gone = False
        self._thread = threading.Thread(target=self._run, name="log node", daemon=True)
        self._thread.start()

    @property
    def me(self) -> str:
        return self._who.node

    @property
    def is_alive(self) -> bool:
        return not self.is_gone and time.monotonic() < self._until_s

    @property
    def holds(self) -> bool:
        return self._log.holds

    def census(self) -> Census:
        with self._asking() as connection:
            return team.census(connection)

    def adopt(self) -> tuple[str, ...]:
        return self._beaten(lambda connection: team.adopt(connection, self._who.team))

    def bury(self, node: str) -> None:
        def forget(connection: sa.Connection) -> None:
            team.leave(connection, node)
            team.let_go(connection, node)

        self._beaten(forget)

    def charge(
        self, key: str, now_us: int, limits: Sequence[tuple[int, int]], *, charging: bool
    ) -> Charge:
        with self._asking() as connection:
            return team.charge(connection, key, now_us, limits, charging=charging)

    def close(self) -> None:
        """Beat no more."""
        self._closed.set()
        self._thread.join()
        self._engine.dispose()

    @contextmanager
    def _asking(self) -> Iterator[sa.Connection]:
        with self._database.translating(), self._engine.connect() as connection:
            yield connection

    def _beaten(self, work: Callable[[sa.Connection], T]) -> T:
        """Do *work* on the connection whose end is the end of this node."""
        with self._database.translating(), self._using:
            if self._beating is None:
                self._beating = self._database.writers.connect()
            return work(self._beating)

    # --- the thread ---

    def _run(self) -> None:
        while not self._closed.is_set() and not self.is_gone:
            self._closed.wait(BEAT_S if self._beat() else RETRY_S)
        self._let_go()

    def _beat(self) -> bool:
        """Give a sign of life, and do what is to be done; say whether the server answered."""
        sent_s, sent_us = time.monotonic(), self._clock()
        if sent_s > self._until_s - LEASE_S / 2:  # it stood still: so may all of this machine
            self._judges_from_s = sent_s + LEASE_S
        try:
            with self._using:
                if self._beating is None:
                    self._beating = self._database.writers.connect()
                answer = team.beat(self._beating, self._who.node)
                self.clock_off_us = off_by(sent_us, answer.server_us, self._clock())
                self._sweep(self._beating)
        except sa.exc.DBAPIError as error:
            LOG.warning("node_not_heard node=%s error=%s", self._who.node, error.orig)
            # Whoever was cut off must not judge at once those who were cut off as well.
            self._judges_from_s = time.monotonic() + LEASE_S
            self._let_go()
            return False
        if not answer.alive:
            LOG.error("node_gone node=%s", self._who.node)
            self.is_gone = True
            return True
        self._until_s = sent_s + LEASE_S
        if sent_s >= self._judges_from_s:
            self._do(answer)
        return True

    def _do(self, answer: team.Beat) -> None:
        if answer.unheld and not self._log.holds:
            self._ask(self._log.take_over)
        elif answer.silent and self._log.holds:
            self._ask(self._log.judge)

    def _sweep(self, connection: sa.Connection) -> None:
        if self._log.holds and time.monotonic() >= self._sweeps_from_s:
            self._sweeps_from_s = time.monotonic() + SWEEP_S
            team.sweep(connection)

    def _let_go(self) -> None:
        with self._using:
            if self._beating is not None:
                self._beating.close()
                self._beating = None


def off_by(sent_us: int, server_us: int, heard_us: int) -> int:
    """Say by how much a clock is ahead of the server's at least; below 0: behind it.

    The server looked at its own between the two moments: only what is outside of them is
    known to be wrong.
    """
    return max(0, sent_us - server_us) or min(0, heard_us - server_us)

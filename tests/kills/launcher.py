"""Forks processes that work on a store and are killed: `python -m tests.kills.launcher`.

It has imported everything and opened nothing. Each line on stdin is an `Order`; the child
that carries it out writes what it sent and what was acknowledged to stdout, and when it has
ended the launcher writes how.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

import alembic.command  # noqa: F401 - before the forks: `eventstore.sql` waits for its need
import msgspec
import sqlalchemy as sa

from eventstore import Store, sql
from eventstore.sql import Durability, Mode
from eventstore.sql.points import EVENT, crash_point
from eventstore.testing import FakeClock, FakeIds, placed, registry, stream
from tests.kills.plan import closed_streams, rounds_of

ROOT = Path(__file__).parents[2]
ROUNDS = 12
IDLE_S, TRIES = 0.15, 200
SURVIVED, FAILED = 0, 70
EXPORT = "template.tsx"


class Order(msgspec.Struct, frozen=True):
    """What a child is to do, and where or when it is killed."""

    path: str
    job: str
    """write, guest, upgrade, archive, prune or import."""
    seed: int
    durability: Durability = "fsync"
    point: str | None = None
    count: int = 1
    """At the how-manieth passing of the point."""
    after_s: float | None = None
    """Instead of a point: a time after its start."""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of stdout."""

    sent: int | None = None
    """Number of a commit that is being appended."""
    acked: int | None = None
    refused: str | None = None
    """Code of an error that it met."""
    ended: int | None = None
    """How the child ended: negative for a signal."""


class Launcher:
    """The warm process that forks those to be killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.launcher"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, order: Order) -> tuple[set[int], set[int], int]:
        """Give what was sent, what was acknowledged, and how the child ended."""
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        into.write(msgspec.json.encode(order) + b"\n")
        into.flush()
        sent: set[int] = set()
        acked: set[int] = set()
        for line in out:
            told = msgspec.json.decode(line, type=Told)
            if told.sent is not None:
                sent.add(told.sent)
            if told.acked is not None:
                acked.add(told.acked)
            if told.ended is not None:
                return sent, acked, told.ended
        msg = "the launcher died"
        raise AssertionError(msg)

    def close(self) -> bytes:
        """End it; give what was said on stderr."""
        return self._process.communicate()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def tell(told: Told) -> None:
    os.write(1, msgspec.json.encode(told) + b"\n")


def arm(point: str, count: int) -> None:
    """Kill this process at the *count*-th passing of *point*."""
    left = [count]

    def passed(event: str, arguments: tuple[object, ...]) -> None:
        if event == EVENT and arguments[0] == point:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(passed)


def arm_statement(count: int) -> None:
    """Kill this process before the *count*-th statement that SQLAlchemy runs."""
    arm("statement", count)

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def before(*_: object) -> None:
        crash_point("statement")


def opened(order: Order, mode: Mode) -> Store:
    ids = FakeIds(1 << 60 | order.seed << 24)
    return sql.open_store(
        f"sqlite:///{order.path}",
        mode=mode,
        durability=order.durability,
        registry=registry(),
        clock=FakeClock(),
        ids=ids,
    )


def write(order: Order, mode: Mode = "hold") -> None:
    """Append round after round, each acknowledged before the next; then stay idle, then close."""
    store = opened(order, mode)
    append_plan(store, order)
    if order.point is not None and order.point.startswith("sync"):
        rest(store)
    store.close()


def append_plan(store: Store, order: Order) -> None:
    for together in rounds_of(order.seed, ROUNDS):
        tickets = []
        for commit in together:
            tell(Told(sent=commit.number))
            tickets.append(
                store.append(
                    commit.stream_id,
                    commit.events,
                    kind="order",
                    expected=commit.first - 1,
                    commit_id=commit.commit_id,
                )
            )
        for commit, ticket in zip(together, tickets, strict=True):
            ticket.result()
            tell(Told(acked=commit.number))


def move(order: Order) -> None:
    """Append, also streams that are closed, and let those leave, in two goes."""
    with opened(order, "hold") as store:
        append_plan(store, order)
        for name, events in closed_streams(order.seed):
            store.append(name, events, kind="order", expected=0, close=True).result()
        first = [name for name, _ in closed_streams(order.seed)][:3]
        for streams in (first, []):
            age = None if streams else timedelta(days=-1)
            if order.job == "archive":
                store.archive(streams=streams, older_than=age)
            else:
                store.prune(streams=streams, older_than=age, by="ann", reason="kills")


def bring_in(order: Order) -> None:
    sql.import_(
        Path(order.path).with_name(EXPORT), f"sqlite:///{order.path}", registry=registry(),
        clock=FakeClock(), ids=FakeIds(1 << 57),
    )  # fmt: skip


def rest(store: Store) -> None:
    """Leave the writer of a `bounded` store with something to sync by itself, and wait for that.

    On a slow disk a flush comes more than 50 ms after the one before, and is synced at once.
    """
    for number in range(TRIES):
        for half in range(2):
            extra = stream(1_000_000 + 2 * number + half)
            store.append(extra, [placed(number)], kind="order", expected=0).result()
        threading.Event().wait(IDLE_S)


def upgrade(order: Order) -> None:
    sql.upgrade(f"sqlite:///{order.path}", clock=FakeClock(), ids=FakeIds(1 << 59))


JOBS: dict[str, Callable[[Order], None]] = {
    "write": write,
    "guest": lambda order: write(order, "guest"),
    "upgrade": upgrade,
    "archive": move,
    "prune": move,
    "import": bring_in,
}


def carry_out(order: Order) -> int:
    if order.point == "statement":
        arm_statement(order.count)
    elif order.point is not None:
        arm(order.point, order.count)
    JOBS[order.job](order)
    return SURVIVED


def launch(order: Order) -> int:
    """Run *order* in a child; give how it ended."""
    child = os.fork()
    if child == 0:
        status = FAILED
        try:
            status = carry_out(order)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            raise
        finally:
            os._exit(status)
    if order.after_s is not None:
        time.sleep(order.after_s)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    for line in sys.stdin.buffer:
        tell(Told(ended=launch(msgspec.json.decode(line, type=Order))))


if __name__ == "__main__":
    main()

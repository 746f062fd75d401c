"""What the forked processes do until they are killed."""

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import alembic.command  # noqa: F401 - before the forks: `eventstore.sql` waits for its need
import sqlalchemy as sa

from eventstore import ANY, EventStoreError, Keyring, NewEvent, Store, sql
from eventstore.sql import Mode
from eventstore.sql.points import EVENT, crash_point
from eventstore.testing import (
    CountingReducer,
    FakeClock,
    FakeIds,
    keyring,
    placed,
    registry,
    stream,
)
from eventstore.values import ToSeal
from tests.kills.launcher import NOT_OPENED, SURVIVED, Order, Told, tell
from tests.kills.plan import ROUNDS, Commit, closed_streams, commits_of, rounds_of

IDLE_S, TRIES = 0.15, 200
EXPORT = "template.tsx"
SECRET = "only ann may know this"  # noqa: S105 - nobody uses it
REDACTED, SEALED = stream(1_500_000), stream(1_500_001)
OTHER_MASTER = b"other master".ljust(32, b".")
PEOPLE = [f"p{number}" for number in range(120)]
"""More than are wrapped anew in one transaction."""
INSISTED = 20
"""Commits of the job `insist`."""
AGAIN = ("commit-unknown", "log-failed", "store-full")

Ready: TypeAlias = Callable[[], None]


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


def opened(
    order: Order, mode: Mode = "hold", life: int = 0, keyring: Keyring | None = None
) -> Store:
    return sql.open_store(
        f"sqlite:///{order.path}",
        mode=mode,
        durability=order.durability,
        registry=registry(),
        clock=FakeClock(),
        ids=FakeIds(1 << 60 | order.seed << 24 | life << 20),
        keyframes={"order": CountingReducer()},
        keyring=keyring,
    )


def write(order: Order, ready: Ready, mode: Mode = "hold") -> int:
    """Append round after round, each acknowledged before the next; then stay idle, then close."""
    ready()
    store = opened(order, mode)
    append_plan(store, order)
    if order.point is not None and order.point.startswith(("sync", "keyframe")):
        rest(store)
    store.close()
    return SURVIVED


def append_plan(store: Store, order: Order) -> None:
    for together in rounds_of(order.seed, ROUNDS):
        append(store, together)


def append(store: Store, together: Iterable[Commit]) -> None:
    """Append *together* at once, and wait for all."""
    tickets = []
    for commit in together:
        tell(Told(sent=commit.number, at_s=time.monotonic()))
        tickets.append((commit.number, commit.sent_to(store)))
    for number, ticket in tickets:
        ticket.result()
        tell(Told(acked=number, at_s=time.monotonic()))


def rest(store: Store) -> None:
    """Leave the writer of a `bounded` store with something to sync by itself, and wait for that.

    On a slow disk a flush comes more than 50 ms after the one before, and is synced at once.
    """
    for number in range(TRIES):
        for half in range(2):
            extra = stream(1_000_000 + 2 * number + half)
            store.append(extra, [placed(number)], kind="order", expected=0).result()
        threading.Event().wait(IDLE_S)


def upgrade(order: Order, ready: Ready) -> int:
    ready()
    sql.upgrade(f"sqlite:///{order.path}", clock=FakeClock(), ids=FakeIds(1 << 59))
    return SURVIVED


def redact(order: Order, ready: Ready) -> int:
    """Append what is planned and a secret, then take that out."""
    ready()
    with opened(order) as store:
        append_plan(store, order)
        events = [placed(item=SECRET)]
        store.append(REDACTED, events, kind="order", expected=0).result()
        store.redact(REDACTED, 1, ["/item"], by="ann", reason="asked")
    return SURVIVED


def erase(order: Order, ready: Ready) -> int:
    """Append what is planned and what is sealed for somebody, then destroy that key."""
    ready()
    with opened(order, keyring=keyring()) as store:
        append_plan(store, order)
        seal_for(store, ["ann", "bob"])
        store.erase("ann", by="dpo", reason="asked")
    return SURVIVED


def rewrap(order: Order, ready: Ready) -> int:
    """Append what is planned and what is sealed for many, then change the master."""
    ready()
    with opened(order, keyring=keyring()) as store:
        append_plan(store, order)
        seal_for(store, PEOPLE)
        store.rewrap(OTHER_MASTER)
    return SURVIVED


def seal_for(store: Store, people: Sequence[str]) -> None:
    sealed = NewEvent("order.noted", [ToSeal(name, name) for name in people], at_us=1)
    store.append(SEALED, [sealed], kind="order", expected=0).result()


def move(order: Order, ready: Ready) -> int:
    """Append, also streams that are closed, and let those leave, in two goes."""
    ready()
    with opened(order) as store:
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
    return SURVIVED


def bring_in(order: Order, ready: Ready) -> int:
    """Make a store of the export that lies beside."""
    ready()
    sql.import_(
        Path(order.path).with_name(EXPORT), f"sqlite:///{order.path}", registry=registry(),
        clock=FakeClock(), ids=FakeIds(1 << 57),
    )  # fmt: skip
    return SURVIVED


def open_and_insist(order: Order, ready: Ready) -> int:
    """Do the same on a disk that may fail at opening already."""
    ready()
    try:
        return insist(order, lambda: None)
    except EventStoreError as error:
        tell(Told(refused=error.code))
        return NOT_OPENED


def insist(order: Order, ready: Ready) -> int:
    """Append to a store whose disk fails, as a careful caller would.

    Whatever is refused or unknown is appended again with the same commit id, until it is
    known to be there.
    """
    with opened(order) as store:
        ready()
        for commit in commits_of(order.seed)[:INSISTED]:
            tell(Told(sent=commit.number))
            until_acknowledged(store, commit, lambda code: tell(Told(refused=code)))
            tell(Told(acked=commit.number))
    return SURVIVED


def until_acknowledged(store: Store, commit: Commit, refused: Callable[[str], None]) -> None:
    """Append *commit* until it is there; tell *refused* each time it is not."""
    while True:
        try:
            commit.sent_to(store).result()
        except EventStoreError as error:
            if error.code not in AGAIN:
                raise
            refused(error.code)
        else:
            return


def live(order: Order, ready: Ready) -> int:
    """Make a store and live with it: hold it twice, seal, stay idle. Its power is cut later."""
    ready()
    rounds = rounds_of(order.seed, ROUNDS)
    for life, half in enumerate((rounds[: ROUNDS // 2], rounds[ROUNDS // 2 :])):
        with opened(order, life=life) as store:
            for number, together in enumerate(half):
                append(store, together)
                if number == ROUNDS // 4:
                    store.seal()
                if number % 2:
                    threading.Event().wait(IDLE_S / 2)
            if order.durability == "bounded":
                idle(order, store, life)
    return SURVIVED


def idle(order: Order, store: Store, life: int) -> None:
    """Append until the writer syncs by itself, then leave it alone; tell of both."""
    with closing(sqlite3.connect(order.path)) as raw:
        before = syncs(raw)
        for number in range(TRIES):
            for half in range(2):
                extra = stream((1_000 + life << 10) + 2 * number + half)
                store.append(extra, [placed(number)], kind="order", expected=ANY).result()
            tell(Told(done="appended"))
            threading.Event().wait(IDLE_S)
            if syncs(raw) > before:
                break
        tell(Told(done="synced"))
    threading.Event().wait(IDLE_S)
    tell(Told(done="left alone"))


def doze(order: Order, ready: Ready) -> int:
    """Stay idle with something to sync."""
    with opened(order) as store:
        ready()
        for _ in range(TRIES):
            try:
                idle(order, store, 0)
            except EventStoreError as error:
                tell(Told(refused=error.code))
            else:
                break
    return SURVIVED


def syncs(raw: sqlite3.Connection) -> int:
    return int(raw.execute("SELECT syncs FROM log").fetchone()[0])


JOBS: dict[str, Callable[[Order, Ready], int]] = {
    "write": write,
    "create": write,
    "guest": lambda order, ready: write(order, ready, "guest"),
    "upgrade": upgrade,
    "redact": redact,
    "erase": erase,
    "rewrap": rewrap,
    "archive": move,
    "prune": move,
    "import": bring_in,
    "insist": insist,
    "open and insist": open_and_insist,
    "live": live,
    "doze": doze,
}
"""By name; a point whose name begins with another one's than `write` is passed by that job."""


def carry_out(order: Order, ready: Ready) -> int:
    if order.point == "statement":
        arm_statement(order.count)
    elif order.point is not None:
        arm(order.point, order.count)
    return JOBS[order.job](order, ready)

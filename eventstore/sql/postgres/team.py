"""The rows of nodes and of windows: what is asked of them, statement by statement."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from eventstore.nodes import Census, Charge
from eventstore.sql.postgres.statements import LEASE_S
from eventstore.sql.texts import LOG_ID

_UNTIL = f"clock_timestamp() + interval '{LEASE_S} s'"
_ADOPTION = 0x54534E
_ENTER = (
    "INSERT INTO nodes (log_id, node, team, host, pid, since, leased_until, gone)"
    f" VALUES ({LOG_ID}, %s, %s, %s, %s, clock_timestamp(), {_UNTIL}, false)"
)
_LEAVE = f"DELETE FROM nodes WHERE log_id = {LOG_ID} AND node = %s"
_IS_GONE = f"SELECT gone FROM nodes WHERE log_id = {LOG_ID} AND node = %s"
_ALL = f"SELECT node, gone FROM nodes WHERE log_id = {LOG_ID}"
_OVER = "leased_until <= clock_timestamp()"
_BEAT = (
    f"WITH mine AS (UPDATE nodes SET leased_until = {_UNTIL}"
    f" WHERE log_id = {LOG_ID} AND node = %s AND NOT gone RETURNING 1)"
    " SELECT EXISTS (SELECT FROM mine),"
    f" coalesce((SELECT leased_until IS NULL OR {_OVER} FROM log WHERE log_id = {LOG_ID}), false),"
    f" EXISTS (SELECT FROM nodes WHERE log_id = {LOG_ID} AND NOT gone AND {_OVER} AND node <> %s),"
    " (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
)
_JUDGE = (
    f"UPDATE nodes SET gone = true WHERE log_id = {LOG_ID} AND NOT gone AND node <> %s"
    f" AND ({_OVER} OR node = %s)"
)
# The condition before the lock: a row that is not ours to adopt is not locked, either.
_ADOPT = (
    "WITH gone AS MATERIALIZED (SELECT node FROM nodes"
    f" WHERE log_id = {LOG_ID} AND gone AND team = %s)"
    f" SELECT node FROM gone WHERE pg_try_advisory_lock({_ADOPTION}, hashtext(node)) ORDER BY node"
)
_LET_GO = f"SELECT pg_advisory_unlock({_ADOPTION}, hashtext(%s))"
_CHARGE = f"SELECT * FROM charge({LOG_ID}, %s, %s, %s::bigint[], %s::bigint[], %s)"
_SWEEP = (
    f"DELETE FROM windows WHERE log_id = {LOG_ID} AND start_us + length_us"
    " < extract(epoch FROM clock_timestamp() - interval '60 s') * 1000000"
)


class Beat(msgspec.Struct, frozen=True):
    """What the server answers to a sign of life."""

    alive: bool
    """Whether the node is not gone."""
    unheld: bool
    """Whether the lease of the log's holder is over, or it let go."""
    silent: bool
    """Whether there is a node whose last sign of life is too old."""
    server_us: int
    """The time of the server."""


def enter(connection: sa.Connection, node: str, team: str, host: str, pid: int) -> None:
    """Take down that a node serves."""
    connection.exec_driver_sql(_ENTER, (node, team, host, pid))


def leave(connection: sa.Connection, node: str) -> None:
    """Forget a node."""
    connection.exec_driver_sql(_LEAVE, (node,))


def beat(connection: sa.Connection, node: str) -> Beat:
    """Give a sign of life; say what is to be done."""
    return Beat(*connection.exec_driver_sql(_BEAT, (node, node)).one())


def is_gone(connection: sa.Connection, node: str) -> bool:
    """Say whether a node is gone, or was forgotten."""
    gone = connection.exec_driver_sql(_IS_GONE, (node,)).scalar()
    return gone is None or bool(gone)


def judge(connection: sa.Connection, me: str, overtaken: str) -> None:
    """Decide that those are gone whose lease is over, and who held the log before.

    In the transaction that raises the epoch: whatever they send after it is refused, and
    whatever arrived before it is seen by who ends their work.
    """
    connection.exec_driver_sql(_JUDGE, (me, overtaken))


def census(connection: sa.Connection) -> Census:
    """Return all nodes."""
    rows = connection.exec_driver_sql(_ALL).all()
    return Census(
        frozenset(node for node, gone in rows if not gone),
        frozenset(node for node, gone in rows if gone),
    )


def adopt(connection: sa.Connection, team: str) -> tuple[str, ...]:
    """Take gone nodes of *team* for as long as *connection* lives; give those it has now."""
    return tuple(connection.exec_driver_sql(_ADOPT, (team,)).scalars())


def let_go(connection: sa.Connection, node: str) -> None:
    """Let others take a gone node."""
    connection.exec_driver_sql(_LET_GO, (node,))


def charge(
    connection: sa.Connection,
    key: str,
    now_us: int,
    limits: Sequence[tuple[int, int]],
    *,
    charging: bool,
) -> Charge:
    """Ask the windows of *key*, and charge them if all let one more in."""
    counts, lengths = [count for count, _ in limits], [length for _, length in limits]
    rows = connection.exec_driver_sql(_CHARGE, (key, now_us, counts, lengths, charging)).all()
    before = tuple((start, used) for start, used, _ in rows)
    return Charge(before, charged=bool(rows) and all(charged for *_, charged in rows))


def sweep(connection: sa.Connection) -> None:
    """Drop windows that ended a while ago."""
    connection.exec_driver_sql(_SWEEP)

"""Who holds a log, and until when: the row `log` says it, by the server's clock (PG-2).

The epoch is what keeps an overtaken holder out: each flush names it. The lease only says
when somebody else may raise it. An advisory lock of the holder's connection tells at once
that the holder is gone, where its connection ended with it.
"""

import datetime as dt
import json
import os
import secrets
import socket

import msgspec
import sqlalchemy as sa

from eventstore.chain import genesis
from eventstore.errors import EventStoreError
from eventstore.identifiers import Clock, Ids
from eventstore.sql import failures
from eventstore.sql.postgres import team
from eventstore.sql.postgres.statements import LEASE_S
from eventstore.sql.texts import LOG_ID

RENEW_S = 3.0
_UNTIL = f"clock_timestamp() + interval '{LEASE_S} s'"
_LOCK = 0x54534350
_BEGIN = (
    "INSERT INTO log (log_id, uid, epoch, next_pos, head, syncs, open_from, created_us)"
    f" VALUES ({LOG_ID}, %s, 0, 1, %s, 0, 1, %s) ON CONFLICT DO NOTHING"
)
_BEGUN = f"SELECT 1 FROM log WHERE log_id = {LOG_ID}"
_HOLDER = f"SELECT holder FROM log WHERE log_id = {LOG_ID} FOR UPDATE"
_TAKE = (
    f"UPDATE log SET epoch = epoch + 1, holder = %(me)s, leased_until = {_UNTIL}"
    f" WHERE log_id = {LOG_ID} AND (holder = %(me)s OR leased_until IS NULL"
    " OR leased_until <= clock_timestamp())"
)
_RENEW = (
    f"UPDATE log SET syncs = syncs + 1, leased_until = CASE WHEN %s THEN {_UNTIL}"
    f" ELSE leased_until END WHERE log_id = {LOG_ID} AND epoch = %s"
)
_RELEASE = (
    f"UPDATE log SET holder = NULL, leased_until = NULL WHERE log_id = {LOG_ID} AND epoch = %s"
)
_REMAINING = (
    "SELECT holder, extract(epoch FROM leased_until - clock_timestamp())::float8, leased_until"
    f" FROM log WHERE log_id = {LOG_ID}"
)


def new_holder(since: str, node: str = "") -> str:
    """Return what the row `log` says of this process; no two are alike."""
    mark = secrets.token_hex(8)
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "mark": mark}
    return json.dumps({**who, "node": node} if node else who)


def begin_log(connection: sa.Connection, clock: Clock, ids: Ids) -> None:
    """Begin the log, unless somebody did."""
    if connection.exec_driver_sql(_BEGUN).first():
        return
    now_us = clock()
    uid = ids.uuid7(now_us)
    connection.exec_driver_sql(_BEGIN, (uid, genesis(uid), now_us))


def try_lock(connection: sa.Connection) -> bool:
    """Take the advisory lock for as long as *connection* lives, unless somebody has it."""
    query = f"SELECT pg_try_advisory_lock({_LOCK}, {LOG_ID})"
    return bool(connection.exec_driver_sql(query).scalar_one())


def take(connection: sa.Connection, holder: str) -> bool:
    """Hold the log under the next epoch, unless somebody else's lease is running.

    In a transaction: with it is decided which nodes are gone, the overtaken holder's first.
    """
    overtaken = node_of(connection.exec_driver_sql(_HOLDER).scalar())
    if connection.exec_driver_sql(_TAKE, {"me": holder}).rowcount != 1:
        return False
    team.judge(connection, node_of(holder), overtaken)
    return True


def node_of(holder: str | None) -> str:
    """Return the id of the node that a holder is; `` if it is none."""
    return str(json.loads(holder or "{}").get("node", ""))


def renew(connection: sa.Connection, epoch: int, *, extend: bool) -> bool:
    """Write without appending, which syncs; *extend* the lease; say whether the epoch still is."""
    return connection.exec_driver_sql(_RENEW, (extend, epoch)).rowcount == 1


def release(connection: sa.Connection, epoch: int) -> None:
    """Let others hold the log at once."""
    connection.exec_driver_sql(_RELEASE, (epoch,))


class Held(msgspec.Struct, frozen=True):
    """Whose lease is running."""

    holder: str
    remaining_s: float
    until: dt.datetime | None

    def refusal(self, place: str) -> EventStoreError:
        """Say who holds the log."""
        who = json.loads(self.holder)
        unknown = "an unknown"
        return failures.store_held(
            place, who.get("pid", unknown), who.get("host", unknown), who.get("since", "now")
        )


def held(connection: sa.Connection) -> Held:
    """Say whose lease is running."""
    row = connection.exec_driver_sql(_REMAINING).first()
    holder, remaining_s, until = row or (None, None, None)
    return Held(holder or "{}", max(remaining_s or 0.0, 0.0), until)

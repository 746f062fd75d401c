"""Make an empty database the log of a whole export, with its id, positions and seals.

Source: AR-4, LG-4, PG-1.
"""

from pathlib import Path

import sqlalchemy as sa

from eventstore.events import Imported
from eventstore.retention import RestoredFact
from eventstore.sql.postgres import addresses, bulk, lease, partitions
from eventstore.sql.postgres.backend import Database
from eventstore.sql.postgres.failures import translating
from eventstore.sql.postgres.link import Link
from eventstore.sql.postgres.log import PostgresLog
from eventstore.sql.restoring import EMPTIED, FILLED, Whole
from eventstore.sql.texts import LOG_ID

_TIMES = "SELECT DISTINCT substr(stream, 1, 12) FROM commits WHERE stream > '000000000001'"
_LOG = (
    "INSERT INTO log (log_id, uid, epoch, next_pos, head, syncs, open_from, created_us)"
    f" VALUES ({LOG_ID}, %s, %s + 1, %s, %s, 0, 1, %s)"
)


def restore(url: str, whole: Whole, segments: Path | None) -> Imported | None:
    """Make the database *url* that log; None: it has a log that is not empty, or in use.

    Raises:
        EventStoreError: `read-only` for who may not maintain the log, and what opening raises.
    """
    place = addresses.without_password(url)
    database = Database(addresses.parse(url), place, tuple, segments)
    link = Link(database.writers, place, locking=True)
    try:
        with translating(place):
            if not link.is_alone or lease.held(link.connection).remaining_s:
                return None
            lease.begin_log(link.connection, whole.clock, whole.ids)
            book, drafting = whole.fresh()
            log = PostgresLog(
                link, whole.registry, book, drafting, database.shelf, durability="fsync",
                holder=None,
            )  # fmt: skip
            position = log.become(lambda connection: _copy(whole, connection), *whole.fresh())
            return None if position is None else whole.told(position)
    finally:
        link.close()


def _copy(whole: Whole, connection: sa.Connection) -> RestoredFact:
    """Put what the export holds in the place of what the database does."""
    for table in EMPTIED:
        connection.exec_driver_sql(f"DELETE FROM {table}")
    times = whole.source.exec_driver_sql(_TIMES).scalars()
    partitions.make_for(connection, {int(time, 16) for time in times})
    for table in FILLED:
        bulk.copy(connection, table, whole.rows(table))
    connection.exec_driver_sql("DELETE FROM log")
    connection.exec_driver_sql(_LOG, whole.log())
    return whole.fact()

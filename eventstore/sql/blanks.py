"""A file of our tables and nothing in them: what new stores, segments and exports begin as."""

from functools import cache
from pathlib import Path

from eventstore.sql import connections, migrating
from eventstore.sql.tables import APPLICATION_ID, REVISION


def write(file: Path) -> None:
    """Make *file*, a store without a log, for nobody else to read.

    SQLite gives the files that it lays beside it the same mode.
    """
    file.unlink(missing_ok=True)
    file.touch(mode=0o600, exist_ok=False)  # no link that lies there is followed
    file.write_bytes(blank())


@cache
def blank(revision: str = REVISION) -> bytes:
    """Return its bytes, with the tables of *revision*: a program makes them once."""
    with connections.transactional_engine(Path(":memory:")).connect() as connection:
        driver = connections.driver_of(connection)
        # In this order: writing the id begins the file, and then it is too late to say how.
        driver.execute("PRAGMA auto_vacuum = INCREMENTAL")
        driver.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrating.migrate("versions", revision, connection)
        return driver.serialize()

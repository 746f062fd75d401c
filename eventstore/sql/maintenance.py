"""Work beside the log that is told in it: one transaction for both (TB-7)."""

from typing import Protocol

import sqlalchemy as sa


class Maintenance(Protocol):
    """What `LogFile.maintain` does."""

    @property
    def type(self) -> str:
        """Of the fact that tells of it."""
        ...

    def work(self, connection: sa.Connection) -> object | None:
        """Do it, within a transaction; return the fact, None if nothing was to do."""
        ...

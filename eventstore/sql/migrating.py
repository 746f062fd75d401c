"""Alembic, configured in code: the steps of the tables, run, told, or written as SQL.

Opening a store that is up to date must not wait for Alembic, so each function loads it
by itself.
"""

import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from eventstore.sql.tables import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

# Beside this package, both in a checkout and in a wheel. Not looked for on the import
# path: an application may well have a package `migrations` of its own there.
_FOLDER = Path(__file__).parents[2] / "migrations"
# While Alembic runs it keeps its context in module globals: one thread at a time.
_ALONE = threading.Lock()


class Step(msgspec.Struct, frozen=True):
    """One revision of the tables."""

    revision: str
    about: str
    """What it made, in a sentence."""
    applied: bool
    """Whether the store that was asked about is at it or past it."""


def config(connection: sa.Connection | None = None, output: io.StringIO | None = None) -> "Config":
    """Return what Alembic needs to know; no *connection*: SQL goes to *output*."""
    from alembic.config import Config  # noqa: PLC0415

    made = Config(output_buffer=output)
    made.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def run(connection: sa.Connection) -> None:
    """Bring the tables up to this program's revision, one transaction a step."""
    from alembic import command  # noqa: PLC0415

    with _ALONE:
        command.upgrade(config(connection), REVISION)


def script(before: str | None) -> str:
    """Return the SQL that `run` would run on tables at revision *before*; None: on none."""
    from alembic import command  # noqa: PLC0415

    output = io.StringIO()
    with _ALONE:
        command.upgrade(config(output=output), f"{before or 'base'}:{REVISION}", sql=True)
    return output.getvalue()


def steps(current: str | None) -> tuple[Step, ...]:
    """Return all revisions, oldest first, for tables at revision *current*; None: for none.

    A revision that this program does not know is newer than all that it does.
    """
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    found = list(ScriptDirectory.from_config(config()).walk_revisions())[::-1]
    names = [each.revision for each in found]
    newest = current if current in names else names[-1]
    done = 0 if current is None else names.index(newest) + 1
    return tuple(
        Step(each.revision, each.doc or "", applied=number < done)
        for number, each in enumerate(found)
    )

"""Alembic, configured in code: where the migrations lie, and how they are run, told or written.

Opening a store that is up to date must not wait for Alembic, so each function loads it
by itself.
"""

import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

Chain: TypeAlias = Literal["versions", "postgres/versions"]
"""Folder of the migrations for SQLite, and of those for PostgreSQL."""

# Beside this package, both in a checkout and in a wheel. Not looked for on the import
# path: an application may well have a package `migrations` of its own there.
_FOLDER = str(Path(__file__).parents[2] / "migrations").replace("%", "%%")
# While Alembic runs it keeps its context in module globals: one thread at a time.
_ALONE = threading.Lock()


class Step(msgspec.Struct, frozen=True):
    """One revision of the tables."""

    revision: str
    about: str
    """What it made, in a sentence."""
    applied: bool
    """Whether the store that was asked about is at it or past it."""


def migrate(chain: Chain, revision: str, connection: sa.Connection, **options: object) -> None:
    """Bring the tables up to *revision*, one transaction a step; *options* go to Alembic."""
    from alembic import command  # noqa: PLC0415

    config = _config(chain, {"connection": connection, "options": options})
    with _ALONE:
        command.upgrade(config, revision)


def script(chain: Chain, revision: str, before: str | None, **options: object) -> str:
    """Return what `migrate` would run on tables at revision *before*, None: on none."""
    from alembic import command  # noqa: PLC0415

    output = io.StringIO()
    config = _config(chain, {"options": options}, output)
    with _ALONE:
        command.upgrade(config, f"{before or 'base'}:{revision}", sql=True)
    return output.getvalue()


def steps(chain: Chain, current: str | None) -> tuple[Step, ...]:
    """Return all revisions, oldest first, for tables at revision *current*; None: for none.

    A revision that this program does not know is newer than all that it does.
    """
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    found = list(ScriptDirectory.from_config(_config(chain, {})).walk_revisions())[::-1]
    names = [each.revision for each in found]
    newest = current if current in names else names[-1]
    done = 0 if current is None else names.index(newest) + 1
    return tuple(
        Step(each.revision, each.doc or "", applied=number < done)
        for number, each in enumerate(found)
    )


def _config(
    chain: Chain, attributes: dict[str, object], output: io.StringIO | None = None
) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    made = Config(output_buffer=output)
    made.set_main_option("script_location", _FOLDER)
    made.set_main_option("version_locations", f"{_FOLDER}/{chain}")
    made.set_main_option("path_separator", "newline")
    made.attributes.update(attributes)
    return made

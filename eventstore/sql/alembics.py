"""Alembic, configured in code: where the migrations lie, and how they are run."""

import io
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

Chain = Literal["versions", "postgres/versions"]
"""Folder of the migrations for SQLite, and of those for PostgreSQL."""


def migrate(chain: Chain, revision: str, connection: sa.Connection, **options: object) -> None:
    """Run the migrations up to *revision*; *options* go to Alembic's environment."""
    _upgrade(chain, revision, {"connection": connection, "options": options})


def script(chain: Chain, revision: str, **options: object) -> str:
    """Return what the migrations up to *revision* would run, and run nothing."""
    return _upgrade(chain, revision, {"options": options}, offline=True)


def _upgrade(
    chain: Chain, revision: str, attributes: dict[str, object], *, offline: bool = False
) -> str:
    # Here, not above: opening a store that is up to date must not wait for Alembic.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    # Beside this package, both in a checkout and in a wheel. Not looked for on the import
    # path: an application may well have a package `migrations` of its own there.
    folder = str(Path(__file__).parents[2] / "migrations").replace("%", "%%")
    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", folder)
    config.set_main_option("version_locations", f"{folder}/{chain}")
    config.set_main_option("path_separator", "newline")
    config.attributes.update(attributes)
    command.upgrade(config, revision, sql=offline)
    return written.getvalue()

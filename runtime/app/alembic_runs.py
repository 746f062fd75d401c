"""Runs single revisions of Alembic, each in one transaction where SQLite can have one (DB-2).

Alembic takes SQLite for a database without transactions for tables, as Python's driver begins none
for them. Then a revision that fails half-way leaves half of it behind, under no revision, and is
never done again. So the transaction is begun here, unless `env.py` decides it itself, or foreign
keys are enforced: `PRAGMA foreign_keys=OFF` does nothing inside of one, and to drop a table then
drops what refers to it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from runtime.errors import SchemaError

Revisions = Callable[[Any, Any], Any]


def settings_of(path: str) -> Config:
    """Read an `alembic.ini`.

    Its `[loggers]` are for the command line: they would silence those of a server, so `env.py` is
    told that there is no file to take them from.

    Raises:
        SchemaError: it cannot be read.
    """
    settings = Config(path)
    try:
        _ = settings.file_config, ScriptDirectory.from_config(settings)
    except (CommandError, OSError) as error:
        raise _unreadable(path, error) from error
    settings.config_file_name = None
    return settings


def steps_between(settings: Config, revision: str, after: str) -> list[tuple[str, str]]:
    """List the revisions after *after* up to *revision*, newest first, each with the one before.

    Raises:
        SchemaError: they are not there, or do not stand in one line.
    """
    script = ScriptDirectory.from_config(settings)
    try:
        found = list(script.iterate_revisions(revision, after))
    except (CommandError, RevisionError) as error:
        wanted = f"revision {revision!r:.80} after {after!r:.80}"
        raise _unreadable(wanted, error) from error
    for each in found:
        if isinstance(each.down_revision, tuple | list):
            raise SchemaError(
                problem=f"Alembic's revision {each.revision} merges {each.down_revision}.",
                remedy="Steps go along one line, and back: give schemas before and after it.",
            )
    return [(each.revision, str(each.down_revision or "base")) for each in found]


def upgrade(settings: Config, revision: str) -> None:
    """Bring the database to *revision*."""
    script = ScriptDirectory.from_config(settings)
    _run(settings, script, lambda at, _: script._upgrade_revs(revision, at))  # noqa: SLF001


def downgrade(settings: Config, revision: str, before: str) -> None:
    """Take *revision* away from the database, if it is there."""
    script = ScriptDirectory.from_config(settings)
    if revision in _applied(settings, script):
        _run(settings, script, lambda at, _: script._downgrade_revs(before, at))  # noqa: SLF001


def _applied(settings: Config, script: ScriptDirectory) -> set[str]:
    heads: list[str] = []

    def look(at: Any, _: Any) -> list[Any]:
        heads.extend([at] if isinstance(at, str) else at)
        return []

    _run(settings, script, look)
    found = script.iterate_revisions(tuple(heads), "base") if heads else ()
    return {each.revision for each in found}


def _run(settings: Config, script: ScriptDirectory, revisions: Revisions) -> None:
    context = EnvironmentContext(settings, script, fn=revisions)
    # What `env.py` calls as `alembic.context` knows this class and no other of it.
    whole = _Whole(context)
    context.configure = whole.configure  # type: ignore[method-assign]
    context.begin_transaction = whole.begin_transaction  # type: ignore[method-assign]
    with context:
        script.run_env()


class _Whole:
    """Begins the transaction that a revision runs in."""

    def __init__(self, context: EnvironmentContext) -> None:
        self._configure, self._begin = context.configure, context.begin_transaction
        self._connection: Any = None
        """On which it has to be begun; None: that is the driver's affair."""

    def configure(self, *given: Any, **said: Any) -> None:
        connection = given[0] if given else said.get("connection")
        if said.get("transactional_ddl") is None and _can_be_whole(connection):
            said["transactional_ddl"] = True
            self._connection = connection
        self._configure(*given, **said)

    @contextmanager
    def begin_transaction(self) -> Iterator[Any]:
        with self._begin() as transaction:
            if self._connection is not None:
                self._connection.exec_driver_sql("BEGIN")
            yield transaction


def _can_be_whole(connection: Any) -> bool:
    if connection is None or (connection.dialect.name, connection.dialect.driver) != (
        "sqlite", "pysqlite",
    ) or connection.in_transaction():  # fmt: skip
        return False
    # Asked past SQLAlchemy, which would begin what Alembic then takes for its caller's.
    database = connection.connection.driver_connection
    return not database.execute("PRAGMA foreign_keys").fetchone()[0]


def _unreadable(what: str, error: Exception) -> SchemaError:
    said = str(error).rstrip(".")
    return SchemaError(
        problem=f"Alembic cannot read {what:.200}: {said:.200}.",
        remedy="Give an alembic.ini, and revisions of its folder.",
    )

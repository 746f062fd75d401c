"""Steps of a schema out of a folder of Alembic migrations, one a revision."""

from functools import partial
from pathlib import Path
from typing import Any

from runtime.app.schemas import STEP_S, SchemaStep


def alembic_steps(
    config: Path | str, revision: str, *, after: str | None = None, timeout_s: float = STEP_S
) -> list[SchemaStep]:
    """Return the steps to *revision*, to be given to `app.schema`.

    Each is its own `alembic upgrade`, so it runs in a transaction of its own where the database
    has that for tables. One that was done before does nothing.

    Args:
        config: an `alembic.ini`, whose `env.py` knows the database.
        revision: of the schema.
        after: of the schema before; None: there is none.
        timeout_s: what each revision may take.
    """
    settings = _settings(config)
    steps = _between(settings, revision, after or "base")
    return [
        SchemaStep(new, partial(_up, settings, new), partial(_down, settings, new, old), timeout_s)
        for new, old in reversed(steps)
    ]


def _settings(config: Path | str) -> Any:
    # Alembic brings a database driver along, for which only who uses it should pay.
    from alembic.config import Config  # noqa: PLC0415

    return Config(str(config))


def _between(settings: Any, revision: str, after: str) -> list[tuple[str, str]]:
    """List the revisions after *after*, newest first, each with the one before."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    script = ScriptDirectory.from_config(settings)
    return [
        (each.revision, str(each.down_revision or "base"))
        for each in script.iterate_revisions(revision, after)
    ]


def _up(settings: Any, revision: str) -> None:
    from alembic import command  # noqa: PLC0415

    command.upgrade(settings, revision)


def _down(settings: Any, revision: str, before: str) -> None:
    from alembic import command  # noqa: PLC0415

    if revision in _applied(settings):
        command.downgrade(settings, before)


def _applied(settings: Any) -> set[str]:
    """Return the revisions that the database has."""
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    script = ScriptDirectory.from_config(settings)
    heads: list[str] = []

    def look(at: Any, _: Any) -> list[Any]:
        heads.extend([at] if isinstance(at, str) else at)
        return []

    with EnvironmentContext(settings, script, fn=look):
        script.run_env()
    found = script.iterate_revisions(tuple(heads), "base") if heads else ()
    return {each.revision for each in found}

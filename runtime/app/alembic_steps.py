"""Steps of a schema out of a folder of Alembic migrations, one a revision."""

from functools import partial
from pathlib import Path

from runtime.app.schemas import STEP_S, SchemaStep


def alembic_steps(
    config: Path | str, revision: str, *, after: str | None = None, timeout_s: float = STEP_S
) -> list[SchemaStep]:
    """Return the steps to *revision*, to be given to `app.schema`.

    Each runs in a transaction of its own where the database has that for tables. One that was
    done before does nothing.

    Args:
        config: an `alembic.ini`, whose `env.py` knows the database.
        revision: of the schema.
        after: of the schema before; None: there is none.
        timeout_s: what each revision may take.

    Raises:
        SchemaError: the folder or a revision cannot be read, or the revisions stand in no line.
    """
    # Alembic brings a database driver along, for which only who uses it should pay.
    from runtime.app import alembic_runs as runs  # noqa: PLC0415

    settings = runs.settings_of(str(config))
    return [
        SchemaStep(
            new, partial(runs.upgrade, settings, new), partial(runs.downgrade, settings, new, old),
            timeout_s,
        )
        for new, old in reversed(runs.steps_between(settings, revision, after or "base"))
    ]  # fmt: skip

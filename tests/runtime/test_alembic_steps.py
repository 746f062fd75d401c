"""Steps of Alembic on a real SQLite file: whole or not at all, and quiet (DB-2)."""

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from runtime import App, alembic_steps
from runtime.errors import SchemaError, SchemaFailedError
from runtime.testing import FakeClock, SeededIds, run_virtual
from tests.faces.asgi import memory_store

# As `alembic init` writes it, which sets up logging by the file.
ENV = """
import logging.config
import sqlalchemy as sa
from alembic import context

config = context.config
if config.config_file_name is not None:
    logging.config.fileConfig(config.config_file_name)
url = "sqlite:///" + config.get_main_option("file")
with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as at:
    at.connection.driver_connection.execute("PRAGMA foreign_keys={keys}")
    context.configure(connection=at)
    with context.begin_transaction():
        context.run_migrations()
"""
INI = """[alembic]
script_location = {folder}
file = {file}
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys =
[logger_root]
level = ERROR
handlers = console
[handler_console]
class = StreamHandler
args = ()
"""


class Folder:
    """A folder of migrations, and the database that they are for."""

    def __init__(self, path: Path, *, keys: str = "OFF") -> None:
        self.path, self.file = path, path / "orders.db"
        self.ini = path / "alembic.ini"
        (path / "versions").mkdir()
        (path / "env.py").write_text(ENV.format(keys=keys), "utf-8")
        self.ini.write_text(INI.format(folder=path, file=self.file), "utf-8")

    def revision(self, new: str, old: Any, up: str, down: str = "pass") -> None:
        text = (
            f"from alembic import op\nrevision, down_revision = {new!r}, {old!r}\n"
            f"def upgrade(): {up}\ndef downgrade(): {down}\n"
        )
        (self.path / "versions" / f"{new}.py").write_text(text, "utf-8")

    def asked(self, sql: str) -> list[Any]:
        connection = sqlite3.connect(self.file)
        rows = connection.execute(sql).fetchall()
        connection.close()
        return [row[0] for row in rows]

    def start(self) -> None:
        app = App("shop")
        app.schema("orders@1", alembic_steps(self.ini, "r2"))

        @app.handler("GET /orders", schema="orders@1")
        async def orders() -> None: ...

        app.start(memory_store(), clock=FakeClock(), ids=SeededIds(1))
        run_virtual(app.stop())


TABLES = "SELECT name FROM sqlite_master WHERE length(name) = 1 ORDER BY name"


@pytest.mark.proves("DB-2")
def test_a_revision_that_fails_half_way_leaves_nothing_and_can_be_done_again(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path)
    folder.revision("r1", None, "op.execute('CREATE TABLE a (id)')", "op.execute('DROP TABLE a')")
    both = "op.execute('CREATE TABLE b (id)'); op.execute('INSERT INTO b VALUES (1)')"
    folder.revision("r2", "r1", f"{both}; op.execute('nonsense')")

    with pytest.raises(SchemaFailedError, match="What was done is undone"):
        folder.start()
    half = folder.asked(TABLES), folder.asked("SELECT * FROM alembic_version")
    folder.revision("r2", "r1", both)
    folder.start()

    assert half == ([], [])
    assert folder.asked(TABLES) == ["a", "b"]
    assert folder.asked("SELECT * FROM alembic_version") == ["r2"]
    assert folder.asked("SELECT * FROM b") == [1]


@pytest.mark.proves("DB-2")
def test_where_foreign_keys_are_enforced_a_revision_may_still_switch_them_off(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path, keys="ON")
    made = (
        "op.execute('CREATE TABLE a (id INTEGER PRIMARY KEY)'); op.execute('CREATE TABLE b (a "
        "REFERENCES a ON DELETE CASCADE)'); op.execute('INSERT INTO a VALUES (1)'); "
        "op.execute('INSERT INTO b VALUES (1)')"
    )
    folder.revision("r1", None, made)
    folder.revision("r2", "r1", "op.execute('PRAGMA foreign_keys=OFF'); op.execute('DROP TABLE a')")

    folder.start()

    assert (folder.asked(TABLES), folder.asked("SELECT * FROM b")) == (["b"], [1])


@pytest.mark.proves("DB-1")
def test_a_server_is_not_silenced_by_the_settings_of_a_command_line(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.revision("r1", None, "pass")
    folder.revision("r2", "r1", "pass")
    logger, root = logging.getLogger("timescape"), logging.getLogger()
    before = root.level, list(root.handlers)

    folder.start()

    assert not logger.disabled
    assert (root.level, list(root.handlers)) == before


@pytest.mark.proves("DB-1")
def test_what_alembic_cannot_read_is_told_and_so_is_what_has_no_one_way_back(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path)
    folder.revision("r1", None, "pass")
    folder.revision("r2", "r1", "pass")
    folder.revision("r3", "r1", "pass")
    folder.revision("r4", ("r2", "r3"), "pass")

    for config, revision, after in (
        (folder.ini, "zz", None),
        (folder.ini, "r1", "r2"),
        (tmp_path / "none.ini", "r1", None),
    ):
        with pytest.raises(SchemaError, match="Alembic cannot read"):
            alembic_steps(config, revision, after=after)
    with pytest.raises(SchemaError, match="r4 merges"):
        alembic_steps(folder.ini, "r4")

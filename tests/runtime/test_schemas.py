"""Database schemas of versions: there before the version is, or undone; one process at a time."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import StreamId
from eventstore.memory import MemoryStore
from runtime import App
from runtime.app.alembic_steps import alembic_steps
from runtime.app.schemas import Schema, Schemas, SchemaStep
from runtime.control import change, control_stream, read_table
from runtime.effects import SystemIds
from runtime.errors import (
    SchemaError,
    SchemaFailedError,
    SchemaIncompatible,
    SchemaInUse,
    SchemaNotRegistered,
    SchemaOpenError,
)
from runtime.schema_facts import SchemaStarted
from runtime.testing import FakeClock, SeededIds, run_virtual
from runtime.timescape.keeping import TABLE_REDUCER
from tests.faces.asgi import memory_store
from tests.faces.command_line import Said, run

ONE, TWO = "orders@1", "orders@2"
STREAM = control_stream("shop")


class Database:
    """What steps have done to it, and which of them fail."""

    def __init__(self) -> None:
        self.there: list[str] = []
        self.calls: list[str] = []
        self.faults: dict[str, Callable[[], Any]] = {}

    def step(self, name: str, timeout_s: float = 30.0) -> SchemaStep:
        def move(direction: str) -> Any:
            self.calls.append(f"{direction} {name}")
            fault = self.faults.get(f"{direction} {name}")
            if fault is not None:
                return fault()
            if direction == "up" and name not in self.there:
                self.there.append(name)
            elif direction == "down" and name in self.there:
                self.there.remove(name)
            return None

        return SchemaStep(name, lambda: move("up"), lambda: move("down"), timeout_s)


def raises() -> None:
    raise OSError


def returns_false() -> bool:
    return False


def is_late() -> None:
    threading.Event().wait(0.2)


def shop(database: Database, *needs: str, compatible: bool = True, timeout_s: float = 30.0) -> App:
    """Make an app whose handlers, one an edition, need *needs*; each schema has two steps."""
    app = App("shop", on_breaking="activate")
    for number, name in ((1, ONE), (2, TWO)):
        steps = [database.step(f"{number}{letter}", timeout_s) for letter in "ab"]
        also = [ONE] if compatible and name == TWO else []
        app.schema(name, steps, compatible_with=also)
    for number, need in enumerate(needs, 1):
        app.handler("GET /orders", version=f"2026-0{number}-01", schema=need)(_handler(number))
    return app


def _handler(number: int) -> Any:
    async def orders() -> int:
        return 1

    async def more_orders() -> int:
        return 2

    return (orders, more_orders)[number - 1]


def start(app: App, store: MemoryStore) -> None:
    app.start(store, clock=FakeClock(), ids=SeededIds(3))
    run_virtual(app.stop())


def told(store: MemoryStore) -> list[str]:
    return [f"{e.type} {e.key}" for e in store.read(STREAM) if e.type.startswith("schema.")]


@pytest.mark.proves("DB-1", "DB-4")
def test_a_schema_is_applied_before_the_version_that_needs_it_and_once() -> None:
    store, database = memory_store(), Database()
    start(shop(database, ONE), store)
    start(shop(database, ONE, TWO), store)

    assert database.there == ["1a", "1b", "2a", "2b"]
    assert database.calls == ["up 1a", "up 1b", "up 2a", "up 2b"]
    assert told(store) == [
        f"schema.started {ONE}", f"schema.applied {ONE}",
        f"schema.started {TWO}", f"schema.applied {TWO}",
    ]  # fmt: skip
    types = [event.type for event in store.read(STREAM)]
    assert types.index("schema.applied") < types.index("handler.deployed")
    table = read_table(store, STREAM)
    assert [version.schema for version in table.handlers["get-orders"].line] == [ONE, TWO]
    assert TABLE_REDUCER.load(TABLE_REDUCER.dump(table)) == table


@pytest.mark.proves("DB-2")
@pytest.mark.parametrize("fault", [raises, returns_false, is_late])
def test_if_a_step_fails_those_before_are_undone_and_nothing_is_deployed(fault: Any) -> None:
    store, database = memory_store(), Database()
    database.faults["up 1b"] = fault
    app = shop(database, ONE, timeout_s=0.05)

    with pytest.raises(SchemaFailedError, match="1b"):
        app.start(store, clock=FakeClock(), ids=SeededIds(3))

    assert database.there == []
    assert told(store) == [f"schema.started {ONE}", f"schema.failed {ONE}"]
    fact = next(e.data for e in store.read(STREAM) if e.type == "schema.failed")
    assert (fact.step, fact.undone, fact.left) == ("1b", ("1a",), ())
    assert (fact.failure is not None) == (fault is raises)
    assert not read_table(store, STREAM).handlers
    database.faults.clear()
    start(shop(database, ONE), store)
    assert database.there == ["1a", "1b"]


@pytest.mark.proves("DB-2")
@pytest.mark.parametrize("way", ["resume", "undo"])
def test_what_cannot_be_undone_stays_open_until_somebody_decides(way: str) -> None:
    store, database = memory_store(), Database()
    database.faults |= {"up 1b": raises, "down 1a": raises}
    with pytest.raises(SchemaFailedError, match="between two schemas"):
        shop(database, ONE).start(store, clock=FakeClock(), ids=SeededIds(3))
    database.faults.clear()
    app = shop(database, ONE)

    with pytest.raises(SchemaOpenError):
        app.start(store, clock=FakeClock(), ids=SeededIds(3))
    getattr(app.schemas_in(store, FakeClock()), way)(ONE)

    state = read_table(store, STREAM).schemas[ONE]
    assert (state, database.there) == (
        ("applied", ["1a", "1b"]) if way == "resume" else ("absent", [])
    )
    start(app, store)
    with pytest.raises(SchemaNotRegistered):
        app.schemas_in(store, FakeClock()).resume(ONE)


@pytest.mark.proves("DB-2")
def test_of_two_processes_one_goes_the_steps() -> None:
    store, database = memory_store(), Database()
    refused: list[str] = []

    def another_starts() -> None:
        with pytest.raises(SchemaOpenError) as error:
            shop(Database(), ONE).start(store, clock=FakeClock(), ids=SeededIds(4))
        refused.append(error.value.remedy)

    database.faults["up 1a"] = another_starts
    start(shop(database, ONE), store)

    assert len(refused) == 1
    assert told(store) == [f"schema.started {ONE}", f"schema.applied {ONE}"]


@pytest.mark.proves("DB-3")
def test_a_schema_is_rolled_back_only_when_nobody_needs_it() -> None:
    store, database = memory_store(), Database()
    app = shop(database, ONE, TWO)
    start(app, store)
    schemas = app.schemas_in(store, FakeClock())

    with pytest.raises(SchemaInUse, match="get-orders-002"):
        schemas.roll_back(TWO)
    later = FakeClock()
    later.step(60)
    app.start(store, clock=later, ids=SeededIds(5))
    one, two = (str(version.id) for version in app.versions.table.handlers["get-orders"].line)
    app.versions.deactivate(two, reason="security", promote=one)
    run_virtual(app.stop())
    database.faults["down 2a"] = raises
    with pytest.raises(SchemaFailedError):
        schemas.roll_back(TWO)
    assert read_table(store, STREAM).schemas[TWO] == "applied"
    database.faults.clear()
    schemas.roll_back(TWO)

    assert database.there == ["1a", "1b"]
    assert database.calls[-2:] == ["down 2b", "down 2a"]
    assert read_table(store, STREAM).schemas[TWO] == "absent"


@pytest.mark.proves("DB-4", "DB-1")
def test_schemas_that_do_not_go_together_and_unknown_ones_are_refused() -> None:
    store, database = memory_store(), Database()
    start(shop(database, ONE), store)
    before = store.end()

    with pytest.raises(SchemaIncompatible, match="get-orders-001"):
        start(shop(database, TWO, compatible=False), store)
    with pytest.raises(SchemaNotRegistered):
        start(shop(database, "orders@3"), store)
    with pytest.raises(SchemaError):
        App("x").handler("GET /", schema="orders")(_handler(1))
    with pytest.raises(SchemaError):
        shop(database).schema(ONE, [database.step("x")])

    assert store.end() == before
    assert database.there == ["1a", "1b"]


@pytest.fixture(scope="module")
def shared() -> Iterator[MemoryStore]:
    with memory_store() as store:
        yield store


@pytest.mark.proves("DB-2", "DB-3")
@given(
    names=st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True),
    fails=st.integers(0, 4),
)
def test_either_all_steps_are_done_or_none(
    shared: MemoryStore, names: list[str], fails: int
) -> None:
    database, stream = Database(), StreamId(SystemIds().uuid7(1))
    schema = Schema(ONE, tuple(database.step(name) for name in names))
    schemas = Schemas(shared, stream, FakeClock(), {ONE: schema}, "ann")
    if fails < len(names):
        database.faults[f"up {names[fails]}"] = returns_false
        with pytest.raises(SchemaFailedError):
            schemas.prepare([ONE])
    else:
        schemas.prepare([ONE])

    seen("fails" if fails < len(names) else "applied")
    assert database.there == ([] if fails < len(names) else names)
    downs = [call for call in database.calls if call.startswith("down")]
    done = names[:fails] if fails < len(names) else []
    assert downs == [f"down {name}" for name in reversed(done)]


ENV = """
import sqlalchemy as sa
from alembic import context

url = "sqlite:///" + context.config.get_main_option("file")
with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as at:
    context.configure(connection=at)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """
from alembic import op
revision, down_revision = {new!r}, {old!r}
def upgrade(): op.execute("CREATE TABLE {table} (id INTEGER)")
def downgrade(): op.execute("DROP TABLE {table}")
"""


@pytest.mark.proves("DB-1", "DB-2", "DB-3")
def test_the_steps_of_alembic_are_its_revisions(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENV, "utf-8")
    for new, old, table in (("r1", None, "a"), ("r2", "r1", "b"), ("r3", "r2", "c")):
        text = REVISION.format(new=new, old=old, table=table)
        (tmp_path / "versions" / f"{new}.py").write_text(text, "utf-8")
    ini, file = tmp_path / "alembic.ini", tmp_path / "orders.db"
    ini.write_text(f"[alembic]\nscript_location = {tmp_path}\nfile = {file}\n", "utf-8")

    def tables() -> list[str]:
        connection = sqlite3.connect(file)
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        connection.close()
        return sorted(name for name in names if len(name) == 1)

    app, store = App("shop"), memory_store()
    app.schema(ONE, alembic_steps(ini, "r1"))
    app.schema(TWO, alembic_steps(ini, "r3", after="r1"), compatible_with=[ONE])
    app.handler("GET /orders", schema=TWO)(_handler(1))
    app.handler("GET /orders", version="2026-01-01", schema=ONE)(_handler(2))
    steps = {name: [step.name for step in app._schemas[name].steps] for name in (ONE, TWO)}
    start(app, store)

    assert steps == {ONE: ["r1"], TWO: ["r2", "r3"]}
    assert tables() == ["a", "b", "c"]
    for step in reversed(alembic_steps(ini, "r3", after="r1")):
        step.down()
        step.down()
    assert tables() == ["a"]


@pytest.mark.proves("DB-2", "DB-3")
def test_the_command_lists_schemas_and_decides_what_becomes_of_an_open_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
from runtime import App, SchemaStep
app = App("shop")
app.schema("orders@1", [SchemaStep("a", lambda: None, lambda: None)])
@app.handler("GET /orders", schema="orders@1")
async def orders() -> int:
    return 1
"""
    (tmp_path / "schema_shop.py").write_text(source, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    store = memory_store()
    fact = SchemaStarted(("a",))
    change(store, STREAM, lambda *_: [(ONE, fact)], clock=FakeClock())

    def said(*words: str) -> Said:
        return run("db", *words, store=store)

    named = ("--app", "schema_shop:app")
    open_ = said("schemas", "--json").records
    unnamed = said("undo", ONE)
    undone = said("undo", ONE, *named)
    again = said("resume", ONE, *named)
    unused = said("down", ONE, *named)

    assert open_ == [{"kind": "schema", "schema": ONE, "state": "open", "versions": []}]
    assert [each.status for each in (unnamed, undone, again, unused)] == [2, 0, 3, 3]
    assert "is undone" in undone.err
    assert said("schemas", "--json").records[0]["state"] == "absent"

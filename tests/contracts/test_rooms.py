"""What the import linter cannot see of the division into rooms."""

import ast
import subprocess
import sys

import pytest

from tests.contracts.source import PACKAGES, ROOT, files_of, imports, project, shown, tree_of

WORLD = ("open", "input", "print", "exec", "eval", "__import__")
"""Builtins that a pure room does not call."""
CHANCE_AND_CLOCK = ("now", "utcnow", "today", "uuid1", "uuid4", "urandom", "getenv")
VALUES = (
    "eventstore.events",
    "eventstore.identifiers",
    "runtime.facts",
    "runtime.messages",
    "runtime.policy_facts",
)
"""Rooms of values, held to the same rule as the pure rooms of the import contract."""


def pure_rooms() -> list[str]:
    contracts = project()["tool"]["importlinter"]["contracts"]
    named = next(c for c in contracts if c["name"].startswith("pure rooms"))
    return [*named["source_modules"], *VALUES]


def breaches(tree: ast.Module) -> list[tuple[int, str]]:
    """Give line and kind of all that a pure room may not do."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                found.append((node.lineno, "waits"))
            case ast.Call(func=ast.Name(id=name)) if name in WORLD:
                found.append((node.lineno, f"calls {name}"))
            case ast.Call(func=ast.Attribute(attr=name)) if name in CHANCE_AND_CLOCK:
                found.append((node.lineno, f"calls {name}"))
            case ast.Attribute(attr="environ"):
                found.append((node.lineno, "reads the environment"))
            case ast.Global():
                found.append((node.lineno, "keeps a global"))
            case _:
                pass
    return found


@pytest.mark.parametrize("room", pure_rooms())
def test_a_pure_room_neither_waits_nor_touches_the_world(room: str) -> None:
    files = files_of(room)

    assert files, f"{room} is not there"
    assert [
        f"{shown(path, line)} {what}" for path in files for line, what in breaches(tree_of(path))
    ] == []


def test_the_check_of_pure_rooms_sees_what_it_looks_for() -> None:
    planted = ast.parse(
        "async def f():\n"
        "    await g()\n"
        "    open('x')\n"
        "    dt.datetime.now()\n"
        "    os.environ\n"
        "    self.opened()\n"
    )

    assert [line for line, _ in sorted(breaches(planted))] == [1, 2, 3, 4, 5]


def test_migrations_know_the_tables_and_nothing_else_of_ours() -> None:
    ours = [
        f"{shown(path, line)} imports {module}"
        for path in files_of("migrations")
        for module, line in imports(tree_of(path))
        if module.split(".")[0] in PACKAGES
        and module.split(".")[0] != "migrations"
        and module != "eventstore.sql.tables"
    ]

    assert ours == []


@pytest.mark.parametrize("room", [*pure_rooms(), "debugger.session", "debugger.cli", "runtime"])
def test_importing_it_loads_neither_a_database_nor_a_screen(room: str) -> None:
    asked = (
        f"import sys, {room}\n"
        "heavy = {'sqlalchemy', 'sqlite3', 'psycopg', 'textual', 'granian', 'uvloop'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    said = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, check=False, cwd=ROOT, text=True
    )

    assert said.stderr == ""
    assert said.stdout.strip() == "[]"


def test_the_import_contracts_hold() -> None:
    pytest.importorskip("importlinter")

    said = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
    )

    assert said.returncode == 0, said.stdout + said.stderr
    assert "0 broken" in said.stdout

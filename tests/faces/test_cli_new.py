"""`timescape new` and `timescape doctor`: the first hour."""

import importlib
from fnmatch import fnmatch
from pathlib import Path

import msgspec
import pytest

from debugger.cli.examining import Place, Verdict, examine
from debugger.cli.exits import Exit
from eventstore.sql import upgrade
from runtime.effects import SystemIds, system_clock
from tests.faces.command_line import run


def test_a_new_app_has_a_test_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run("new", "greeter", "--out", str(tmp_path / "greeter"), "--json")
    monkeypatch.syspath_prepend(tmp_path / "greeter")
    tested = importlib.import_module("test_greeter")
    tests = [each for name, each in vars(tested).items() if name.startswith("test_")]

    assert said.status == Exit.OK
    assert said.records[0]["files"] == ["README.md", "greeter.py", "test_greeter.py"]
    assert len(tests) == 2
    for each in tests:
        each()


def test_no_file_of_a_store_is_shared_by_mistake(tmp_path: Path) -> None:
    run("new", "greeter", "--out", str(tmp_path / "greeter"))
    patterns = (tmp_path / "greeter" / ".gitignore").read_text("utf-8").split()

    for name in ("timescape.db", "timescape.db-wal", "timescape.db.seal-key", "a.db.segments"):
        assert any(fnmatch(name, pattern) for pattern in patterns), name
    assert not any(fnmatch("greeter.py", pattern) for pattern in patterns)


@pytest.mark.parametrize("name", ["class", "my-app", "json", "runtime", "7up", ""])
def test_a_name_that_no_module_may_have_is_refused(name: str, tmp_path: Path) -> None:
    said = run("new", name, "--out", str(tmp_path / "a"))

    assert said.status == Exit.BAD_INPUT
    assert not (tmp_path / "a").exists()


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("mine", "utf-8")

    said = run("new", "shop", "--out", str(tmp_path))

    assert said.status == Exit.WRITE_REFUSED
    assert [path.name for path in tmp_path.iterdir()] == ["own.py"]


def place(store: str, *missing: str, cells: tuple[int, int] | None = (120, 40)) -> Place:
    return Place(
        store=store,
        python=(3, 11, 7),
        installed=lambda module: module not in missing,
        environ={"TERM": "xterm-256color"},
        cells=cells,
        encoding="utf-8",
    )


def verdicts(where: Place) -> dict[str, str]:
    return {each.name: each.verdict.value for each in examine(where) if each.name != "sqlite"}


def test_a_whole_installation_is_well(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    fresh = verdicts(place(url))
    upgrade(url, clock=system_clock, ids=SystemIds())

    assert fresh["tables"] == "absent"
    assert {**fresh, "tables": "ok"} == dict.fromkeys(fresh, "ok")
    assert verdicts(place(url))["tables"] == "ok"


def test_what_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    old = msgspec.structs.replace(place(url), python=(3, 10, 1))

    assert verdicts(old)["python"] == "fail"
    assert verdicts(place(url, "psycopg", "granian"))["postgresql driver"] == "absent"
    assert verdicts(place(url, "granian"))["serve (granian)"] == "fail"
    assert verdicts(place(url, cells=None))["terminal"] == "absent"
    assert verdicts(place(url, cells=(70, 20)))["terminal"] == "warn"
    assert verdicts(place(f"sqlite:///{tmp_path}/no/a.db"))["store"] == "fail"
    wrong = [each for each in examine(old) if each.verdict is Verdict.FAIL]
    assert all(each.remedy for each in wrong)


def test_a_file_that_is_no_store_fails(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database" * 99)

    said = run("doctor", "--store", f"sqlite:///{tmp_path / 'a.db'}", "--json")

    assert said.status == Exit.UNAVAILABLE
    assert next(r for r in said.records if r["check"] == "tables")["verdict"] == "fail"


def test_the_doctor_makes_no_store(tmp_path: Path) -> None:
    said = run("doctor", "--store", f"sqlite:///{tmp_path / 'a.db'}")

    assert said.status == Exit.OK
    assert said.out.split()[:3] == ["check", "verdict", "found"]
    assert "All is well." in said.err
    assert list(tmp_path.iterdir()) == []

"""The command line on a store in PostgreSQL: from an empty database to a verified recording."""

import subprocess
import sys

import pytest

from debugger.cli.exits import Exit
from eventstore.sql.postgres.tables import REVISION
from tests.contracts.source import ROOT
from tests.faces.command_line import Said, run
from tests.postgres import Server


def with_password(url: str) -> str:
    """The server trusts everybody here: any password will do."""
    return url.replace("timescape@", "timescape:secret@")


@pytest.fixture
def url(postgres: Server) -> str:
    return with_password(postgres.empty())


@pytest.mark.proves("AL-1", "AL-4", "TB-5")
def test_db_makes_and_checks_the_tables_on_command(url: str) -> None:
    behind = run("requests", "--store", url)
    made, again = run("db", "upgrade", "--store", url), run("db", "upgrade", "--store", url)
    checked = run("db", "check", "--store", url, "--json")
    maintained = run("db", "maintain", "--store", url, "--json")

    assert (behind.status, "timescape db upgrade" in behind.err) == (Exit.UNAVAILABLE, True)
    assert made.err == "It was made anew.\n"
    assert again.err == "It was up to date.\n"
    assert (checked.status, checked.records[0]["state"]) == (Exit.OK, "current")
    assert checked.records[0]["warnings"] == []
    assert maintained.records[0]["partitions"] == []
    assert run("db", "current", "--store", url, "--json").records[0]["revision"] == REVISION
    assert not any("secret" in said.out + said.err for said in (behind, made, checked, maintained))


@pytest.mark.proves("AL-1")
def test_db_sql_prints_what_somebody_else_may_run(postgres: Server, url: str) -> None:
    printed = run("db", "sql", "--store", url)
    postgres.sql(printed.out, url)
    checked = run("db", "check", "--store", url)

    assert printed.status == Exit.OK
    assert "db maintain" in checked.err
    assert run("db", "maintain", "--store", url).status == Exit.OK
    assert run("db", "check", "--store", url).err == ""


@pytest.mark.proves("LG-1", "CH-5", "LG-5")
def test_the_demo_is_recorded_and_asked_about(url: str) -> None:
    run("db", "upgrade", "--store", url)
    words = ["demo", "--headless", "--requests", "50", "--json", "--store", url]
    demo = subprocess.run(
        [sys.executable, "-m", "debugger", *words],
        capture_output=True, check=False, cwd=ROOT, text=True, timeout=240,
    )  # fmt: skip
    report = Said(demo.returncode, demo.stdout, demo.stderr).records[0]
    complaint = report["complaint"]
    asked = [
        run(*words, "--json", "--store", url)
        for words in (
            ("requests", "--limit", "100"),
            ("log", complaint),
            ("state", complaint, "--at", "end"),
            ("blame", complaint, "/lines/0/net", "--all"),
            ("verify",),
        )
    ]
    restored = run("restore", complaint, "--at", "20", "--json", "--store", url)

    assert [said.status for said in asked] == [Exit.OK] * 5
    assert len(asked[0].records) == report["requests"] == 50
    assert [line["line"] for line in asked[3].records] == [
        "shop.py:116", "shop.py:140", "shop.py:149"
    ]  # fmt: skip
    assert asked[4].records[0]["fault"] is None
    assert restored.status == Exit.OK
    assert run("verify", "--store", url).status == Exit.OK
    assert "secret" not in demo.stdout + demo.stderr

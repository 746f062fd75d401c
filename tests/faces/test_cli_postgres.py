"""The command line on a store in PostgreSQL: from an empty database to a verified recording."""

import subprocess
from pathlib import Path

import pytest

from debugger.cli.exits import Exit
from eventstore import NEW, Revision, Store
from eventstore.sql import open_store
from eventstore.sql.postgres.tables import REVISION
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests import warm
from tests.contracts.source import ROOT
from tests.debugger.stores import Ticks, order
from tests.faces.command_line import Said, run
from tests.faces.test_cli_archive import name
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
        [*warm.program(), *words],
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


@pytest.mark.proves("AR-1", "AR-3", "AR-4", "WI-3")
def test_requests_leave_a_database_and_come_to_another(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Archived, with a fork removed before; exported, and brought in elsewhere."""
    url, other = with_password(postgres.upgraded()), postgres.upgraded()
    stream, fork, facts = name("0aa000"), name("0bb000"), order(Ticks()).events
    with sql_store(url) as store:
        store.append(stream, facts, kind="request", expected=NEW, close=True).result()
        store.append(
            fork, facts[-1:], kind="request", expected=NEW, close=True, parent=(stream, Revision(3))
        ).result()
    words = ("--remove", "--reason", "looked at", "--yes")
    whole, kept = str(tmp_path / "whole.tsx"), run("log", stream.hex, "--store", url).out
    nowhere = run("archive", stream.hex, "--store", url)
    monkeypatch.setenv("TIMESCAPE_SEGMENTS", str(tmp_path / "segments"))
    early = run("archive", stream.hex, "--store", url)
    done = [
        run(*each, "--store", url, "--json")
        for each in (
            ("fork", fork.hex, *words),
            ("archive", stream.hex),
            ("export", "--out", whole),
        )
    ]
    brought = run("import", whole, "--store", other, "--json")

    assert (nowhere.status, "TIMESCAPE_SEGMENTS" in nowhere.err) == (Exit.UNAVAILABLE, True)
    assert (early.status, "without its fork" in early.err) == (Exit.WRITE_REFUSED, True)
    assert [said.status for said in done] == [Exit.OK] * 3
    assert (brought.status, brought.records[0]["restored"]) == (Exit.OK, True)
    assert [run("log", stream.hex, "--store", each).out for each in (url, other)] == [kept] * 2
    assert [run("verify", "--store", each).status for each in (url, other)] == [Exit.OK] * 2
    assert run("log", fork.hex, "--store", other).status == Exit.NOT_FOUND
    assert not any("secret" in said.out + said.err for said in (nowhere, early, *done))


def sql_store(url: str) -> Store:
    return open_store(
        url, registry=registry(), clock=system_clock, ids=SystemIds(), seal_key=bytes(32)
    )

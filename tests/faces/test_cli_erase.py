"""`timescape erase` and `rewrap`: asked first, done for good, shown as forgotten."""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from debugger.cli.erase import erase
from debugger.cli.exits import Exit
from debugger.cli.output import Output
from eventstore import ANY, NewEvent, StreamId, uuid7
from eventstore.sql import open_store, read_keyring
from eventstore.testing import FakeClock, FakeIds
from eventstore.values import ToSeal
from runtime.context import registry
from runtime.facts import ContextSet, RequestReceived
from tests.debugger.stores import START_US, memory_store
from tests.faces.command_line import OneStore, Said, run

STREAM = StreamId(uuid7(START_US // 1_000, (0xAA000).to_bytes(10, "big")))
WORDS = ("erase", "ann", "--reason", "asked for", "--by", "dpo")


@pytest.fixture
def master(tmp_path: Path) -> Path:
    file = tmp_path / "master.key"
    file.write_text("ab" * 32 + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def file(tmp_path: Path, master: Path) -> Iterator[Path]:
    """A store with one request, that a server holds."""
    path = tmp_path / "shop.db"
    with open_store(
        f"sqlite:///{path}", registry=registry(), clock=FakeClock(), ids=FakeIds(),
        keyring=read_keyring(master),
    ) as served:  # fmt: skip
        received = RequestReceived(
            "POST", "POST /orders", "post-orders", "/orders", "00" * 16,
            body={"customer": "ann", "email": ToSeal("ann", "ann@example.com")}, body_size=9,
        )  # fmt: skip
        facts = [("POST /orders", received), ("flat", ContextSet({"at": ToSeal("ann", "Elm St")}))]
        facts += [("work", ContextSet({"at": ToSeal("bob", "Oak St")}))]
        events = [NewEvent(fact.type, fact, key, START_US) for key, fact in facts]
        served.append(STREAM, events, kind="request", expected=ANY).result()
        yield path


def on(path: Path, master: Path | None, *words: str) -> Said:
    given = () if master is None else ("--keyring", str(master))
    return run(*words, *given, "--store", f"sqlite:///{path}")


def shown(path: Path) -> str:
    return on(path, None, "state", "0aa000").out + on(path, None, "log", "0aa000").out


@pytest.mark.proves("EN-3", "ST-5")
def test_what_is_forgotten_is_shown_as_forgotten(file: Path, master: Path) -> None:
    before = shown(file)
    done = on(file, master, *WORDS, "--yes", "--json")
    after = shown(file)

    assert done.status == Exit.OK
    answer = done.records[0]
    assert (answer["kind"], answer["keys"], answer["gone"], answer["copies"]) == (
        "erasure", 1, True, [],
    )  # fmt: skip
    assert "No file of the store holds the key any more" in done.err
    assert "Backups made before" in done.err
    assert ("<sealed>" in before, "<forgotten>" in before) == (True, False)
    assert ("<sealed>" in after, "<forgotten>" in after) == (True, True)
    assert "Elm" not in before + after
    assert on(file, None, "verify").status == Exit.OK
    assert on(file, None, "state", "0aa000", "--path", "/flat/at").out.count("<forgotten>") == 1


@pytest.mark.proves("EN-3", "CL-2")
def test_it_says_how_it_ended(file: Path, master: Path) -> None:
    missing = on(file, None, *WORDS, "--yes")
    nobody = on(file, master, "erase", "anna", "--reason", "x", "--yes")
    unasked = on(file, master, *WORDS)

    assert (missing.status, nobody.status, unasked.status) == (
        Exit.BAD_INPUT, Exit.NOT_FOUND, Exit.BAD_INPUT,
    )  # fmt: skip
    assert "--keyring FILE" in missing.err
    assert "anna" not in nobody.err
    assert "Add --yes" in unasked.err
    assert "<forgotten>" not in shown(file)


@pytest.mark.proves("EN-3")
def test_it_wants_a_word() -> None:
    store = memory_store()
    out, err = io.StringIO(), io.StringIO()
    arguments = argparse.Namespace(
        store="", subject="ann", reason="", by="", yes=False, keyring="master.key"
    )
    status = erase(arguments, Output(out, err), OneStore(store), answer=lambda: "yes\n")

    assert (status, out.getvalue()) == (Exit.WRITE_REFUSED, "")
    assert "cannot be undone" in err.getvalue()
    assert "Nobody was erased" in err.getvalue()


@pytest.mark.proves("EN-1")
def test_the_master_is_changed_beside_a_server(file: Path, master: Path) -> None:
    old = master.read_text()
    master.write_text(old + "cd" * 32 + "\n")
    environ = {"TIMESCAPE_KEYRING": str(master), "TIMESCAPE_STORE": f"sqlite:///{file}"}
    first = run("rewrap", "--json", environ=environ)
    again = run("rewrap", environ=environ)
    master.write_text("cd" * 32)
    erased = run(*WORDS, "--yes", environ=environ)
    master.write_text(old)
    refused = run(*WORDS, "--yes", environ=environ)

    assert (first.status, first.records[0]["keys"]) == (Exit.OK, 3)
    assert again.out.split()[-1] == "0"
    assert (erased.status, refused.status) == (Exit.OK, Exit.BAD_INPUT)
    assert "abab" not in first.out + first.err + refused.err

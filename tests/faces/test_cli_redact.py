"""`timescape redact`: asked first, done for good, shown as gone."""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from debugger.cli.exits import Exit
from debugger.cli.output import Output
from debugger.cli.redact import redact
from eventstore import StreamId, uuid7
from eventstore.memory import MemoryStore
from tests.debugger.stores import (
    START_US,
    Ticks,
    memory_store,
    order,
    record,
    shop,
    sqlite_store,
)
from tests.faces.command_line import OneStore, Said, run

WORDS = ("redact", "0aa000", "--path", "/value", "--reason", "asked for", "--by", "ann")


@pytest.fixture
def store() -> MemoryStore:
    made = memory_store()
    shop(made)
    return made


@pytest.mark.proves("CH-6", "CL-2")
def test_without_a_terminal_it_needs_yes(store: MemoryStore) -> None:
    end = store.end()
    said = run(*WORDS, "--at", "14", store=store)

    assert said.status == Exit.BAD_INPUT
    assert "Add --yes" in said.err
    assert store.end() == end


def asked(store: MemoryStore, answer: str) -> tuple[int, str]:
    arguments = argparse.Namespace(
        store="", request="0aa000", at="14", paths=["/value"], reason="asked for", by="ann",
        yes=False,
    )  # fmt: skip
    out, err = io.StringIO(), io.StringIO()
    status = redact(arguments, Output(out, err), OneStore(store), answer=lambda: answer)
    return status, err.getvalue()


@pytest.mark.proves("CH-6")
def test_it_shows_what_goes_and_wants_a_word(store: MemoryStore) -> None:
    end = store.end()
    status, said = asked(store, "yes\n")

    assert status == Exit.WRITE_REFUSED
    assert "context.set total" in said
    assert "/value  118.00" in said
    assert "cannot be undone" in said
    assert store.end() == end


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A store with one request, that a server holds."""
    path = tmp_path / "shop.db"
    with sqlite_store(path) as served:
        stream = StreamId(uuid7(START_US // 1_000, (0xAA000).to_bytes(10, "big")))
        record(served, order(Ticks()), stream=stream)
        yield path


def on(path: Path, *words: str) -> Said:
    return run(*words, "--store", f"sqlite:///{path}")


@pytest.mark.proves("CH-6", "ST-5")
def test_what_was_redacted_is_shown_as_redacted(file: Path) -> None:
    assert "118.00" in on(file, "state", "0aa000", "--at", "14").out
    done = on(file, *WORDS, "--at", "14", "--yes", "--json")
    state = on(file, "state", "0aa000", "--at", "14")
    log = on(file, "log", "0aa000", "--from", "14", "--to", "14")

    assert done.status == Exit.OK
    assert "No file of the store holds it any more" in done.err
    answer = done.records[0]
    assert (answer["revision"], answer["paths"], answer["gone"]) == (14, ["/value"], True)
    assert "<redacted>" in state.out
    assert "118.00" not in state.out + log.out
    assert "121.50" in on(file, "state", "0aa000").out


@pytest.mark.proves("CH-6", "CH-5")
def test_no_file_holds_it_and_the_log_verifies(file: Path) -> None:
    on(file, *WORDS, "--at", "14", "--yes")

    assert on(file, "verify").status == Exit.OK
    assert on(file, "verify", "--request", "0aa000").status == Exit.OK
    assert [f.name for f in file.parent.iterdir() if b"118.00" in f.read_bytes()] == []


@pytest.mark.proves("CH-6")
def test_a_path_that_is_not_there_is_not_found(file: Path) -> None:
    said = on(file, *WORDS, "--path", "/none", "--at", "14", "--yes")

    assert said.status == Exit.NOT_FOUND
    assert "nothing was redacted" in said.err
    assert "118.00" in on(file, "state", "0aa000", "--at", "14").out

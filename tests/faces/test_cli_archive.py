"""`timescape archive`, `export` and `import`: what they do, say and end with."""

import argparse
import io
from pathlib import Path

import pytest

from debugger.cli.archive import archive
from debugger.cli.exits import Exit
from debugger.cli.output import Output
from eventstore import NEW, StreamId, uuid7
from eventstore.memory import MemoryStore
from tests.debugger.stores import START_US, Ticks, memory_store, order, sqlite_store
from tests.faces.command_line import OneStore, Said, run
from tests.faces.test_cli_redact import store  # noqa: F401 - the fixture of one request in memory

FIRST, SECOND = "0aa000", "0bb000"


def name(text: str) -> StreamId:
    return StreamId(uuid7(START_US // 1_000, int(text, 16).to_bytes(10, "big")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with two requests that ended, sealed."""
    path = tmp_path / "shop.db"
    with sqlite_store(path) as made:
        for text in (FIRST, SECOND):
            made.append(
                name(text), order(Ticks()).events, kind="request", expected=NEW, close=True
            ).result()
    return path


def on(path: Path, *words: str) -> Said:
    return run(*words, "--store", f"sqlite:///{path}")


@pytest.mark.proves("AR-1", "AR-3", "CL-2")
def test_archived_requests_are_shown_as_before(file: Path) -> None:
    before = [on(file, "requests").out, on(file, "log", FIRST).out]
    done = on(file, "archive", FIRST, "--json")
    rest = on(file, "archive", "--older-than", "0s", "--json")
    again = on(file, "archive", "--older-than", "0s")

    assert (done.status, done.records[0]["requests"]) == (Exit.OK, 1)
    assert [Path(each).is_file() for each in done.records[0]["files"]] == [True]
    assert rest.records[0]["requests"] == 1
    assert "nothing to archive" in again.err
    assert [on(file, "requests").out, on(file, "log", FIRST).out] == before
    assert on(file, "verify").status == Exit.OK


@pytest.mark.proves("AR-3", "CL-2")
def test_a_missing_segment_is_named(file: Path) -> None:
    (folder,) = {
        Path(each).parent for each in on(file, "archive", FIRST, "--json").records[0]["files"]
    }
    folder.rename(folder.with_name("away"))
    said = on(file, "log", FIRST)

    assert said.status == Exit.UNAVAILABLE
    assert "Put the file back" in said.err
    assert on(file, "log", f"req-{name(SECOND).hex}").status == Exit.OK


@pytest.mark.proves("AR-1", "CL-2")
def test_dropped_requests_are_gone(file: Path) -> None:
    words = ("archive", FIRST, "--drop", "--reason", "request 12", "--by", "ann")
    refused = on(file, *words)
    done = on(file, *words, "--yes", "--json")

    assert (refused.status, "Add --yes" in refused.err) == (Exit.BAD_INPUT, True)
    assert (done.status, done.records[0]["requests"]) == (Exit.OK, 1)
    assert on(file, "log", FIRST).status == Exit.NOT_FOUND
    assert on(file, "verify").status == Exit.OK


@pytest.mark.proves("AR-1")
def test_it_wants_a_word(store: MemoryStore) -> None:  # noqa: F811
    arguments = argparse.Namespace(
        store="", requests=[], older_than="1d", drop=True, reason="old", by="ann", yes=False
    )
    out, err = io.StringIO(), io.StringIO()
    status = archive(arguments, Output(out, err), OneStore(store), answer=lambda: "yes\n")

    assert status == Exit.WRITE_REFUSED
    assert "cannot be undone" in err.getvalue()


@pytest.mark.proves("AR-1", "CL-2")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("archive",), "give an age"),
        (("archive", FIRST, "--older-than", "1d"), "not both"),
        (("archive", "--older-than", "soon"), "no duration"),
        (("archive", FIRST, "--drop", "--yes"), "--reason"),
        (("export", FIRST, "--where", "status:200", "--out", "x"), "one of them"),
        (("import", "none.tsx"), "is no export"),
    ],
)
def test_bad_input_is_answered_with_what_to_write(
    file: Path, words: tuple[str, ...], said: str
) -> None:
    answered = on(file, *words)

    assert answered.status == Exit.BAD_INPUT
    assert said in answered.err


def test_memory_has_no_files() -> None:
    made = memory_store()

    assert run("export", "--out", "x", store=made).status == Exit.UNAVAILABLE


@pytest.mark.proves("AR-4", "CL-15")
def test_an_export_is_checked_and_brought_in(file: Path, tmp_path: Path) -> None:
    out, new = tmp_path / "one.tsx", tmp_path / "new.db"
    done = on(file, "export", FIRST, "--out", str(out), "--json")
    checked = run("import", "--check", str(out), "--json")
    brought = on(new, "import", str(out), "--json")
    again = on(new, "import", str(out))

    assert (done.status, done.records[0]["requests"]) == (Exit.OK, 1)
    assert (checked.status, checked.records[0]["fault"]) == (Exit.OK, None)
    assert checked.records[0]["key"] == on(file, "verify", "--json").records[0]["key"]
    assert (brought.records[0]["restored"], brought.records[0]["requests"]) == (False, 1)
    assert "has all of it already" in again.err
    assert on(new, "log", FIRST).out == on(file, "log", FIRST).out
    assert on(new, "log", SECOND).status == Exit.NOT_FOUND
    assert on(file, "export", FIRST, "--out", str(out)).status == Exit.WRITE_REFUSED


@pytest.mark.proves("AR-4", "CL-15")
def test_a_whole_store_comes_back(file: Path, tmp_path: Path) -> None:
    out, new = tmp_path / "all.tsx", tmp_path / "new.db"
    on(file, "archive", FIRST)
    on(file, "export", "--out", str(out))
    said = on(new, "import", str(out))

    assert "The store is the one that was exported" in said.err
    assert on(new, "requests").out == on(file, "requests").out
    assert on(new, "verify").status == Exit.OK


@pytest.mark.proves("AR-4", "CL-2")
def test_an_altered_export_ends_with_corrupt(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "one.tsx"
    on(file, "export", "--where", "facts:>1", "--out", str(out))
    raw = out.read_bytes()
    assert b"118.00" in raw
    out.write_bytes(raw.replace(b"118.00", b"119.00"))

    assert run("import", "--check", str(out)).status == Exit.CORRUPT
    assert on(tmp_path / "new.db", "import", str(out)).status == Exit.CORRUPT
    assert on(file, "export", "--where", "status:418", "--out", "x").status == Exit.NOT_FOUND

"""How commands end: a named status and a remedy for everything that can go wrong (CL-2)."""

import io
import signal
import sqlite3
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from debugger.cli import main
from debugger.cli.exits import Exit, exit_of
from debugger.cli.output import Output
from debugger.errors import (
    BadInputError,
    CorruptError,
    DebuggerError,
    NotFoundError,
    UnavailableError,
    WriteRefusedError,
)
from debugger.session import Session
from eventstore import EventStoreError, StreamId
from eventstore.memory import MemoryStore
from eventstore.sql.tables import REVISION
from runtime.errors import AppImportError
from tests import warm
from tests.debugger.stores import (
    START_US,
    CountedIds,
    Story,
    Ticks,
    memory_store,
    record,
    shop,
    sqlite_store,
)
from tests.faces.command_line import OneStore, Said, run


@pytest.fixture
def store() -> MemoryStore:
    made = memory_store()
    shop(made)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite_store(path) as made:
        shop(made)
    return path


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def explained(said: Said, status: Exit) -> str:
    """Give what was said, after checking that it ended so, with nothing on stdout."""
    assert said.status == status
    assert said.out == ""
    problem, *remedy = said.err.splitlines()
    assert problem.startswith("timescape: ")
    assert remedy
    assert "Traceback" not in said.err
    return said.err


# --- 2 bad-input ---


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("reqests",), "Did you mean `requests`?"),
        (("frobnicate",), "Commands: demo, new"),
        (("--store", "x", "requests"), "Options follow it"),
        (("requests", "--limt", "3"), "--help"),
        (("requests", "--limit", "0"), "whole number from 1"),
        (("requests", "--limit", "٣"), "whole number from 1"),
        (("requests", "status:>>5"), "^ expected a number"),
        (("log",), "--help"),
        (("log", "zz"), "Write `req-`"),
        (("log", "aa0"), "Write `req-`"),
        (("state", "0aa000", "--at", "yesterday"), "Write a number `1729`"),
        (("state", "0aa000", "--path", "/a~2"), "Write `~` as `~0`"),
        (("search",), "--help"),
        (("restore", "0aa000"), "--at"),
        (("demo", "--requests", "none"), "whole number from 1"),
        (("demo", "--port", "70000"), "not a port"),
        (("serve", "shop"), "shop:app"),
        (("db", "downgrade"), "--help"),
        (("requests", "--store", "mysql://x"), "sqlite:///file.db"),
        (("db", "check", "--store", "sqlite:///"), "sqlite:///file.db"),
    ],
)
def test_what_cannot_be_read_is_bad_input(
    words: tuple[str, ...], hint: str, store: MemoryStore
) -> None:
    by_url = "--store" in words or words[0] in ("demo", "serve", "db")

    assert hint in explained(run(*words, store=None if by_url else store), Exit.BAD_INPUT)


def test_no_command_shows_the_help() -> None:
    said = run()

    assert (said.status, said.out) == (Exit.BAD_INPUT, "")
    assert "requests" in said.err


# --- 3 not-found ---


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("log", "ffff"), "`timescape requests` lists"),
        (("state", "0aa000", "--at", "24"), "from 0 to 23"),
        (("state", "0aa000", "--at", "-24"), "from 0 to 23"),
        (("state", "0aa000", "--at", "failure"), "Nothing failed"),
        (("state", "0aa000", "--path", "/nothing"), "Keys at that moment: items, total"),
        (("diff", "0aa000", "0", "99"), "the request has 23 facts"),
        (("blame", "0aa000", "totl"), "Keys that were: total"),
        (("blame", "0aa000", "total", "--at", "3"), "Its first write is #14"),
        (("snapshots", "ffff"), "`timescape requests` lists"),
        (("restore", "0aa000", "--at", "0"), "from 1 to 23"),
        (("restore", "0aa000", "--at", "24"), "from 0 to 23"),
        (("verify", "--from", "9999"), "the log ends at"),
    ],
)
def test_what_is_not_there_is_not_found(
    words: tuple[str, ...], hint: str, store: MemoryStore
) -> None:
    end = store.end()

    assert hint in explained(run(*words, store=store), Exit.NOT_FOUND)
    assert store.end() == end


# --- 5 corrupt, 6 unavailable, 7 write-refused: real files ---


@pytest.mark.proves("CL-2", "ST-1")
def test_a_missing_store_says_how_to_make_one(tmp_path: Path) -> None:
    said = run("requests", "--store", url(tmp_path / "none.db"))

    text = explained(said, Exit.UNAVAILABLE)
    assert "timescape demo" in text
    assert "timescape serve" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.proves("CL-2", "CL-14")
def test_an_altered_row_is_found_named_and_ends_with_corrupt(file: Path) -> None:
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE log SET maintenance = 1")
        raw.execute("UPDATE commits SET data = replace(data, '118.00', '218.00') WHERE pos = 4")
        raw.execute("UPDATE log SET maintenance = 0")
    raw.close()
    said = run("verify", "--store", url(file), "--json")

    assert said.status == Exit.CORRUPT
    assert said.records[0]["fault"] == "payload"
    assert said.records[0]["position"] == 4
    assert said.records[0]["request"].endswith("0aa000")
    assert "The row at position 4 is at fault (payload)" in said.err


@pytest.mark.proves("CL-14")
@pytest.mark.parametrize("part", [(), ("--since-seal",), ("--request", "0aa000")])
def test_an_altered_seal_is_found_and_ends_with_corrupt(file: Path, part: tuple[str, ...]) -> None:
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE seals SET signature = zeroblob(64)")
    raw.close()
    said = run("verify", *part, "--store", url(file), "--json")

    assert said.status == Exit.CORRUPT
    assert (said.records[0]["fault"], said.records[0]["position"]) == ("seal", 1)


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize("size", [0, 40, 5_000, 20_000])
def test_a_truncated_store_is_reported_without_a_traceback(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])
    said = run("requests", "--store", url(file))

    assert explained(said, Exit(said.status))
    assert said.status in (Exit.CORRUPT, Exit.UNAVAILABLE)


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize("content", [b"", b"not a database, but text", b"SQLite format 3\0" * 40])
def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(content)
    for command in ("requests", "verify"):
        explained(run(command, "--store", url(path)), Exit.UNAVAILABLE)

    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["other.db"]


@pytest.mark.proves("CL-2", "AL-4")
@pytest.mark.parametrize(
    ("revision", "hint", "check"), [("9999", "newer", 6), ("0000", "newer", 6)]
)
def test_a_store_of_a_newer_schema_is_refused_with_the_remedy(
    file: Path, revision: str, hint: str, check: int
) -> None:
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    raw.close()

    assert hint in explained(run("requests", "--store", url(file)), Exit.UNAVAILABLE)
    checked = run("db", "check", "--store", url(file), "--json")
    assert (checked.status, checked.records[0]["state"]) == (check, "newer")
    assert run("db", "upgrade", "--store", url(file)).status == Exit.UNAVAILABLE


@pytest.mark.proves("AL-1", "AL-3")
def test_db_shows_checks_and_makes_stores(file: Path, tmp_path: Path) -> None:
    new = url(tmp_path / "new.db")

    assert run("db", "current", "--store", url(file), "--json").records[0]["revision"] == REVISION
    assert run("db", "check", "--store", url(file)).status == Exit.OK
    assert run("db", "upgrade", "--store", new).err.endswith("It was made anew.\n")
    assert run("db", "upgrade", "--store", new).err.endswith("It was up to date.\n")
    with sqlite3.connect(file) as raw:
        raw.execute("DROP VIEW events")
    raw.close()
    drifted = run("db", "check", "--store", url(file))
    assert drifted.status == Exit.DIFFERENT
    assert "-view events" in drifted.err


@pytest.mark.proves("CL-2", "RS-11")
def test_restore_works_beside_a_server_and_on_a_closed_store(file: Path) -> None:
    with sqlite_store(file) as server:
        beside = run("restore", "0aa000", "--at", "14", "--store", url(file), "--json")
        late = Story(Ticks(START_US + 10**10)).received("GET /items", "/items").sent()
        record(server, late, stream=StreamId(CountedIds(0xC000).uuid7(START_US + 10**10)))
    closed = run("restore", "0aa000", "--at", "priced", "--store", url(file), "--json")

    assert (beside.status, closed.status) == (0, 0)
    for said in (beside, closed):
        state = run("state", said.records[0]["fork"], "--store", url(file), "--json")
        assert {r["path"]: r["value"] for r in state.records}["/total"] == {"$decimal": "118.00"}
    assert run("verify", "--store", url(file)).status == Exit.OK


class Forbidding:
    """Opens its store for reading, whoever asks for more."""

    def __init__(self, store: MemoryStore) -> None:
        self._stores = OneStore(store)

    def session(
        self, url: str, *, writable: bool = False, keyring: Path | None = None
    ) -> AbstractContextManager[Session]:
        return self._stores.session(url, writable=False)


@pytest.mark.proves("CL-2")
def test_a_restore_of_a_store_that_may_only_be_read_is_refused(store: MemoryStore) -> None:
    end = store.end()
    out, err = io.StringIO(), io.StringIO()
    words = ("restore", "0aa000", "--at", "14")
    status = main(words, output=Output(out, err), stores=Forbidding(store), environ={})

    assert (status, out.getvalue()) == (Exit.WRITE_REFUSED, "")
    assert "is open for reading only." in err.getvalue()
    assert store.end() == end


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInputError("x"), Exit.BAD_INPUT),
        (NotFoundError("x"), Exit.NOT_FOUND),
        (CorruptError("x"), Exit.CORRUPT),
        (UnavailableError("x"), Exit.UNAVAILABLE),
        (WriteRefusedError("x"), Exit.WRITE_REFUSED),
        (DebuggerError("x"), Exit.BAD_INPUT),
        (AppImportError("x"), Exit.BAD_INPUT),
        *[
            (EventStoreError(code, "x", "y", {}), status)
            for code, status in [
                ("store-held", Exit.UNAVAILABLE), ("schema-new", Exit.UNAVAILABLE),
                ("store-busy", Exit.UNAVAILABLE), ("a-new-code", Exit.UNAVAILABLE),
                ("read-only", Exit.WRITE_REFUSED), ("store-full", Exit.WRITE_REFUSED),
                ("chain-broken", Exit.CORRUPT), ("store-damaged", Exit.CORRUPT),
                ("corrupt-value", Exit.CORRUPT), ("no-such-revision", Exit.NOT_FOUND),
                ("bad-url", Exit.BAD_INPUT),
            ]
        ],
    ],
)  # fmt: skip
def test_every_error_of_ours_has_an_exit(
    error: DebuggerError | EventStoreError | AppImportError, status: Exit
) -> None:
    assert exit_of(error) == status


# --- the environment, terminals, interruption ---


def test_the_store_comes_from_the_option_then_the_environment(file: Path, tmp_path: Path) -> None:
    environ = {"TIMESCAPE_STORE": url(file)}

    assert run("requests", "--json", environ=environ).status == Exit.OK
    missing = run("requests", "--store", url(tmp_path / "none.db"), environ=environ)
    assert missing.status == Exit.UNAVAILABLE


@pytest.mark.proves("CL-16")
def test_debug_without_a_terminal_says_what_to_use(file: Path) -> None:
    text = explained(program("debug", "--store", url(file)), Exit.UNAVAILABLE)

    assert "`timescape debug --plain` and `requests`" in text


def program(*words: str, stop_at: str | None = None) -> Said:
    """Run `timescape` as a process of its own, without a terminal."""
    child = subprocess.Popen(
        [*warm.program(), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if stop_at is None:
        out, err = child.communicate()
        return Said(child.returncode, out, err)
    assert child.stdout is not None
    assert child.stderr is not None
    with child:
        for line in child.stderr:
            if stop_at in line:
                break
        child.send_signal(signal.SIGINT)
        out, err = child.stdout.read(), child.stderr.read()
    return Said(child.returncode, out, err)


@pytest.mark.proves("CL-2")
def test_ctrl_c_ends_with_interrupted_and_no_traceback(file: Path) -> None:
    said = program("requests", "--follow", "--store", url(file), stop_at="Following")

    assert said.status == Exit.INTERRUPTED
    assert said.err == "Interrupted.\n"
    assert "req-0aa000" in said.out


@pytest.mark.proves("CL-1")
def test_a_reader_that_has_seen_enough_is_no_error(file: Path) -> None:
    command = f"{sys.executable} -m debugger log 0aa000 --store {url(file)} | head -n 1"
    said = subprocess.run(
        ["bash", "-c", f"set -o pipefail; for i in 1 2 3; do {command}; done"],
        capture_output=True,
        check=False,
        text=True,
    )

    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.proves("TT-7")
def test_the_command_line_loads_no_database_and_no_screen_before_it_needs_one() -> None:
    asked = (
        "import sys, debugger.cli as c; c.build_parser();"
        "heavy = {'sqlalchemy', 'alembic', 'textual', 'rich', 'granian', 'httpx', 'sqlite3'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)

    assert said.stdout == "[]\n"


@pytest.mark.proves("PF-4")
def test_the_debugger_starts_without_the_server_the_generators_and_what_they_need() -> None:
    asked = (
        "import sys, debugger.cli, debugger.cli.debug, debugger.tui;"
        "late = {'runtime.app', 'runtime.ingress', 'runtime.codegen', 'runtime.control',"
        " 'prometheus_client', 'cryptography', 'httpx', 'granian', 'alembic', 'sqlalchemy'};"
        "print(sorted(late & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)

    assert said.stdout == "[]\n"


@pytest.mark.proves("CL-4")
def test_a_request_that_has_ended_is_not_waited_for(file: Path) -> None:
    said = program("log", "0aa000", "--follow", "--store", url(file))

    assert said.status == Exit.OK
    assert said.err == "Following; ctrl+c ends it.\n"

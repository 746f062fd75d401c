"""`timescape serve`: a real process, a real request, and its record."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from debugger.cli.exits import Exit
from tests import warm
from tests.faces.command_line import run

APP = """
from runtime import App, LocalContext

app = App("hello")

@app.handler("GET /hello/{name}")
async def hello(lctx: LocalContext) -> dict[str, str]:
    lctx.set("greeting", "hello")
    return {"said": lctx.get("greeting")}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Serve the app until the block ends, then ask it to stop and wait for it."""
    words = ["serve", "shop:app", "--port", str(port), "--store", f"sqlite:///{folder}/a.db"]
    words += more
    server = subprocess.Popen(
        [sys.executable, "-m", "debugger", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    with server:
        said = []
        for line in server.stderr:
            said.append(line)
            if "listens on" in line:
                break
        assert server.poll() is None, said
        try:
            yield server
        finally:
            server.terminate()
            server.wait()


@pytest.mark.proves("CL-1")
def test_what_is_served_is_recorded_and_can_be_asked_about_meanwhile(folder: Path) -> None:
    port = free_port()
    store = ("--store", f"sqlite:///{folder}/a.db")
    with served(folder, port) as server:
        answer = httpx.get(f"http://127.0.0.1:{port}/hello/ann", trust_env=False)
        meanwhile = run("requests", "--json", *store)
        request = meanwhile.records[0]["request"]
        blame = run("blame", request, "greeting", "--json", *store)
        fork = run("restore", request, "--at", "end", "--json", *store)
        held = run("db", "upgrade", *store)

    assert (answer.status_code, answer.json()) == (200, {"said": "hello"})
    assert answer.headers["request-id"] == request
    assert blame.records[0]["line"] == "shop.py:8"
    assert fork.status == Exit.OK
    assert held.status == Exit.UNAVAILABLE
    assert server.returncode == Exit.OK
    assert run("verify", *store).status == Exit.OK
    assert len(run("requests", "--json", *store).records) == 2


@pytest.mark.proves("CL-2")
def test_an_app_that_is_not_there_and_a_port_in_use_are_explained(folder: Path) -> None:
    missing = serve_fails(folder, "nothing:app")
    nameless = serve_fails(folder, "shop:ap")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        used = serve_fails(folder, "shop:app", "--port", str(taken.getsockname()[1]))

    assert missing.returncode == Exit.BAD_INPUT
    assert "timescape: There is no module 'nothing'." in missing.stderr
    assert nameless.returncode == Exit.BAD_INPUT
    assert "Did you mean app?" in nameless.stderr
    assert used.returncode == Exit.UNAVAILABLE
    assert "in use" in used.stderr
    assert not (folder / "a.db").exists()


def serve_fails(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*warm.program(), "serve", *words]
    said = subprocess.run(
        [*command, "--store", f"sqlite:///{folder}/a.db"],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )
    assert "Traceback" not in said.stderr
    return said

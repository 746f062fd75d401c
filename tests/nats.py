"""A NATS server with JetStream, run for the tests that want one."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faces.servers import free_port


@contextmanager
def running() -> Iterator[str]:
    """Run a server for a while, or skip the test that asks; give its address."""
    program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
    if program is None:
        reason = "no NATS server here: no nats-server in PATH or /usr/sbin"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="timescape-nats-") as folder:
        port = free_port()
        words = ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", str(port)]
        with (Path(folder) / "said").open("wb") as said:
            process = subprocess.Popen([program, *words], stdout=said, stderr=said)
        try:
            _wait(port, process)
            yield f"nats://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, "nats-server did not start"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as there:
            if there.recv(4) == b"INFO":
                return
        time.sleep(0.02)
    pytest.fail("nats-server does not answer")


@pytest.fixture(scope="session")
def nats() -> Iterator[str]:
    """One server for all tests of a run."""
    with running() as url:
        yield url

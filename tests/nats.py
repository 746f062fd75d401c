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


class NatsServer:
    """A server that can be killed and started again, with its port and what it keeps."""

    def __init__(self, program: str, folder: Path) -> None:
        self._port = free_port()
        words = ["-js", "-sd", str(folder), "-a", "127.0.0.1", "-p", str(self._port)]
        self._command = [program, *words]
        self._said = folder / "said"
        self.url = f"nats://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(self._command, stdout=said, stderr=said)
        _wait(self._port, self._process)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def server() -> Iterator[NatsServer]:
    """Run a server for a while, or skip the test that asks."""
    program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
    if program is None:
        reason = "no NATS server here: no nats-server in PATH or /usr/sbin"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="timescape-nats-") as folder:
        made = NatsServer(program, Path(folder))
        try:
            yield made
        finally:
            made.kill()


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
    with server() as made:
        yield made.url

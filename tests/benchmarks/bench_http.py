"""A recorded request against the unrecorded ones of FastAPI and Litestar.

The same server (granian, one worker), the same work, the same load, in turn.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.benchmarks.measure import RUNS, Row, row, tell

CONNECTIONS = 32
WARM = 1_000
REQUESTS = 4_000
PATIENCE_S = 30.0

GRANIAN = [
    "-m",
    "granian",
    "--interface",
    "asgi",
    "--workers",
    "1",
    "--no-log",
    "--host",
    "127.0.0.1",
]


def rows() -> list[Row]:
    measured: dict[str, list[tuple[float, float]]] = {"ours": [], "fastapi": [], "litestar": []}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        # All run at once, and only the one that is asked works: machines change their speed
        # from minute to minute, so the rounds of a pair have to lie close together.
        ports = {name: servers.enter_context(served(name, folder)) for name in measured}
        for port in ports.values():
            load(port, WARM)
        for number in range(RUNS + 1):
            for name, rounds in measured.items():
                tell(f"HTTP, {name}: round {number} of {RUNS}")
                reached = load(ports[name], REQUESTS)
                if number:
                    rounds.append(reached)
    return [
        against(measured, "fastapi", "FastAPI, unrecorded", 2.0),
        against(measured, "litestar", "Litestar, unrecorded", 1.0),
        patience(measured, "litestar", "Litestar, unrecorded"),
    ]


def against(
    measured: dict[str, list[tuple[float, float]]], name: str, peer: str, bar: float | None
) -> Row:
    pairs = [(a[0], b[0]) for a, b in zip(measured["ours"], measured[name], strict=True)]
    what = "HTTP POST recorded at fsync, 32 connections"
    return row(what, pairs, peer=peer, unit="requests/s", bar=bar)


def patience(measured: dict[str, list[tuple[float, float]]], name: str, peer: str) -> Row:
    pairs = [(1 / a[1], 1 / b[1]) for a, b in zip(measured["ours"], measured[name], strict=True)]
    return row("the same, 1 / p99", pairs, peer=peer, unit="1/s", bar=1.0)


def load(port: int, requests: int) -> tuple[float, float]:
    numbers = [str(number) for number in (port, CONNECTIONS, requests)]
    said = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load", *numbers], check=True, capture_output=True
    )
    answer = json.loads(said.stdout)
    return answer["rate"], answer["p99"]


@contextmanager
def served(name: str, folder: str) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [*GRANIAN, "--port", str(port), f"tests.benchmarks.app_{name}:app"]
    if name == "ours":
        command = ["-m", "debugger", "serve", "tests.benchmarks.app_timescape:app"]
        command += ["--port", str(port), "--store", f"sqlite:///{folder}/bench.db"]
    server = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


def wait(server: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    msg = f"the server did not start: {server.args!r}"
    raise RuntimeError(msg)

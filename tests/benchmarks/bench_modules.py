"""A call of a module in its own process, against an echo over a bare socket pair.

Both cross to another process and back; ours checks, encodes, frames, supervises and decodes,
too. The bar is the median of one call at a time.
"""

import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from runtime import App, Module
from runtime.isolation.sandbox import lacking
from tests.benchmarks.measure import RUNS, Missing, Row, tell, within
from tests.benchmarks.stubs import boxed, echoing
from tests.faces.asgi import memory_store

CALLS = 2_000
WARM = 300
LIMIT_US = 200.0
_ECHO = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as pair:
    while data := pair.recv(65536):
        pair.sendall(data)
"""
Call = Callable[[], Awaitable[Any]]


def rows() -> list[Row | Missing]:
    return uvloop.run(_rows())


async def _rows() -> list[Row | Missing]:
    found: list[Row | Missing] = [
        await _measured("subprocess", echoing, limit=LIMIT_US),
    ]
    missing = lacking()
    what = "a call of a module in a sandbox, p50"
    found.append(
        Missing(what, "; ".join(missing)) if missing else await _measured("sandbox", boxed)
    )
    return found


async def _measured(name: str, module: Module, limit: float = LIMIT_US) -> Row:
    app = App("bench")
    app.module(module)
    app.start(memory_store())
    await app.begin()
    method, host = app._modules.methods(module.name)["echo"], app._hosting.hosts[module.name]
    parent, child = socket.socketpair()
    with parent, child, _echo(child) as echo:
        reader, writer = await asyncio.open_connection(sock=parent)

        async def bare() -> None:
            writer.write(b"x" * 60)
            await reader.readexactly(60)

        async def ours() -> None:
            await host.call(method, ("atlas",), {})

        medians, bares = [], []
        for number in range(RUNS + 1):
            tell(f"{name}: round {number} of {RUNS}")
            medians.append(await _median_us(ours))
            bares.append(await _median_us(bare))
        writer.close()
        echo.kill()
    await app.stop()
    note = f"an echo over a bare socket pair took {statistics.median(bares[1:]):.0f} µs"
    what = f"a call of a module in a {name}, p50"
    return within(what, medians[1:], unit="µs", limit=limit, note=note)


def _echo(child: socket.socket) -> "subprocess.Popen[bytes]":
    child.set_inheritable(True)
    words = [sys.executable, "-S", "-c", _ECHO, str(child.fileno())]
    return subprocess.Popen(words, pass_fds=[child.fileno()])


async def _median_us(call: Call) -> float:
    taken = []
    for number in range(WARM + CALLS):
        began = time.perf_counter()
        await call()
        if number >= WARM:
            taken.append((time.perf_counter() - began) * 1e6)
    return statistics.median(taken)

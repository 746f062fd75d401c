"""Two processes that serve from one log in PostgreSQL, against one; and how soon they agree.

All requests are recorded and synced. A handler that waits leaves processor and server idle:
there two nodes have to do nearly twice as much. At full load the processors are the limit
where there are as few as nodes, for server, nodes and load share them.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from statistics import median

from eventstore.sql import open_store
from runtime.context import registry
from runtime.control import Versions, control_stream
from runtime.effects import SystemIds, system_clock
from tests.benchmarks.bench_http import load, wait
from tests.benchmarks.bench_postgres import SYNCED
from tests.benchmarks.measure import Missing, Row, compare, within
from tests.postgres import Server, programs, running

WHAT = "PostgreSQL: two processes serve from one log"
WAIT_S = 0.05
"""What a handler waits: at 32 connections a node can answer 640 requests a second then."""
WAITING, BUSY = 800, 2_000
"""Requests of a round, to each node."""
ROUNDS = 3
SEEN_MS = 250.0
MOVES = 20


def rows() -> list[Row | Missing]:
    if programs() is None:
        return [Missing(WHAT, "no PostgreSQL server programs")]
    with running(**SYNCED) as server:
        waits, busy, seen = _waiting(server), _busy(server), _seen(server)
    return [waits, busy, seen]


def _waiting(server: Server) -> Row:
    with nodes(server, WAIT_S) as ports:
        return compare(
            f"{WHAT}, a handler that waits {WAIT_S * 1_000:.0f} ms",
            lambda: together(ports, WAITING),
            lambda: together(ports[:1], WAITING),
            peer="one of them",
            unit="requests/s",
            bar=1.6,
            runs=ROUNDS,
            note="32 connections to each",
        )


def _busy(server: Server) -> Row:
    with nodes(server, 0) as ports:
        return compare(
            f"{WHAT}, at full load",
            lambda: together(ports, BUSY),
            lambda: together(ports[:1], BUSY),
            peer="one of them",
            unit="requests/s",
            runs=ROUNDS,
            note=f"limited by {os.cpu_count()} cores for two nodes, the server and the load",
        )


def _seen(server: Server) -> Row:
    """Move a tag in this process, and ask the other until it knows."""
    with nodes(server, 0, count=1) as ports:
        took = [_move(server, ports[0], number) for number in range(MOVES)]
    return within(
        "a tag moved in one process counts in another",
        [1_000 * median(took[at::ROUNDS]) for at in range(ROUNDS)],
        unit="ms",
        limit=SEEN_MS,
        note=f"longest of {MOVES}: {1_000 * max(took):.0f} ms",
    )


def _move(server: Server, port: int, number: int) -> float:
    with open_store(
        server.url("bench"), mode="guest", registry=registry(), clock=system_clock, ids=SystemIds()
    ) as store:
        stream = control_stream("nodes")
        versions = Versions(store, stream, clock=system_clock, ids=SystemIds())
        (routes,) = list(versions.table)
        versions.tag(f"move-{number}", str(routes.line[-1].id))
        began = time.perf_counter()
        while not _knows(port, f"move-{number}"):
            if time.perf_counter() - began > 30:
                msg = "the tag is not seen"
                raise RuntimeError(msg)
    return time.perf_counter() - began


def _knows(port: int, tag: str) -> bool:
    target = f"http://127.0.0.1:{port}/orders/7?version={tag}"
    asked = urllib.request.Request(target, data=b"{}", method="POST")
    try:
        urllib.request.urlopen(asked, timeout=30).close()  # noqa: S310 - our own
    except urllib.error.HTTPError as error:
        with error:
            return error.code != 404
    return True


def together(ports: list[int], requests: int) -> float:
    """Load all of *ports* at once; give requests a second of them together."""
    with ThreadPoolExecutor(len(ports)) as pool:
        return sum(rate for rate, _ in pool.map(lambda port: load(port, requests), ports))


@contextmanager
def nodes(server: Server, wait_s: float, count: int = 2) -> Iterator[list[int]]:
    """Serve from a fresh log; give the ports."""
    server.sql("DROP DATABASE IF EXISTS bench WITH (FORCE)")
    server.sql(f"CREATE DATABASE bench TEMPLATE {server.upgraded().rpartition('/')[2]}")
    with ExitStack() as stack:
        yield [stack.enter_context(_node(server.url("bench"), wait_s)) for _ in range(count)]


@contextmanager
def _node(url: str, wait_s: float) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    words = ["serve", "tests.benchmarks.app_nodes:app", "--port", str(port), "--store", url]
    process = subprocess.Popen(
        [sys.executable, "-m", "debugger", *words],
        env={**os.environ, "BENCH_WAIT_S": str(wait_s)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait(process, port)
        yield port
    finally:
        process.terminate()
        process.wait(30)

"""Serve the shop, send it visitors over real HTTP, say what was recorded."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import httpx
import msgspec

from debugger.demo.origin import is_demo
from debugger.demo.traffic import Visit, visits
from debugger.errors import BadInputError, UnavailableError
from eventstore import EventStoreError
from eventstore.sql import open_store, without_password
from runtime.context import registry
from runtime.effects import SystemIds, system_clock

AT_ONCE = 8
"""Visitors at the same time."""
START_S = 30.0
STOP_S = 20.0


class Failed(msgspec.Struct, frozen=True):
    """A request that was answered with a failure of the shop, not of the visitor."""

    request: str
    status: int
    code: str


class DemoReport(msgspec.Struct, frozen=True):
    """What one run of the demo left behind."""

    store: str
    requests: int
    events: int
    failed: tuple[Failed, ...]
    """Status 500 and above."""
    statuses: dict[str, int]
    complaint: str | None
    """A request whose total is wrong, says the customer."""
    seconds: float


class _Answer(msgspec.Struct, frozen=True):
    kind: str
    request: str
    status: int
    code: str


def run(
    *,
    requests: int,
    store_url: str,
    port: int = 0,
    seed: int = 7,
    progress: Callable[[int, int], None] | None = None,
) -> DemoReport:
    """Record *requests* visits to the shop in *store_url*, which is made if it is not there.

    Args:
        requests: how many, from 1.
        store_url: `sqlite:///shop.db`; a recording of the shop that is there goes on.
        port: where the shop listens on loopback meanwhile; 0: wherever there is room.
        seed: chooses what the visitors do; equal seeds, equal visits.
        progress: is told visits done and in all, after each.

    Raises:
        BadInputError: *requests* is below 1, or the store holds something else.
        UnavailableError: the shop did not start, or was lost on the way.
    """
    if requests < 1:
        raise _too_few(requests)
    began = time.monotonic()
    before = _events_in(store_url)
    with _served(store_url, port or _free_port()) as address:
        answers = asyncio.run(_visit(address, visits(requests, seed), progress))
    return DemoReport(
        store=without_password(store_url),
        requests=len(answers),
        events=_events_in(store_url) - before,
        failed=tuple(Failed(a.request, a.status, a.code) for a in answers if a.status >= 500),
        statuses={str(k): n for k, n in sorted(Counter(a.status for a in answers).items())},
        complaint=next((a.request for a in answers if a.kind == "complaint"), None),
        seconds=round(time.monotonic() - began, 2),
    )


def _events_in(url: str) -> int:
    """Count the events of *url*; none if it is not there yet.

    Facts stay for ever, so a store in which another app was recorded is left alone.
    """
    try:
        store = open_store(
            url, mode="read", registry=registry(), clock=system_clock, ids=SystemIds()
        )
    except EventStoreError as error:
        if error.code == "no-such-store":
            return 0
        raise
    with store:
        if store.count_streams("request") and not is_demo(store):
            raise _not_ours(url)
        return store.end()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _served(store_url: str, port: int) -> Iterator[str]:
    """Run the shop's server beside us; at the end it finishes what it has and stops."""
    command = [sys.executable, "-m", "debugger", "serve", "debugger.demo.shop:app"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    # Not as an argument: others can read those, and there may be a password in it.
    environ = {**os.environ, "TIMESCAPE_STORE": store_url}
    with tempfile.TemporaryFile() as said:
        server = subprocess.Popen(  # noqa: S603 - our own program, no shell
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environ
        )
        try:
            _wait_until_it_listens(server, said)
            yield f"http://127.0.0.1:{port}"
            if server.poll() is not None:
                raise _lost(said, "ended too early")
        finally:
            server.terminate()
            try:
                status = server.wait(STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
                status = -9
        if status != 0:
            raise _lost(said, f"ended with {status}")


def _wait_until_it_listens(server: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """Wait for its own word: who answers at the port may be somebody else."""
    give_up = time.monotonic() + START_S
    while b" listens on " not in _read_all(said):
        if server.poll() is not None or time.monotonic() > give_up:
            raise _lost(said, "did not start")
        time.sleep(0.02)


def _read_all(said: IO[bytes]) -> bytes:
    # Not by seeking: the server writes where our file stands, for it is the same one.
    return os.pread(said.fileno(), 1 << 20, 0)


async def _visit(
    address: str, planned: list[Visit], progress: Callable[[int, int], None] | None
) -> list[_Answer]:
    """Send all visits, `AT_ONCE` at a time; give the answers in the order of the visits."""
    places = asyncio.Semaphore(AT_ONCE)
    done = 0
    async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:

        async def one(visit: Visit) -> _Answer:
            nonlocal done
            async with places:
                answer = await client.request(
                    visit.method, visit.target, content=visit.body, headers=dict(visit.headers)
                )
            done += 1
            if progress is not None:
                progress(done, len(planned))
            return _read(visit, answer)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(visit)) for visit in planned]
        except* httpx.TransportError as lost:
            first = lost.exceptions[0]
            raise _silent(first) from lost
    return [task.result() for task in tasks]


def _read(visit: Visit, answer: httpx.Response) -> _Answer:
    code = answer.json().get("code", "") if answer.status_code >= 400 else ""
    return _Answer(visit.kind, answer.headers["request-id"], answer.status_code, code)


def _too_few(requests: int) -> BadInputError:
    return BadInputError(f"Cannot send {requests} requests.", "Ask for 1 or more.")


def _not_ours(url: str) -> BadInputError:
    return BadInputError(
        f"In the store {without_password(url)} another app than the demo shop was recorded.",
        "Name another one: --store sqlite:///another.db",
    )


def _lost(said: IO[bytes], how: str) -> UnavailableError:
    """Say how the server was lost, and its own last words."""
    last = _read_all(said).decode(errors="replace").strip()[-2_000:]
    return UnavailableError(f"The demo shop's server {how}.", f"It said: {last or 'nothing'}")


def _silent(error: BaseException) -> UnavailableError:
    return UnavailableError(
        f"The demo shop stopped answering ({type(error).__name__}).", "Run it again."
    )

"""Real server processes, and a client that speaks HTTP/1.1 byte by byte.

`python -m tests.faces.servers APP STORE PORT [DRAIN_S]` serves until it is told to stop.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from debugger.session.conditions import read_condition
from eventstore import Store, StreamId
from eventstore.sql import open_store
from runtime.app import load_app, serve
from runtime.app.serving import AdminAt
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests import warm
from tests.faces.asgi import Reply

ROOT = Path(__file__).parents[2]
APP = "tests.faces.served_app:app"
READY = "ready"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server process that listens."""

    def __init__(
        self, store_url: str, *, port: int | None = None, drain_s: float = 10.0, app: str = APP
    ) -> None:
        self.port = free_port() if port is None else port
        words = [app, store_url, str(self.port), str(drain_s)]
        self.process = subprocess.Popen(
            [warm.python(), "-m", "tests.faces.servers", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said, _, pid = self.process.stdout.readline().strip().partition(" ")
        if said != READY:
            _, said = self.process.communicate()
            msg = f"the server did not start: {said}"
            raise RuntimeError(msg)
        self.pid = int(pid)
        """Of the program itself, which was started warm."""

    def kill(self) -> None:
        """End it as a power cut would end the process: SIGKILL."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> int:
        """Ask it to stop; give its exit status."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; nothing may stand on its stderr."""
        _, self.said = self.process.communicate()
        return self.process.returncode


@contextmanager
def served(store_url: str, *, drain_s: float = 10.0) -> Iterator[Server]:
    """Serve while the block runs."""
    server = Server(store_url, drain_s=drain_s)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


class Gone(Exception):
    """The connection ended before the answer was whole."""


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, target: str, body: bytes = b"", headers: Sequence[str] = ()
    ) -> Reply:
        """Send one request and read its answer.

        Raises:
            Gone: it did not come whole.
        """
        lines = [f"{method} {target} HTTP/1.1", "Host: test", *headers]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return await self.exchange(head + body, head=method == "HEAD")

    async def exchange(self, raw: bytes, *, head: bool = False) -> Reply:
        """Send bytes and read one answer."""
        try:
            reader, writer = await self._open()
            writer.write(raw)
            await writer.drain()
            return await read_reply(reader, head=head)
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Gone from error

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def read_reply(reader: asyncio.StreamReader, *, head: bool) -> Reply:
    """Read an answer with Content-Length."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    fields = [line.partition(": ") for line in lines]
    headers = [(name.lower(), value) for name, _, value in fields]
    status = int(start.split(" ")[1])
    size = int(dict(headers).get("content-length", "0"))
    body = b"" if head or status == 204 else await reader.readexactly(size)
    return Reply(status, headers, body)


@contextmanager
def reading(store_url: str) -> Iterator[Store]:
    """Open a log to look at it."""
    store = open_store(
        store_url, mode="read", registry=registry(), clock=system_clock, ids=SystemIds()
    )
    with store:
        yield store


def streams(store: Store) -> dict[StreamId, list[tuple[str, str | None]]]:
    """Give all requests: names and keys of their facts."""
    found: dict[StreamId, list[tuple[str, str | None]]] = {}
    after = 0
    while rows := store.read_log(after=after, kinds=["request"], limit=1_000):
        for row in rows:
            found.setdefault(row.stream, []).extend((e.type, e.key) for e in row.events)
        after = rows[-1].position
    return found


def main() -> int:
    target, store_url, port, drain_s = sys.argv[1:5]

    def ready() -> None:
        sys.stdout.write(f"{READY} {os.getpid()}\n")
        sys.stdout.flush()

    gates = AdminAt(0, gates=read_condition) if os.environ.get("TEST_GATES") else None
    clean = serve(
        load_app(target), store_url, port=int(port), ready=ready, drain_s=float(drain_s),
        admin=gates,
    )  # fmt: skip
    return 0 if clean else 3


if __name__ == "__main__":
    sys.exit(main())

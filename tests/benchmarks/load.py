"""A load generator that costs less than the servers it measures: bytes in, bytes out.

`python -m tests.benchmarks.load PORT CONNECTIONS REQUESTS` prints rate and p99 as JSON.
"""

import asyncio
import json
import sys
import time

BODY = json.dumps(
    {
        "customer": "ann",
        "items": [
            {"sku": "atlas", "quantity": 1},
            {"sku": "mug", "quantity": 2},
            {"sku": "tea", "quantity": 10},
        ],
        "note": "Please leave it with the neighbours.",
    }
).encode()
REQUEST = (
    b"POST /orders/7 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY


class Load:
    """What is to be sent, and how it went."""

    def __init__(self, requests: int, done: asyncio.Future[None]) -> None:
        self.left = requests
        self.running = 0
        self.took: list[float] = []
        self.done = done


class Visitor(asyncio.Protocol):
    """One connection: sends the next request when the answer of the one before is whole."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.received = b""
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.load.running += 1
        self.send()

    def send(self) -> None:
        if self.load.left == 0:
            self.transport.close()
            return
        self.load.left -= 1
        self.sent_at = time.perf_counter()
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head = self.received.find(b"\r\n\r\n")
        if head < 0 or len(self.received) < head + 4 + length_of(self.received[:head]):
            return
        if not self.received.startswith(b"HTTP/1.1 200"):
            self.load.done.set_exception(RuntimeError(self.received[:400].decode(errors="replace")))
            self.transport.close()
            return
        self.load.took.append(time.perf_counter() - self.sent_at)
        self.received = b""
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.running -= 1
        if self.load.running == 0 and not self.load.done.done():
            self.load.done.set_result(None)


def length_of(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def run(port: int, connections: int, requests: int) -> tuple[float, float]:
    """Send *requests* over *connections*; give requests a second and the p99 in seconds."""
    loop = asyncio.get_running_loop()
    load = Load(requests, loop.create_future())
    began = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Visitor(load), "127.0.0.1", port)
    await load.done
    spent = time.perf_counter() - began
    took = sorted(load.took)
    return len(took) / spent, took[int(len(took) * 0.99)]


if __name__ == "__main__":
    rate, p99 = asyncio.run(run(*(int(argument) for argument in sys.argv[1:4])))
    sys.stdout.write(json.dumps({"rate": rate, "p99": p99}))

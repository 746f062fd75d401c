"""Nothing acknowledged is lost: the server is killed while clients wait for answers.

By default 2,000 requests and 3 kills; `TIMESCAPE_KILL_REQUESTS` and `TIMESCAPE_KILLS` set
others, such as 50000 and 10.
"""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tests.faces.asgi import Reply
from tests.faces.servers import Client, Gone, Server, reading, streams

REQUESTS = int(os.environ.get("TIMESCAPE_KILL_REQUESTS", "2000"))
KILLS = int(os.environ.get("TIMESCAPE_KILLS", "3"))
SEED = int(os.environ.get("TIMESCAPE_KILL_SEED", "20261001"))
VISITORS = 24

GOOD = msgspec.json.encode({"customer": "ann", "items": [{"sku": "a", "quantity": 2}]})
BAD = msgspec.json.encode({"customer": "ann", "items": [{"sku": "a", "quantity": 0}]})
ASKED: list[tuple[str, str, bytes]] = [
    ("POST", "/orders/7", GOOD),
    ("POST", "/orders/8", GOOD),
    ("POST", "/orders/9", BAD),
    ("GET", "/files/a", b""),
    ("GET", "/nowhere", b""),
    ("GET", "/raises", b""),
]


class Traffic:
    """What has been asked and answered so far, over all lives of the server."""

    def __init__(self, total: int) -> None:
        self.left = total
        self.answered: dict[str, int] = {}
        """Request id to status, of answers that came whole."""
        self.lost = 0
        self.chance = random.Random(SEED)  # noqa: S311 - no secret
        self.kill_at = 0
        self.due = asyncio.Event()

    async def visit(self, port: int) -> None:
        """Ask until the server is gone, or nothing is left to ask."""
        client = Client(port)
        try:
            while self.left > 0:
                self.left -= 1
                await self._ask(client)
        except Gone:
            self.left += 1
            self.lost += 1
        finally:
            client.close()

    async def _ask(self, client: Client) -> None:
        method, target, body = self.chance.choice(ASKED)
        reply: Reply = await client.ask(method, target, body)
        self.answered[reply.request_id] = reply.status
        if len(self.answered) >= self.kill_at:
            self.due.set()

    async def run(self, server: Server, kill_at: int | None = None) -> None:
        """Let visitors ask; kill the server once *kill_at* answers have come."""
        self.kill_at, self.due = kill_at or 1 << 60, asyncio.Event()
        killing = asyncio.create_task(self._kill(server))
        await asyncio.gather(*(self.visit(server.port) for _ in range(VISITORS)))
        if kill_at is None:
            killing.cancel()
        else:
            self.due.set()
            await killing

    async def _kill(self, server: Server) -> None:
        await self.due.wait()
        await asyncio.to_thread(server.kill)


@pytest.mark.proves("RS-4", "WR-3", "SD-1")
def test_every_answer_that_arrived_is_in_the_log_complete_after_kills(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/killed.db"
    traffic = Traffic(REQUESTS)
    kills = sorted(traffic.chance.sample(range(1, REQUESTS), KILLS))
    for kill_at in kills:
        asyncio.run(traffic.run(Server(url), kill_at))
    server = Server(url)
    asyncio.run(traffic.run(server))

    assert server.stop() == 0
    assert "panicked" not in server.said
    assert "Traceback" not in server.said
    assert len(traffic.answered) == REQUESTS
    assert traffic.lost > 0, "no kill met a request: the test proved nothing"
    check(url, traffic)


def check(url: str, traffic: Traffic) -> None:
    """Hold the log against what clients were told."""
    with reading(url) as store:
        verdict = store.verify()
        found = {f"req-{stream.hex}": facts for stream, facts in streams(store).items()}
    assert verdict.fault is None, verdict
    missing = [request for request in traffic.answered if request not in found]
    # Where there is no route nobody is served: twenty a minute are written down, the rest counted.
    assert {traffic.answered[request] for request in missing} <= {404}
    for request, status in traffic.answered.items():
        if request in missing:
            continue
        facts = found[request]
        assert facts[0][0] == "request.received"
        assert facts[-1] == ("response.sent", str(status))
        assert Counter(name for name, _ in facts)["request.received"] == 1
    # What nobody was told about may be there; then it is complete as well.
    for facts in found.values():
        assert facts[-1][0] == "response.sent"

"""The same rules through a real server: what its own reading of HTTP lets through."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest

from runtime.errors import ServeError
from runtime.ingress.server import check_free
from tests.faces.asgi import Reply
from tests.faces.servers import Client, Gone, Server, reading, served, streams

T = TypeVar("T")

GOOD = msgspec.json.encode({"customer": "ann", "items": [{"sku": "a", "quantity": 2}]})


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/served.db"


def with_client(server: Server, work: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
    async def scenario() -> T:
        client = Client(server.port)
        try:
            return await work(client)
        finally:
            client.close()

    return asyncio.run(scenario())


def recorded(url: str, reply: Reply) -> list[tuple[str, str | None]]:
    with reading(url) as store:
        return streams(store)[UUID(reply.request_id.removeprefix("req-"))]  # type: ignore[index]


RAW: list[tuple[bytes, int, str]] = [
    (b"GET /files/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n", 200, ""),
    (b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404, "route-not-found"),
    (b"GET /orders/7 HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method-not-allowed"),
    (b"BREW /files/a HTTP/1.1\r\nHost: x\r\n\r\n", 501, "method-unknown"),
    (b"GET /a/../b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-path"),
    (b"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-path"),
    (b"GET /files/a HTTP/1.1\r\n\r\n", 400, "invalid-host"),
    (b"GET /files/a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "header-repeated"),
    (b"GET /files/" + b"a" * 8_192 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "target-too-long"),
    (
        b"GET /files/a HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 8_192 + b"\r\n\r\n",
        431,
        "headers-too-large",
    ),
    (b"GET /files/a HTTP/1.1\r\nHost: x\r\nA: \xe9\xff\r\n\r\n", 200, ""),
    (b"GET /raises HTTP/1.1\r\nHost: x\r\n\r\n", 500, "handler-error"),
    (b"GET /hangs HTTP/1.1\r\nHost: x\r\n\r\n", 504, "timeout"),
]


@pytest.mark.proves("IN-2", "IN-6", "IN-7", "IN-8", "RM-3", "RS-1", "CN-2", "HW-4")
def test_what_a_client_may_send_gets_the_answer_and_the_record_it_should(url: str) -> None:
    async def work(client: Client) -> list[Reply]:
        return [await client.exchange(raw) for raw, _, _ in RAW]

    with served(url) as server:
        replies = with_client(server, work)
        status = server.stop()

    assert status == 0
    for reply, (raw, expected, code) in zip(replies, RAW, strict=True):
        assert reply.status == expected, raw[:60]
        assert not code or reply.code == code
        facts = recorded(url, reply)
        assert facts[0][0] == "request.received"
        assert facts[-1] == ("response.sent", str(expected))


@pytest.mark.proves("WR-2")
def test_threads_of_a_server_take_short_turns(url: str) -> None:
    async def work(client: Client) -> Reply:
        return await client.exchange(b"GET /turn HTTP/1.1\r\nHost: x\r\n\r\n")

    with served(url) as server:
        reply = with_client(server, work)

    assert float(reply.body) == pytest.approx(0.0005)


@pytest.mark.proves("GT-10", "GT-11", "IN-3", "IN-9")
def test_bodies_through_a_real_server(url: str) -> None:
    async def work(client: Client) -> dict[str, Reply]:
        async def chunked(client: Client, *chunks: bytes) -> Reply:
            head = (
                b"POST /orders/7 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
            return await client.exchange(head + body + b"0\r\n\r\n")

        wrong = msgspec.json.encode({"customer": 5, "items": [{"sku": 1, "quantity": 0}]})
        large = b" " * 300_000
        replies = {
            "good": await client.ask("POST", "/orders/7", GOOD),
            "chunked": await chunked(client, GOOD[:9], GOOD[9:]),
            "wrong": await client.ask("POST", "/orders/7", wrong),
            "malformed": await client.ask("POST", "/orders/7", b"{"),
            "deep": await client.ask("POST", "/orders/7", b"[" * 100_000),
            "large": await client.ask("POST", "/orders/7", large + GOOD),
        }
        for name, ask in (
            ("endless", lambda other: chunked(other, *[large] * 4)),
            ("declared", lambda other: other.ask("POST", "/orders/7", b" " * (1024 * 1024 + 1))),
        ):
            other = Client(server.port)
            replies[name] = await ask(other)
            other.close()
        return replies

    with served(url) as server:
        replies = with_client(server, work)
        assert server.stop() == 0

    got = {name: (reply.status, reply.json.get("code")) for name, reply in replies.items()}
    assert got == {
        "good": (200, None),
        "chunked": (200, None),
        "large": (200, None),
        "wrong": (400, "validation-failed"),
        "malformed": (400, "validation-failed"),
        "deep": (400, "too-complex"),
        "endless": (413, "body-too-large"),
        "declared": (413, "body-too-large"),
    }
    paths = [issue["path"] for issue in replies["wrong"].json["issues"]]
    assert paths == ["/customer", "/items/0/sku", "/items/0/quantity"]
    assert ("validation.failed", "request") in recorded(url, replies["wrong"])
    for reply in replies.values():
        assert recorded(url, reply)[-1] == ("response.sent", str(reply.status))


@pytest.mark.proves("HW-6", "RS-4")
def test_many_at_once_are_each_answered_and_recorded_once(url: str) -> None:
    async def visitor(port: int, number: int) -> list[Reply]:
        client = Client(port)
        replies = [await client.ask("POST", f"/orders/{number * 100 + n}", GOOD) for n in range(20)]
        client.close()
        return replies

    async def scenario(port: int) -> list[list[Reply]]:
        return await asyncio.gather(*(visitor(port, number) for number in range(16)))

    with served(url) as server:
        replies = asyncio.run(scenario(server.port))
        assert server.stop() == 0

    orders = [reply.json["order"] for visit in replies for reply in visit]
    assert orders == [number * 100 + n for number in range(16) for n in range(20)]
    with reading(url) as store:
        found = streams(store)
        assert store.verify().fault is None
    assert {f"req-{stream.hex}" for stream in found} == {
        reply.request_id for visit in replies for reply in visit
    }


@pytest.mark.proves("SD-1", "GC-6")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_requests_end(url: str, number: int) -> None:
    async def scenario(server: Server) -> Reply:
        client = Client(server.port)
        slow = asyncio.create_task(client.ask("GET", "/slow?seconds=0.4"))
        await until_running(server)
        server.process.send_signal(number)
        try:
            return await slow
        finally:
            client.close()

    with served(url) as server:
        reply = asyncio.run(scenario(server))
        assert server.wait() == 0

    assert (reply.status, reply.json) == (200, "late")
    assert recorded(url, reply)[-1] == ("response.sent", "200")


@pytest.mark.proves("SD-1", "GC-6")
def test_what_does_not_end_in_time_is_stopped_and_recorded(url: str) -> None:
    async def scenario(server: Server) -> Reply:
        client = Client(server.port)
        endless = asyncio.create_task(client.ask("GET", "/slow?seconds=20"))
        await until_running(server)
        server.process.send_signal(signal.SIGTERM)
        try:
            return await endless
        finally:
            client.close()

    with served(url, drain_s=0.1) as server:
        reply = asyncio.run(scenario(server))
        assert server.wait() == 3

    assert (reply.status, reply.code) == (503, "shutting-down")
    assert recorded(url, reply)[-1] == ("response.sent", "503")


@pytest.mark.proves("SD-1")
def test_a_second_signal_cuts_the_waiting_short(url: str) -> None:
    async def scenario(server: Server) -> Reply:
        client = Client(server.port)
        endless = asyncio.create_task(client.ask("GET", "/slow?seconds=20"))
        await until_running(server)
        server.process.send_signal(signal.SIGTERM)
        await until_refusing(server)
        server.process.send_signal(signal.SIGTERM)
        try:
            return await endless
        finally:
            client.close()

    with served(url) as server:
        reply = asyncio.run(scenario(server))
        assert server.wait() == 3

    assert recorded(url, reply)[-1] == ("response.sent", "503")


async def until_running(server: Server) -> None:
    """Wait until a request sent before must have reached its handler.

    One thread reads all connections and hands requests over in turn.
    """
    other = Client(server.port)
    for _ in range(3):
        await other.ask("GET", "/files/a")
    other.close()


async def until_refusing(server: Server) -> None:
    """Wait until the server has heard the signal."""
    other = Client(server.port)
    try:
        while (await other.ask("GET", "/files/a")).status != 503:
            continue
    except Gone:
        pass
    other.close()


def test_a_port_in_use_is_explained(url: str) -> None:
    with served(url) as server, pytest.raises(ServeError, match="in use") as caught:
        check_free("127.0.0.1", server.port)
    assert caught.value.remedy

    with pytest.raises(ServeError, match="no port"):
        check_free("127.0.0.1", 70_000)
    with pytest.raises(ServeError, match="cannot be listened on"):
        check_free("192.0.2.1", 8_000)


@pytest.mark.proves("WR-1")
def test_a_held_log_is_explained(url: str) -> None:
    with served(url), pytest.raises(RuntimeError, match="held"):
        Server(url)

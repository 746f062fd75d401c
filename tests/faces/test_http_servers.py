"""The same raw bytes to each server that an app may run on: granian, and uvicorn with two parsers.

A server reads HTTP before we do. What it refuses itself has no record; whatever it lets through
has. None answers what the specification does not name, or takes one request for two.
"""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from tests import warm
from tests.faces.asgi import Reply
from tests.faces.servers import APP, ROOT, Server, reading, served, streams

WAIT_S = 30.0


class Uvicorn:
    """A uvicorn process that serves."""

    def __init__(self, store_url: str, parser: str) -> None:
        words = [APP, store_url, parser]
        self.process = subprocess.Popen(
            [warm.python(), "-m", "tests.faces.uvicorn_server", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=WAIT_S)


@contextmanager
def running(name: str, store_url: str) -> Iterator[Server | Uvicorn]:
    if name == "granian":
        with served(store_url) as granian:
            yield granian
            granian.stop()
        return
    uvicorn = Uvicorn(store_url, name)
    try:
        yield uvicorn
    finally:
        uvicorn.stop()


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, once it listens."""
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < until_s, f"nobody listens on port {port}"
            await asyncio.sleep(0.02)


async def answers(port: int, raw: bytes, *, ends: bool) -> list[Reply]:
    """Send bytes, and give all answers until the server ends the connection.

    Args:
        ends: whether the client says that no more come; servers may then answer nothing.
    """
    reader, writer = await connected(port)
    said = bytearray()
    try:
        writer.write(raw)
        if ends:
            writer.write_eof()
        async with asyncio.timeout(WAIT_S):
            while data := await reader.read(65_536):
                said += data
    except OSError:
        # It was not polite about the end.
        pass
    finally:
        writer.close()
    return list(parsed(bytes(said)))


def parsed(said: bytes) -> Iterator[Reply]:
    """Split what a server said into answers; its own ones come in chunks, or to its end."""
    while said:
        head, _, said = said.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = [(n.lower(), v) for n, _, v in (line.partition(": ") for line in lines)]
        if ("transfer-encoding", "chunked") in headers:
            body, _, said = said.partition(b"0\r\n\r\n")
        else:
            size = int(dict(headers).get("content-length", len(said)))
            body, said = said[:size], said[size:]
        yield Reply(int(start.split(" ")[1]), headers, body)


def post(*headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    lines = [
        f"POST /orders/7 HTTP/{version}",
        "Host: x",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def get(target: str | bytes = b"/files/a", *lines: bytes, host: bytes = b"Host: x\r\n") -> bytes:
    raw = target.encode() if isinstance(target, str) else target
    return b"GET " + raw + b" HTTP/1.1\r\n" + host + b"".join(lines) + b"Connection: close\r\n\r\n"


HIDDEN = b"GET /files/hidden HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""A request within a body: who takes it for one has lost."""
BODY = b'{"customer":"ann","items":[]}'
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
TE = "Transfer-Encoding: chunked"
LATE = post("Content-Length: 50").replace(b"POST /orders/7", b"PUT /late")
"""Its body may take a fifth of a second; the client waits for longer."""
CASES: dict[str, tuple[bytes, set[int]]] = {
    "good": (get(), {200}),
    "encoded slash": (get("/files/a%2Fb"), {200}),
    "nowhere": (get("/nowhere"), {404}),
    "not allowed": (get("/orders/7"), {405}),
    "method": (b"BREW" + get()[3:], {501, 400}),
    "lower case": (b"get" + get()[3:], {501, 400}),
    "dots": (get("/a/../b"), {400}),
    "bad utf-8": (get("/%ff"), {400}),
    "raw bytes": (get(b"/\xff"), {400}),
    "absolute": (get("http://x/files/a"), {200}),
    "another authority": (get("http://evil/files/a"), {400, 200}),
    "asterisk": (get("*"), {400}),
    "no host": (get(host=b""), {400}),
    "two hosts": (get(host=b"Host: x\r\nHost: y\r\n"), {400}),
    "bad host": (get(host=b"Host: a b\r\n"), {400}),
    "long target": (get("/files/" + "a" * 8_192), {414}),
    "long field": (get("/files/a", b"A: " + b"a" * 8_192 + b"\r\n"), {431}),
    "many fields": (get("/files/a", *[b"A: b\r\n"] * 101), {431, 400}),
    "bytes above 127": (get("/files/a", b"A: \xe9\xff\r\n"), {200}),
    "nul in a value": (get("/files/a", b"A: b\0c\r\n"), {400}),
    "blank before colon": (get("/files/a", b"A : b\r\n"), {400}),
    "folded": (get("/files/a", b"A: b\r\n c\r\n"), {400, 200}),
    "timeout": (get("/files/a", b"Timescape-Timeout: soon\r\n"), {400}),
    "expects more": (get("/files/a", b"Expect: a-pony\r\n"), {417}),
    "fails": (get("/raises"), {500}),
    "hangs": (get("/hangs"), {504}),
    "chunks": (post(TE, "Connection: close", body=CHUNKED), {200}),
    # Granian drops the length, reads the chunks, and ends the connection.
    "both lengths": (post(TE, f"Content-Length: {len(BODY)}", body=CHUNKED + HIDDEN), {400, 200}),
    "length twice": (post("Content-Length: 5", "Content-Length: 6", body=b"{}   " + HIDDEN), {400}),
    "length no number": (post("Content-Length: 0x5", body=b"{}   " + HIDDEN), {400}),
    "length signed": (post("Content-Length: +5", body=b"{}   " + HIDDEN), {400}),
    "lengths listed": (post("Content-Length: 5, 6", body=b"{}   " + HIDDEN), {400}),
    "coding": (post("Transfer-Encoding: gzip", body=b"{}" + HIDDEN), {400, 501}),
    "codings": (
        post("Transfer-Encoding: gzip, chunked", "Connection: close", body=CHUNKED),
        {400, 501},
    ),
    "coded 1.0": (post(TE, body=CHUNKED + HIDDEN, version="1.0"), {400}),
    "chunk no number": (post(TE, body=b"xyz\r\n{}\r\n0\r\n\r\n" + HIDDEN), {400}),
    "chunk too short": (post(TE, body=b"9\r\n{}\r\n0\r\n\r\n"), {400}),
    "body too short": (post("Content-Length: 50", body=b"{}"), {400}),
    "body never comes": (LATE, {408}),
    "body stops": (LATE + b'{"a":', {408}),
    "deep": (post("Content-Length: 99", "Connection: close", body=b"[" * 99), {400}),
}
CUT = {"chunk too short", "body too short"}
"""Where the client goes away in the middle."""
MAY_SAY_NOTHING = {
    "chunk too short", "body too short", "chunk no number", "both lengths", "coded 1.0", "folded",
    "length twice", "lengths listed", "length no number", "length signed", "coding", "codings",
}  # fmt: skip
"""A server may end the connection instead: the bytes were no HTTP."""


async def said(port: int) -> dict[str, list[Reply]]:
    return {name: await answers(port, raw, ends=name in CUT) for name, (raw, _) in CASES.items()}


@pytest.mark.proves(
    "IN-1", "IN-2", "IN-3", "IN-4", "IN-5", "IN-6", "IN-7", "IN-8", "IN-12", "RM-3", "RS-1", "CN-2"
)  # fmt: skip
@pytest.mark.parametrize("name", ["granian", "h11", "httptools"])
def test_each_server_gives_named_answers_and_takes_no_request_for_two(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp(name)}/served.db"
    with running(name, url) as server:
        replies = asyncio.run(said(server.port))

    wrong = {}
    for case, found in replies.items():
        statuses = [each.status for each in found]
        if not (statuses == [] and case in MAY_SAY_NOTHING):
            first = statuses[:1]
            if len(statuses) != 1 or first[0] not in CASES[case][1]:
                wrong[case] = statuses
    assert wrong == {}
    with reading(url) as store:
        recorded = streams(store)
    for case, found in replies.items():
        for reply in found:
            named = dict(reply.headers).get("request-id")
            if named is None:
                assert reply.status in {400, 417, 431, 501}, case
                continue
            facts = recorded[UUID(named.removeprefix("req-"))]  # type: ignore[index]
            assert facts[0][0] == "request.received"
            assert facts[-1] == ("response.sent", str(reply.status))

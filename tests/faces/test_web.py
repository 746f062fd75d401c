"""`timescape debug --web` over real sockets: who may look, and that there is something (BY-3)."""

import asyncio
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.debugger.stores import Ticks, shop, sqlite_store

aiohttp = pytest.importorskip("aiohttp", reason="textual-serve is not installed")
pytest.importorskip("textual_serve", reason="textual-serve is not installed")
PATIENCE_S = 30.0


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve a store as a person does; give the address that is told."""
    path = tmp_path / "shop.db"
    with sqlite_store(path, Ticks()) as store:
        shop(store)
    child = subprocess.Popen(
        [sys.executable, "-m", "debugger", "debug", str(path), "--web"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True,
    )  # fmt: skip
    told: queue.Queue[str] = queue.Queue()
    out = child.stdout
    assert out is not None
    threading.Thread(target=lambda: told.put(out.readline()), daemon=True).start()
    try:
        yield told.get(timeout=PATIENCE_S).strip()
        child.terminate()
        assert child.wait(PATIENCE_S) == 0
    finally:
        child.kill()
        child.communicate()


def status(address: str, **headers: str) -> int:
    with httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
        return client.get(address, headers=headers).status_code


def upgrade(address: str, **headers: str) -> int:
    """Ask for the socket as a browser does, and give the status that answers."""
    asked = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    return status(address + "ws", **asked, **headers)


async def first_frame(address: str, origin: str) -> bytes:
    patience = aiohttp.ClientWSTimeout(ws_receive=PATIENCE_S)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(address + "ws", headers={"Origin": origin}, timeout=patience) as socket,
    ):
        while True:
            message = await socket.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
            if message.type == aiohttp.WSMsgType.BINARY:
                return bytes(message.data)


@pytest.mark.proves("BY-3")
def test_only_who_knows_the_token_and_comes_from_the_page_sees_a_screen(address: str) -> None:
    parts = urlsplit(address)
    own, token = f"http://{parts.netloc}", parts.path.strip("/")
    assert parts.hostname == "127.0.0.1"
    assert len(token) >= 32

    for other in (own, f"{own}/x/", f"{own}/{token[:-1]}/", f"{own}/static/js/textual.js"):
        assert status(other) == 404
    assert status(address) == 200
    assert status(address, Host=f"localhost:{parts.port}") == 200
    for host in ("evil.example", f"evil.example:{parts.port}", parts.hostname, ""):
        assert status(address, Host=host) == 403
    assert status(address, Origin="http://evil.example") == 403

    assert upgrade(f"{own}/x/", Origin=own) == 404
    for origin in ("http://evil.example", "null", f"https://{parts.netloc}", f"{own}.evil"):
        assert upgrade(address, Origin=origin) == 403
    assert upgrade(address) == 403, "a browser says where it comes from"
    assert upgrade(address, Origin="http://evil.example", Host="evil.example") == 403
    assert b"\x1b[" in asyncio.run(first_frame(address, own))

    with httpx.Client(trust_env=False) as client:
        headers = client.get(address).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"

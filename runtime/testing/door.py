"""Hands requests to an ASGI app, as a server would."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from runtime.testing.asking import Asking


async def exchange(
    door: Callable[..., Awaitable[None]], asking: Asking, leaves_after: int | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Hand a request to an ASGI app; give status, headers and body of the answer.

    Args:
        door: the app.
        asking: the request.
        leaves_after: after how many bytes of its body the client is gone; None: it waits.
    """
    body = asking.body if leaves_after is None else asking.body[:leaves_after]
    more = len(body) < len(asking.body)
    pieces = [{"type": "http.request", "body": body, "more_body": more}]
    sent: list[MutableMapping[str, Any]] = []
    answered = asyncio.Event()

    async def receive() -> MutableMapping[str, Any]:
        if pieces:
            return pieces.pop()
        if leaves_after is None:
            await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await door(scope_of(asking), receive, send)
    start, *bodies = sent
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return start["status"], headers, b"".join(each.get("body", b"") for each in bodies)


def scope_of(asking: Asking) -> MutableMapping[str, Any]:
    """Make the ASGI scope of a request."""
    path, _, query = asking.target.encode("ascii", "strict").partition(b"?")
    headers = [("host", "test.example"), *asking.headers]
    if asking.body:
        headers.append(("content-length", str(len(asking.body))))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asking.method,
        "scheme": "http",
        "path": path.decode("ascii"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("192.0.2.7", 40_000),
        "server": ("127.0.0.1", 8000),
    }

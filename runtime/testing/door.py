"""Hands requests to an ASGI app, as a server would."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from runtime.testing.asking import Asking


async def exchange(
    door: Callable[..., Awaitable[None]], asking: Asking
) -> tuple[int, dict[str, str], bytes]:
    """Hand a request to an ASGI app; give status, headers and body of the answer."""
    pieces = [{"type": "http.request", "body": asking.body, "more_body": False}]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return pieces.pop() if pieces else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

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

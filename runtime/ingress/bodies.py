"""Reads a body once and within its limit (IN-1, IN-3)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from runtime.ingress.heads import Head
from runtime.timescape import Refusal

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]


async def read_body(receive: Receive, head: Head, limit: int) -> bytes | Refusal:
    """Read the whole body, or say why it is refused.

    A larger declared length is refused before a byte is read.
    """
    declared = head.length
    if declared is None and not head.chunked:
        return b""
    if declared is not None and declared > limit:
        return too_large(limit)
    if declared == 0:
        return b""
    first = await receive()
    chunk: bytes = first.get("body", b"")
    if first["type"] == "http.request" and len(chunk) == declared:
        return chunk
    return await _read_on(receive, first, declared, limit)


async def _read_on(
    receive: Receive, message: Message, declared: int | None, limit: int
) -> bytes | Refusal:
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            return Refusal(
                400, "bad-framing", "The connection ended before the body did.", "Send it again."
            )
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return too_large(limit)
        parts.append(chunk)
        if not message.get("more_body", False) or size == declared:
            break
        message = await receive()
    if declared is not None and size != declared:
        return Refusal(400, "bad-framing", "The body is not as long as Content-Length says.", "")
    return b"".join(parts)


def too_large(limit: int) -> Refusal:
    """Refuse a body above *limit* bytes."""
    return Refusal(
        413,
        "body-too-large",
        f"The body is larger than {limit} bytes.",
        "Send less in one request.",
        {"limit": limit},
    )

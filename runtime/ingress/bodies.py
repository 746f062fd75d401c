"""Reads a body once, within its limit and in its time (IN-1, IN-3)."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from types import CoroutineType
from typing import Any, Final, TypeAlias

from runtime.ingress.heads import Head
from runtime.ingress.refusals import SHUTTING_DOWN
from runtime.lifecycle.waiting import go_on
from runtime.timescape import Refusal

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]

WHOLE_S: Final = 30.0
"""What a body has to come whole, where nobody says otherwise."""
GRACE_S: Final = 5.0
"""For so long it may come as slowly as it likes."""
RATE: Final = 1024
"""Bytes that each second after that has to bring."""
_TIMED_OUT: Final = Refusal(
    408,
    "request-timeout",
    "The body did not come whole in its time.",
    "Send it faster, or less in one request.",
)
_CUT_OFF: Final = Refusal(
    400, "bad-framing", "The connection ended before the body did.", "Send it again."
)


class Coming:
    """The bodies that are on their way, and slow."""

    __slots__ = ("_limits", "cut")

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()
        self.cut = False
        """Whether they come to an end now, as the server does."""

    def cut_off(self) -> None:
        """Wait for none of them any longer."""
        self.cut = True
        now_s = asyncio.get_running_loop().time()
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(now_s)

    def begin(self, limit: asyncio.Timeout) -> None:
        """Note one that ends by *limit*."""
        self._limits.add(limit)

    def end(self, limit: asyncio.Timeout) -> None:
        """Note that it came, or will not."""
        self._limits.discard(limit)


async def read_body(
    receive: Receive, head: Head, limit: int, whole_s: float, coming: Coming
) -> bytes | Refusal:
    """Read the whole body, or say why it is refused.

    A larger declared length is refused before a byte is read.

    Args:
        receive: of the server.
        head: of the request.
        limit: bytes that it may have.
        whole_s: seconds that it has to come.
        coming: what ends it before.
    """
    declared = head.length
    if declared is None and not head.chunked:
        return b""
    if declared is not None and declared > limit:
        return too_large(limit)
    if declared == 0:
        return b""
    # Servers have most bodies whole by now; such a one is worth no timer.
    first = await _at_once(receive())
    if isinstance(first, MutableMapping):
        chunk: bytes = first.get("body", b"")
        if first["type"] == "http.request" and len(chunk) == declared:
            return chunk
    return await _in_time(receive, first, declared, limit, whole_s, coming)


async def _at_once(coming: Awaitable[Message]) -> Message | Awaitable[Message]:
    """Return what is *coming* if it is there, else something that waits for it."""
    if isinstance(coming, CoroutineType):
        try:
            waits_for = coming.send(None)
        except StopIteration as end:
            message: Message = end.value
            return message
        return go_on(coming, waits_for)
    is_done = getattr(coming, "done", None)
    return coming if is_done is None or not is_done() else await coming


async def _in_time(
    receive: Receive, first: Message | Awaitable[Message], declared: int | None, limit: int,
    whole_s: float, coming: Coming,
) -> bytes | Refusal:  # fmt: skip
    if asyncio.current_task() is None:
        # A server may step coroutines without a task; timeouts need one.
        return await asyncio.ensure_future(
            _in_time(receive, first, declared, limit, whole_s, coming)
        )
    try:
        async with asyncio.timeout(min(GRACE_S, whole_s)) as pace:
            coming.begin(pace)
            try:
                return await _read_on(receive, first, declared, limit, Pace(pace, whole_s, coming))
            finally:
                coming.end(pace)
    except TimeoutError:
        return SHUTTING_DOWN if coming.cut else _TIMED_OUT


class Pace:
    """How fast a body has to come: whole in its time, and no slower than `RATE`."""

    def __init__(self, timeout: asyncio.Timeout, whole_s: float, coming: Coming) -> None:
        self._timeout = timeout
        self._coming = coming
        self._began = asyncio.get_running_loop().time()
        self._whole_s = whole_s

    def has(self, size: int) -> None:
        """Give it more time, as *size* bytes are there."""
        if self._coming.cut:
            return
        allowed_s = min(self._whole_s, GRACE_S + size / RATE)
        self._timeout.reschedule(self._began + allowed_s)


async def _read_on(
    receive: Receive,
    first: Message | Awaitable[Message],
    declared: int | None,
    limit: int,
    pace: Pace,
) -> bytes | Refusal:
    message = first if isinstance(first, MutableMapping) else await first
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            return _CUT_OFF
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return too_large(limit)
        parts.append(chunk)
        if not message.get("more_body", False) or size == declared:
            break
        pace.has(size)
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

"""Speaks ASGI to an app as a server would, one message at a time; says what came back."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from eventstore import Event
from eventstore.memory import MemoryStore
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from runtime.request_ids import stream_of

Headers = Sequence[tuple[str | bytes, str | bytes]]
Application = Callable[..., Awaitable[None]]
Message = MutableMapping[str, Any]
JSON = ("content-type", "application/json")


@dataclass
class Reply:
    """An answer as sent."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    messages: list[Message] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} stands twice"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> Any:
        return self.json["code"]

    @property
    def request_id(self) -> str:
        text = self.header("request-id")
        assert text is not None
        return text


def scope_of(method: str, target: str | bytes, headers: Headers) -> Message:
    """Make the scope of a request; *target* is raw, with its query."""
    raw = target.encode("latin-1") if isinstance(target, str) else target
    path, _, query = raw.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(_bytes(name), _bytes(value)) for name, value in headers],
        "client": ("192.0.2.7", 40_000),
        "server": ("127.0.0.1", 8000),
    }


async def ask(
    app: Application,
    method: str,
    target: str | bytes,
    body: object = None,
    *,
    headers: Headers = (),
    chunks: Sequence[bytes] | None = None,
    host: bool = True,
    length: bool = True,
) -> Reply:
    """Send one request and gather its answer.

    Args:
        body: bytes as they are; other values as JSON; None: none.
        chunks: the body in pieces; *length* False: without Content-Length.
        host: whether to add a Host field.
    """
    raw = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
    pieces = [raw] if chunks is None else list(chunks)
    sent = list(headers)
    if host:
        sent.insert(0, ("host", "shop.example"))
    if body is not None and not isinstance(body, bytes):
        sent.append(JSON)
    size = sum(map(len, pieces))
    if size and length:
        sent.append(("content-length", str(size)))
    elif size:
        sent.append(("transfer-encoding", "chunked"))
    return await exchange(app, scope_of(method, target, sent), pieces)


async def exchange(app: Application, scope: Message, pieces: Sequence[bytes]) -> Reply:
    """Hand a scope and the pieces of a body to *app*."""
    waiting = [
        {"type": "http.request", "body": piece, "more_body": n < len(pieces) - 1}
        for n, piece in enumerate(pieces)
    ]
    out: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        out.append(message)

    await app(scope, receive, send)
    return reply_of(out)


def reply_of(messages: list[Message]) -> Reply:
    """Read what an app sent: one start, then bodies."""
    start, *bodies = messages
    assert start["type"] == "http.response.start"
    assert all(message["type"] == "http.response.body" for message in bodies)
    assert not bodies[-1].get("more_body", False)
    return Reply(
        start["status"],
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]],
        b"".join(message.get("body", b"") for message in bodies),
        messages,
    )


def memory_store() -> MemoryStore:
    """Make an empty log in memory."""
    return MemoryStore(registry(), system_clock, SystemIds())


def facts_of(store: Any, reply: Reply) -> list[Event]:
    """Give the stream of the request that *reply* answers."""
    return list(store.read(stream_of(reply.request_id)))


def names_of(store: Any, reply: Reply) -> list[str]:
    """Give the names of its facts."""
    return [event.type for event in facts_of(store, reply)]


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text

"""A listener for a handful of plain requests, on the event loop that serves (SD-2).

It does not share the server of the app: what it says of a loop it says while that loop turns.
A request has 8 KiB, its body 1 MiB, and 5 s to come; each connection carries one.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from runtime.errors import ServeError
from runtime.messages import Answer

Asked = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Answer]]
"""Answers method, path, headers (names in lower case) and body."""
_HEAD_BYTES = 8 * 1024
_BODY_BYTES = 1024 * 1024
_TIMEOUT_S = 5.0
_AT_ONCE = 64
_encode = msgspec.json.Encoder().encode


class PlainListener:
    """Serves while it is entered: `async with PlainListener(answer, host, port) as listener:`.

    Args:
        answer: gives the answers.
        host: address to listen on.
        port: to listen on; 0: any that is free.
    """

    def __init__(self, answer: Asked, host: str, port: int) -> None:
        self._answer = answer
        self._host = host
        self._port = port
        self._running = 0
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None  # noqa: S101 - entered
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> "PlainListener":
        """Listen.

        Raises:
            ServeError: the address cannot be listened on.
        """
        try:
            self._server = await asyncio.start_server(
                self._serve, self._host, self._port, limit=_HEAD_BYTES
            )
        except (OSError, socket.gaierror) as error:
            raise ServeError(
                problem=f"{self._host}:{self._port} cannot be listened on.",
                remedy="Stop what uses it, or choose another --admin-port.",
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._running += 1
        try:
            await self._once(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # Whoever asks so gets nothing.
            return
        finally:
            self._running -= 1
            with contextlib.suppress(OSError):
                writer.close()

    async def _once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_TIMEOUT_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.split("\r\n")[:-2]
        words = line.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            answer = plain(400, {"problem": "This is no HTTP/1 request."})
        elif self._running > _AT_ONCE:
            answer = plain(503, {"problem": "Too many ask at once."})
        else:
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (field.partition(":") for field in fields)
            }
            answer = await self._answered(words, headers, reader)
        writer.write(_written(answer, with_body=words[0] != "HEAD"))
        async with asyncio.timeout(_TIMEOUT_S):
            await writer.drain()

    async def _answered(
        self, words: list[str], headers: Mapping[str, str], reader: asyncio.StreamReader
    ) -> Answer:
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()) or len(length) > 7:
            return plain(400, {"problem": "Its length cannot be read."})
        if int(length) > _BODY_BYTES:
            return plain(413, {"problem": f"A body has at most {_BODY_BYTES} bytes."})
        body = await reader.readexactly(int(length))
        return await self._answer(words[0], words[1].partition("?")[0], headers, body)


def plain(status: int, said: Any, *headers: tuple[str, str]) -> Answer:
    """Return an answer in JSON."""
    return Answer(status, (("content-type", "application/json"), *headers), _encode(said))


def _written(answer: Answer, *, with_body: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += ["cache-control: no-store", "x-content-type-options: nosniff", "connection: close"]
    lines += [f"content-length: {len(answer.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + (answer.body if with_body else b"")

"""Writes answers: the headers the runtime owns, and nothing it was not given (RS-2, RS-3)."""

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import msgspec

from runtime.ingress.bodies import Message
from runtime.messages import Answer

Send: TypeAlias = Callable[[Message], Awaitable[None]]
Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]

_CACHED: Final = 1024
_NO_BODY: Final = frozenset({204, 304})
_SHARING: Final = re.compile(r"public|s-maxage=.*", re.IGNORECASE)
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


def not_shared(answer: Answer) -> Answer:
    """Return *answer* without what lets a cache give it to other callers (TR-9).

    `private` is told beside what the handler says; next to `public` it would be in doubt.
    """
    headers = tuple(
        (name, _unshared(value) if name.lower() == "cache-control" else value)
        for name, value in answer.headers
    )
    return msgspec.structs.replace(answer, headers=headers)


def _unshared(value: str) -> str:
    parts = [part.strip() for part in value.split(",")]
    return ", ".join(part for part in parts if not _SHARING.fullmatch(part)) or "private"


class Writer:
    """Sends answers; one serves all connections of an event loop."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[str, str], ...], Pairs] = {}

    async def send(
        self, send: Send, answer: Answer, request_id: str, own: Pairs, *, head: bool
    ) -> None:
        """Send *answer*.

        Args:
            send: of the server.
            answer: what the controller gave.
            request_id: of this request.
            own: fields about the version that ran.
            head: the request was a HEAD: the body stays here, its length is told.
        """
        headers = [
            *self._encoded(answer.headers),
            *own,
            _NOSNIFF,
            (b"request-id", request_id.encode()),
        ]
        body = answer.body
        if answer.status in _NO_BODY:
            body = b""
        else:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else body})

    def _encoded(self, headers: tuple[tuple[str, str], ...]) -> Pairs:
        known = self._known.get(headers)
        if known is None:
            if len(self._known) >= _CACHED:
                self._known.clear()
            known = tuple(
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
            )
            self._known[headers] = known
        return known

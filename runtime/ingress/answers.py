"""Writes answers: the headers the runtime owns, and nothing it was not given (RS-2, RS-3)."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from runtime.ingress.bodies import Message
from runtime.messages import Answer

Send: TypeAlias = Callable[[Message], Awaitable[None]]
Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]

_CACHED: Final = 1024
_NO_BODY: Final = frozenset({204, 304})
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


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

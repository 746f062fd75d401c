"""Takes the body that a handler declares, or says why it may not come in (IN-3, IN-4, IN-9)."""

from collections.abc import Callable

from runtime.ingress import refusals
from runtime.ingress.arriving import Arriving, Refused
from runtime.ingress.bodies import Coming, Receive, read_body, too_large
from runtime.ingress.endpoints import Served, Takes
from runtime.ingress.framing import CLOSE
from runtime.ingress.heads import Head
from runtime.ingress.inflating import CODINGS, inflate, is_known
from runtime.ingress.media import ToJson
from runtime.ingress.shapes import refused_shape
from runtime.timescape import Refusal

_UNREAD = frozenset({"bad-framing", "request-timeout"})
"""Codes after which nobody knows where on the connection the next request would begin."""


_TOLD = {"shutting-down": (("retry-after", "1"),)}


async def take_body(arriving: Arriving, served: Served, receive: Receive, coming: Coming) -> None:
    """Read the body; one that nobody takes is read within the limit, and dropped.

    Raises:
        Refused: it may not come in.
    """
    head, takes = arriving.head, served.takes
    odd = head.encoded or (takes is Takes.JSON and not head.json)
    make = _maker(head, served) if odd and (head.chunked or head.length) else None
    body = await read_body(receive, head, served.max_body, served.body_timeout_s, coming)
    if isinstance(body, Refusal):
        raise Refused(body, CLOSE if body.code in _UNREAD else _TOLD.get(body.code, ()))
    if takes is Takes.NOTHING:
        return
    arriving.body = body if make is None else make(body)
    if takes is Takes.JSON:
        refusal = refused_shape(arriving.body, served.shape)
        if refusal is not None:
            raise Refused(refusal)


def _maker(head: Head, served: Served) -> Callable[[bytes], bytes]:
    """Return what makes plain JSON, or plain bytes, of a body that is neither as it comes."""
    coding = _coding(head, served) if head.encoded else ""
    to_json = _reader(head, served) if served.takes is Takes.JSON and not head.json else None

    def make(body: bytes) -> bytes:
        if coding:
            body = _let_in(inflate(body, coding, served.max_body))
        if to_json is not None:
            body = _let_in(to_json(body))
        if len(body) > served.max_body:
            raise Refused(too_large(served.max_body))
        return body

    return make


def _reader(head: Head, served: Served) -> ToJson:
    to_json = served.media.reader(head)
    if to_json is None:
        raise Refused(refusals.MEDIA, (("accept-post", served.media.accepted),))
    return to_json


def _coding(head: Head, served: Served) -> str:
    coding = next(value for name, value in head.headers if name == "content-encoding").lower()
    if not served.decompress:
        raise Refused(refusals.ENCODED, (("accept-encoding", "identity"),))
    if not is_known(coding):
        raise Refused(refusals.CODING, (("accept-encoding", CODINGS),))
    return coding


def _let_in(body: bytes | Refusal) -> bytes:
    if isinstance(body, Refusal):
        raise Refused(body)
    return body

"""Takes the body that a handler declares, or says why it may not come in (IN-3, IN-4, IN-9)."""

from runtime.ingress import refusals
from runtime.ingress.arriving import Arriving, Refused
from runtime.ingress.bodies import Receive, read_body
from runtime.ingress.endpoints import Served, Takes
from runtime.ingress.framing import CLOSE
from runtime.ingress.shapes import refused_shape
from runtime.timescape import Refusal

_UNREAD = frozenset({"bad-framing", "request-timeout"})
"""Codes after which nobody knows where on the connection the next request would begin."""


async def take_body(arriving: Arriving, served: Served, receive: Receive) -> None:
    """Read the body; one that nobody takes is read within the limit, and dropped.

    Raises:
        Refused: it may not come in.
    """
    head, takes = arriving.head, served.takes
    has_body = head.chunked or bool(head.length)
    if has_body and takes is Takes.JSON and not head.json:
        raise Refused(refusals.MEDIA, (("accept-post", "application/json"),))
    if has_body and head.encoded:
        raise Refused(refusals.ENCODED, (("accept-encoding", "identity"),))
    body = await read_body(receive, head, served.max_body, served.body_timeout_s)
    if isinstance(body, Refusal):
        raise Refused(body, CLOSE if body.code in _UNREAD else ())
    if takes is Takes.NOTHING:
        return
    arriving.body = body
    if takes is Takes.JSON:
        refusal = refused_shape(body, served.shape)
        if refusal is not None:
            raise Refused(refusal)

"""What is registered: hooks and versions of handlers, as values the controller runs."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from runtime.lifecycle.binding import Bound
from runtime.manifests.promises import Promises
from runtime.messages import Answer, Received, Request
from runtime.supervision import Backoff

MAX_ANSWER: Final = 16 * 1024 * 1024
"""Bytes an answer may have, where nobody says otherwise (RS-3)."""


class Hook(msgspec.Struct, frozen=True):
    """A hook as registered."""

    id: str
    """`module.qualname`, with `#n` where repeated; of local hooks `file:line#n`."""
    kind: str
    """before, after or catch."""
    level: str
    """global, route or local."""
    call: Bound
    timeout_s: float | None = 5.0
    """None: only the request's deadline."""
    retries: int = 0
    backoff: Backoff | None = None
    """What is waited between attempts; None: nothing."""


class HandlerVersion(msgspec.Struct, frozen=True):
    """One version of one handler, ready to run."""

    handler: str
    """Handler id, such as `post-orders-order_id`; alike for all versions of a route."""
    method: str
    route: str
    """`POST /orders/{order_id:int}`."""
    version: str
    """Version id `tsv:…`."""
    edition: str | None
    call: Bound
    parse: Callable[[Received], Request[Any]]
    """Decode and validate; raises `ValidationFailed` with every issue."""
    render: Callable[[object], bytes]
    """Encode a result and check it; raises `ValidationFailed` for the side `response`."""
    redact_body: Callable[[bytes], Any]
    """The body as plain JSON for the record, Sensitive fields replaced."""
    redact_answer: Callable[[bytes], Any]
    """The same for the answer."""
    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()
    catch: tuple[Hook, ...] = ()
    timeout_s: float = 30.0
    cancel_on_disconnect: bool = False
    media: str = "application/json"
    """Of the answer, where the handler does not say otherwise."""
    modules: frozenset[str] | None = None
    """What it may use of modules, `stock.left` or `stock.*`; None: all."""
    secrets: frozenset[str] | None = None
    """Names of the secrets it may read; None: all."""
    publishes: frozenset[str] | None = None
    """Topics it may publish on; None: all."""
    hidden_query: frozenset[str] = frozenset()
    """Fields of the query whose values are never recorded."""
    hides_in_body: bool = False
    """Whether a body may hold what is not recorded as it is."""
    delivers: bool = False
    """Whether it is a subscriber: its requests are deliveries of messages."""
    max_answer: int = MAX_ANSWER
    """Bytes that an answer may have; *render* keeps to it, and so do catch hooks."""
    promises: Promises | None = None
    """What every answer of success has to keep; None: nothing but its type."""
    crossing: "Crossing | None" = None
    """How data of another version's callers comes here and back; None: they are its own."""

    @property
    def spoken(self) -> "HandlerVersion":
        """The version by whose types requests are read and answers are written."""
        return self if self.crossing is None else self.crossing.spoken


class Joint(msgspec.Struct, frozen=True):
    """A transformer between two neighbouring versions, as code; None: nothing is to be done."""

    fingerprint: str
    """Of the code of its functions, which ask for `parts`."""
    request_up: Bound | None = None
    response_down: Bound | None = None
    request_down: Bound | None = None
    response_up: Bound | None = None
    timeout_s: float = 5.0
    """Of each function."""
    blocking: bool = False
    """Whether functions that are no coroutine functions run in a thread."""

    def turned(self) -> "Joint":
        """Return it as callers of the newer version go it, whom the older serves."""
        return msgspec.structs.replace(
            self, request_up=self.request_down, response_down=self.response_up,
            request_down=self.request_up, response_up=self.response_down,
        )  # fmt: skip


class Hop(msgspec.Struct, frozen=True):
    """A step of data from one version to its neighbour."""

    older: str
    """The id of the version on the caller's side: the older, unless the joint is turned."""
    newer: str
    joint: Joint


class Crossing(msgspec.Struct, frozen=True):
    """How a version serves the callers of another one, an older one as a rule."""

    spoken: HandlerVersion
    """The version that the caller speaks."""
    hops: tuple[Hop, ...]
    """From the caller's version to the one that runs."""
    may_fall_back: bool
    """Whether *spoken* may run instead, if a request cannot be brought up."""
    hides_request: bool = False
    """Whether no digest of a request may be kept: its values could be guessed by it."""
    hides_answer: bool = False
    max_body: int = 1024 * 1024
    """What a request's body may have, in bytes; a hop may give four times as many."""
    headers: frozenset[str] = frozenset()
    """Those that the manifest of one of the two names: hops may change them, and no others."""


Problem = Callable[..., Answer]
"""How an error becomes an answer; see `runtime.lifecycle.problems`."""

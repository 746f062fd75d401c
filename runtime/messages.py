"""What goes into a handler and what comes out: requests, answers, and errors that are answers."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

import msgspec

from runtime.errors import AlreadySentError, ResponseHeaderError, TimescapeError
from runtime.facts import Issue, VersionResolved
from runtime.policy_facts import PolicyDecided
from runtime.principals import ANONYMOUS, Principal
from runtime.transform_facts import VersionPlaced

B = TypeVar("B")


class Received(msgspec.Struct, frozen=True):
    """A request as the edge accepted it: bytes and text, nothing decoded yet."""

    stream: Any
    """`StreamId`; the request id is `req-` and its 32 hex digits."""
    method: str
    path: str
    """Raw, before percent-decoding, without the query."""
    received_us: int
    params: Mapping[str, str] = {}
    """Path parameters, percent-decoded."""
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """All of them, lower-case names, in order."""
    body: bytes = b""
    client: str = "unknown"
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str | None = None
    correlation_id: str | None = None
    timeout_s: float | None = None
    """The caller's own limit; only lowers the handler's."""
    asked: str | None = None
    """The version selector as sent."""
    source: str = "default"
    """Where the selector stood: query, header, default."""
    resolved: VersionResolved | None = None
    """How its version was found, as it is recorded; None: by *source* and *asked*."""
    placed: VersionPlaced | None = None
    """That another version runs, as it is recorded; None: the one that was to."""
    principal: Principal = ANONYMOUS
    decided: tuple[str, PolicyDecided] | None = None
    """What the policies said, and its key; None: none was asked."""
    priority: int = 5
    """From 0 to 10, as in force."""
    flags: tuple[str, ...] = ()
    selectors: tuple[tuple[str, str], ...] = ()
    """Of a version: where each stood, and its text."""
    scheme: str = ""
    """That the client used, as a trusted proxy tells it; ``: none did."""
    host: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What goes back to the client. `Request-Id` and lengths are added at the edge."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fell_back: bool = False
    """The caller's own version ran, as its request could not be made into a later one's."""


class Fields(Mapping[str, Any]):
    """Named values, by attribute and by name: `req.path.order_id`, `req.path["order_id"]`."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            known = ", ".join(self._values) or "none"
            msg = f"No field {name!r}; there are: {known}."
            raise AttributeError(msg) from None

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"Cannot set {name!r}: a request does not change."
        raise AttributeError(msg)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Fields({self._values!r})"


class Request(msgspec.Struct, Generic[B], frozen=True):
    """What the handler is asked, decoded and valid."""

    method: str
    url_path: str
    path: Fields
    """Path parameters, of the template's types."""
    query: Fields
    """Query parameters: text, or a list of text where one is repeated."""
    headers: Mapping[str, str]
    """Lower-case names; of a repeated one the last."""
    body: B
    raw: bytes = b""
    principal: Principal = ANONYMOUS
    """Who asks."""


class Parts(msgspec.Struct):
    """A request or an answer on its way between versions, as plain data; a transformer's own.

    It is a copy: changing it changes nothing that anybody else holds.
    """

    query: dict[str, Any] = {}
    """Of a request: text by name, or a list of text where a name is repeated."""
    body: Any = None
    """Decoded JSON; bytes where a version takes or gives bytes; None: there is none."""
    status: int | None = None
    """Of an answer."""
    headers: dict[str, Any] = {}
    """Those that `promise` of one of the versions names, as in *query*; lower-case names."""


class Response:
    """What the handler may write instead of returning it; one a request."""

    __slots__ = ("_body", "_headers", "_status", "_written")

    def __init__(self) -> None:
        self._status: int | None = None
        self._headers: list[tuple[str, str]] = []
        self._body: object = None
        self._written = False

    @property
    def status(self) -> int | None:
        """The status set so far; None: 200, or 204 without a body."""
        return self._status

    @status.setter
    def status(self, value: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not 200 <= value <= 599:
            raise ResponseHeaderError(
                problem=f"Status {value!r} is not a whole number from 200 to 599."
            )
        self._status = value

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers set so far."""
        return tuple(self._headers)

    @property
    def written(self) -> bool:
        """Whether a body was written."""
        return self._written

    @property
    def body(self) -> object:
        """The body written; None if none was."""
        return self._body

    def header(self, name: str, value: str) -> Self:
        """Add a header.

        Raises:
            ResponseHeaderError: the runtime owns it, or HTTP does not allow it (RS-2).
        """
        check_header(name, value)
        self._headers.append((name.lower(), value))
        return self

    def write(self, body: object, *, status: int | None = None) -> None:
        """Set the body, once.

        Raises:
            AlreadySentError: a body was written before.
        """
        if self._written:
            raise AlreadySentError(
                problem="The answer was written before.", remedy="Write it once."
            )
        if status is not None:
            self.status = status
        self._body = body
        self._written = True


class HttpError(TimescapeError):
    """Raise it in a handler or hook to answer with *status* (HW-4)."""

    code: ClassVar[str] = "RT310"

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if not 400 <= status <= 599:
            raise ResponseHeaderError(
                problem=f"HttpError status {status!r} is not from 400 to 599."
            )
        self.status = status
        self.problem_code = code
        self.detail = detail
        self.headers = dict(headers or {})
        for name, value in self.headers.items():
            check_header(name, value)
        super().__init__(detail or code)

    def __reduce__(self) -> tuple[Any, Any]:
        return type(self), (self.status, self.problem_code, self.detail, self.headers)


class ValidationFailed(TimescapeError):
    """A request or an answer that does not conform; carries every issue (GT-12)."""

    code: ClassVar[str] = "RT311"

    def __init__(self, side: str, issues: tuple[Issue, ...], *, truncated: bool = False) -> None:
        self.side = side
        self.issues = issues
        self.truncated = truncated
        super().__init__(f"The {side} has {len(issues)} faults.")

    def __reduce__(self) -> tuple[Any, Any]:
        return _validation_failed, (self.side, self.issues, self.truncated)


def _validation_failed(side: str, issues: tuple[Issue, ...], truncated: bool) -> ValidationFailed:  # noqa: FBT001
    return ValidationFailed(side, issues, truncated=truncated)


_OWNED = frozenset(
    {"content-length", "transfer-encoding", "connection", "date", "request-id", "keep-alive"}
)
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def check_header(name: str, value: str) -> None:
    """Refuse a header that the runtime owns or that HTTP does not allow.

    Raises:
        ResponseHeaderError: names the field and the fault.

    Source: RS-2, RFC 9110 section 5.
    """
    lower = name.lower()
    if lower in _OWNED or lower.startswith(("timescape-", "ratelimit")):
        raise ResponseHeaderError(
            problem=f"Header {name!r} is set by the runtime.", remedy="Leave it out."
        )
    if not lower or not set(lower) <= _TOKEN:
        raise ResponseHeaderError(problem=f"Header name {name[:64]!r} is not an HTTP token.")
    if any((ord(c) < 32 and c != "\t") or ord(c) == 127 or ord(c) > 255 for c in value):
        raise ResponseHeaderError(
            problem=f"The value of header {name!r} holds a control character."
        )

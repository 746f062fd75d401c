"""The request as far as its record knows it, to be run again.

What was left out of the record is a `Withheld`: it may be passed on, and whoever looks at it
learns that the request cannot be run again (RX-10).
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import msgspec

from eventstore import Event
from eventstore.values import Withheld
from runtime.errors import NotRecordedError, NotReplayableError
from runtime.facts import PrincipalEstablished, RequestReceived, VersionResolved
from runtime.facts import ValidationFailed as RequestInvalid
from runtime.lifecycle.arrival import is_secret
from runtime.lifecycle.handlers import HandlerVersion
from runtime.messages import Fields, Received, Request, ValidationFailed
from runtime.policy_facts import PolicyDecided
from runtime.principals import ANONYMOUS, Principal, recorded
from runtime.replay.divergence import is_hidden
from runtime.transform_facts import VersionPlaced

Withhold = Callable[[str], Withheld]
Pointer = tuple[str | int, ...]
UNCHANGED: Any = object()
"""In the place of another body: there is none."""
_encode = msgspec.json.Encoder().encode
_STAND_INS: Sequence[Any] = (
    "", "x", "0000", "0000000000", "0000000000000000", 0, 1, False, [], {}, None, 0.5, 100,
    "2026-01-01", "2026-01-01T00:00:00Z", "00:00:00", "00000000-0000-4000-8000-000000000000",
    "a@example.org", "+10000000000", "x" * 8, "x" * 16, "x" * 32, "0" * 13, "0" * 3, "Ab0-" * 8,
    -1, 2000, 1_000_000,
)  # fmt: skip
"""Values that are tried in the place of one that was left out, until its type accepts one."""


def received(
    asked: Event, record: Sequence[Event], withhold: Withhold, body: Any = UNCHANGED
) -> Received:
    """Return the request of a stream; bytes that are not known for sure are withheld.

    Args:
        asked: its first fact.
        record: the facts of the stream, to see how the version was chosen.
        withhold: makes stand-ins for what code may not look at.
        body: another body, decoded.
    """
    first: RequestReceived = asked.data
    resolved = next((e.data for e in record[:8] if isinstance(e.data, VersionResolved)), None)
    raw: Any = _exact_body(first) if body is UNCHANGED else _encode(body)
    if raw is None or (body is not UNCHANGED and any(_redacted_places(body))):
        raw = withhold("the bytes of the body")
    return Received(
        stream=asked.stream,
        method=first.method,
        path=first.path,
        received_us=asked.at_us,
        params=first.params,
        query=first.query,
        headers=first.headers,
        body=raw,
        client=first.client,
        trace_id=first.trace_id,
        span_id=first.span_id,
        parent_span_id=first.parent_span_id,
        correlation_id=first.correlation_id,
        priority=first.priority,
        flags=first.flags,
        selectors=first.selectors,
        scheme=first.scheme,
        host=first.host,
        asked=resolved.asked if resolved else None,
        source=resolved.source if resolved else "default",
        resolved=resolved,
        placed=_placed(record),
        principal=_principal(record),
        decided=next(
            ((e.key or "", e.data) for e in record[:8] if isinstance(e.data, PolicyDecided)), None
        ),
    )


def _placed(record: Sequence[Event]) -> VersionPlaced | None:
    """Return that another version ran from the start, not after a transformer failed."""
    for event in record[:8]:
        if isinstance(event.data, VersionPlaced) and event.data.reason == "unhealthy":
            return event.data
    return None


def _principal(record: Sequence[Event]) -> Principal:
    """Return who asked; whoever it was, nothing is verified again (AU-3)."""
    for event in record[:8]:
        if isinstance(event.data, PrincipalEstablished):
            return recorded(event.data, event.key)
    return ANONYMOUS


def _exact_body(first: RequestReceived) -> bytes | None:
    """Return the bytes that were received; None if the record cannot tell them."""
    if not first.body_size:
        return b""
    for raw in _spellings(first):
        if len(raw) == first.body_size and hashlib.sha256(raw).hexdigest() == first.body_digest:
            return raw
    return None


def _spellings(first: RequestReceived) -> Iterator[bytes]:
    """Give the bytes that JSON is usually written as."""
    if first.body_text is not None:
        yield first.body_text.encode("utf-8", "surrogatepass")
        return
    yield _encode(first.body)
    for ascii_only in (True, False):
        for separators in (None, (",", ":")):
            text = json.dumps(first.body, ensure_ascii=ascii_only, separators=separators)
            yield text.encode("utf-8", "surrogatepass")


class Reading:
    """Reads the request of a record as its handler's version does.

    Args:
        version: whose types it is read by.
        record: the facts of the stream.
        withhold: makes stand-ins for what code may not look at.
        body: another body, decoded.
    """

    def __init__(
        self,
        version: HandlerVersion,
        record: Sequence[Event],
        withhold: Withhold,
        body: Any = UNCHANGED,
    ) -> None:
        self._version = version
        self._withhold = withhold
        self._names: Sequence[str] = record[0].data.withheld
        self._body: Any = record[0].data.body if body is UNCHANGED else body
        refused = [e.data for e in record[:8] if isinstance(e.data, RequestInvalid)]
        self._refused = refused[0] if refused and body is UNCHANGED else None
        self._redacted: Sequence[Pointer] = ()

    def parse(self, message: Received) -> Request[Any]:
        """Decode and validate, with stand-ins for what was left out.

        Raises:
            ValidationFailed: as it was when it was recorded, where it cannot be done again.
            NotReplayableError: no stand-in fits.
        """
        raw: Any = message.body
        if type(raw) is bytes:
            return self._guarded(self._version.parse(message))
        self._redacted = list(_redacted_places(self._body))
        if self._refused is not None and (self._redacted or self._body is None):
            issues, truncated = self._refused.issues, self._refused.truncated
            raise ValidationFailed("request", issues, truncated=truncated)
        if self._body is None:
            # Not JSON, and longer than what is kept of it: nobody may look at it.
            return self._unread(message)
        body = _copied(self._body)
        request = self._fitting(message, body)
        for place in self._redacted:
            put(request.body, place, self._withhold(f"{_text(place)} of the body"))
        return self._guarded(msgspec.structs.replace(request, raw=raw))

    def _fitting(self, message: Received, body: Any) -> Request[Any]:
        for place in self._redacted:
            put(body, place, _STAND_INS[0])
        for place in self._redacted:
            self._fit(message, body, place)
        return self._version.parse(_with_body(message, body))

    def _fit(self, message: Received, body: Any, place: Pointer) -> None:
        """Find a value for *place* that is not what the request is refused for."""
        for stand_in in _STAND_INS:
            put(body, place, stand_in)
            try:
                self._version.parse(_with_body(message, body))
            except ValidationFailed as refused:
                if not any(_concerns(issue.path, place) for issue in refused.issues):
                    return
            else:
                return
        problem = f"{_text(place)} of the body was not recorded, and its type takes no stand-in."
        remedy = f"Give it a value: --input /body{_text(place)}=JSON."
        raise NotRecordedError(problem, remedy)

    def _unread(self, message: Received) -> Request[Any]:
        parsed = self._version.parse(msgspec.structs.replace(message, body=b""))
        raw: Any = message.body
        return self._guarded(msgspec.structs.replace(parsed, body=raw, raw=raw))

    def _guarded(self, request: Request[Any]) -> Request[Any]:
        """Withhold headers of which only the name is recorded, and what the query hides."""
        query = request.query
        hidden_names = self._version.hidden_query
        secret = [name for name in query if is_secret(name) or name in hidden_names]
        if secret:
            hidden = {n: self._withhold(f"the field {n!r} of the query") for n in secret}
            query = Fields({**query, **hidden})
        headers = request.headers
        if self._names:
            unseen: dict[str, Any] = {n: self._withhold(f"the header {n!r}") for n in self._names}
            headers = {**unseen, **headers}
        return msgspec.structs.replace(request, query=query, headers=headers)


def _with_body(message: Received, body: Any) -> Received:
    return msgspec.structs.replace(message, body=_encode(body))


def _copied(tree: Any) -> Any:
    return msgspec.json.decode(_encode(tree))


def _redacted_places(tree: Any, above: Pointer = ()) -> Iterator[Pointer]:
    if is_hidden(tree):
        yield above
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _redacted_places(value, (*above, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _redacted_places(value, (*above, index))


def _text(place: Pointer) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in place)


def _concerns(path: str, place: Pointer) -> bool:
    """Say whether an issue at *path* may be about the value at *place*."""
    own = _text(place)
    return path == own or own.startswith(path + "/") or path.startswith(own + "/")


def put(into: Any, place: Pointer, value: Any) -> None:
    """Put *value* at *place* of a decoded body: JSON, or Structs and dataclasses.

    Raises:
        NotReplayableError: something on the way cannot be changed, such as a tuple.
    """
    for step in place[:-1]:
        into = _at(into, step, place)
    last = place[-1] if place else _cannot(place)
    if isinstance(into, dict | list):
        holder: Any = into
        holder[last] = value
    elif isinstance(into, msgspec.Struct):
        msgspec.structs.force_setattr(into, _field(into, last), value)
    elif dataclasses.is_dataclass(into):
        object.__setattr__(into, str(last), value)
    else:
        _cannot(place)


def _at(inside: Any, step: str | int, place: Pointer) -> Any:
    if isinstance(inside, dict | list | tuple):
        found: Any = inside
        return found[step]
    if isinstance(inside, msgspec.Struct) or dataclasses.is_dataclass(inside):
        return getattr(inside, _field(inside, step))
    return _cannot(place)


def _field(inside: Any, step: str | int) -> str:
    """Return the attribute of a Struct that JSON calls *step*."""
    if isinstance(inside, msgspec.Struct):
        encoded = inside.__struct_encode_fields__
        names = dict(zip(encoded, inside.__struct_fields__, strict=True))
        return names.get(str(step), str(step))
    return str(step)


def _cannot(place: Pointer) -> NoReturn:
    problem = f"The record left out {_text(place) or 'all'} of the body, where nothing can be put."
    raise NotReplayableError(problem, "Fork it with a body of its own: --input /body=JSON.")

"""A request at one moment: what the fold of its facts gives (SN-1)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from eventstore.codec import from_plain, to_plain
from runtime.facts import Failure, Json


class Span(msgspec.Struct, frozen=True):
    """A hook or handler that has started and not ended."""

    kind: str
    """before, after, catch or handler."""
    level: str
    """global, route, local; `` for the handler."""
    id: str
    attempt: int
    revision: int
    """Of the fact that started it."""


class PendingEffect(msgspec.Struct, frozen=True):
    """An effect that was requested and not answered."""

    n: int
    kind: str
    name: str
    revision: int


class Compensation(msgspec.Struct, frozen=True):
    """What would be undone if the request failed now."""

    id: str
    name: str
    args: Json


class RequestState(msgspec.Struct, frozen=True):
    """Everything that is so at one moment. Equal facts give equal states."""

    values: Mapping[str, Any] = {}
    """User state: key to encoded value (`eventstore.values.decode` gives it back), in order
    of first setting."""
    phase: str = ""
    """LC-10; `` before the first fact."""
    method: str = ""
    route: str = ""
    handler: str = ""
    version: str | None = None
    edition: str | None = None
    principal: str = "anonymous"
    span: Span | None = None
    """What of the user's code is running."""
    site: str | None = None
    """The line of user code that spoke last."""
    pending: Mapping[int, PendingEffect] = {}
    effects: int = 0
    """Effects requested so far."""
    compensations: tuple[Compensation, ...] = ()
    """Registered and not yet run, oldest first."""
    snapshots: Mapping[str, int] = {}
    """Name to the revision of the moment it names."""
    failure: Failure | None = None
    """The first failure of hook or handler."""
    timed_out: bool = False
    status: int | None = None
    terminal: bool = False
    """Nothing can follow."""
    revision: int = 0
    started_us: int = 0
    policy: str = ""
    """What the policies said: allow, deny or replay; `` if none was asked."""


def state_bytes(state: RequestState) -> bytes:
    """Return *state* as JSON, to be kept."""
    plain = _with_mappings(state, dict)
    try:
        data = _encode(plain)
    except UnicodeEncodeError:
        return _encode(to_plain(plain))
    # A NUL is escaped as in rows, so that databases take it.
    return _encode(to_plain(plain)) if b"\\u0000" in data else data


def state_from_bytes(data: bytes) -> RequestState:
    """Return the state that `state_bytes` was given.

    Raises:
        ValueError: it was given none.
    """
    try:
        state = _decode(data)
    except msgspec.ValidationError:
        state = from_plain(msgspec.json.decode(data), RequestState)
    return _with_mappings(state, MappingProxyType)


def _with_mappings(state: RequestState, made: Callable[[Any], Any]) -> RequestState:
    mappings = {name: made(getattr(state, name)) for name in ("values", "pending", "snapshots")}
    return msgspec.structs.replace(state, **mappings)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RequestState).decode

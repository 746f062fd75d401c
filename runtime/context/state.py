"""A request at one moment: what the fold of its facts gives (SN-1)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

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


def state_bytes(state: RequestState) -> bytes:
    """Return *state* as JSON, to be kept."""
    return _encode(state)


def state_from_bytes(data: bytes) -> RequestState:
    """Return the state that `state_bytes` was given.

    Raises:
        ValueError: it was given none.
    """
    state = _decode(data)
    frozen = {
        name: MappingProxyType(getattr(state, name)) for name in ("values", "pending", "snapshots")
    }
    return msgspec.structs.replace(state, **frozen)


def _as_dict(value: object) -> object:
    if isinstance(value, MappingProxyType):
        return dict(value)
    msg = f"{type(value).__qualname__} is no part of a state"
    raise NotImplementedError(msg)


_encode = msgspec.json.Encoder(enc_hook=_as_dict).encode
_decode = msgspec.json.Decoder(RequestState).decode

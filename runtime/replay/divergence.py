"""Where code and record part, in which way (RX-3). Pure.

Facts are compared as they are stored. Left out are the lines in user code, which are
reported, and times, which are not in payloads (EF-7).
"""

import re
from typing import Any, Literal, TypeAlias

import msgspec

from eventstore import Event, NewEvent
from eventstore.codec.hiding import is_sealed, with_hidden
from eventstore.redaction import HASHED, MARK
from runtime.facts import EffectRequested
from runtime.lifecycle.alike import alike

Kind: TypeAlias = Literal[
    "kind", "name", "arguments", "value", "extra", "missing", "outcome", "redacted"
]
_OUTCOMES = frozenset(
    {
        "handler.ended", "handler.failed", "hook.ended", "hook.failed", "effect.returned",
        "effect.failed", "compensation.ran", "compensation.failed", "cleanup.ran",
        "cleanup.failed", "validation.failed", "response.sent", "request.aborted",
        "request.timed_out",
    }
)  # fmt: skip
_LAST = frozenset({"response.sent", "request.aborted"})
_ASKED = frozenset({"effect.requested", "compensation.registered"})
_PLACE = re.compile(r":\d+(?=#\d+$)")
"""The line in the id of what was registered by a running request: `shop.py:31#1`."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Divergence(msgspec.Struct, frozen=True):
    """The first fact in which code and record differ."""

    index: int
    """Its revision in the stream."""
    kind: Kind
    """`kind`: a fact of another type; `name`: about something else; `arguments`: an effect was
    asked for otherwise; `value`: something else was written; `outcome`: it ended otherwise;
    `extra`: the code went on; `missing`: the code ended or waits."""
    recorded: Event | None
    """None where the record has no more."""
    attempted: NewEvent | None
    """None where the code did no more."""
    recorded_code: str = ""
    """Fingerprint of what ran then; `` if the log does not tell."""
    running_code: str = ""
    """Fingerprint of what ran now."""

    @property
    def lines(self) -> tuple[str | None, str | None]:
        """The lines in user code of both, as far as they are known."""
        return (
            self.recorded.site if self.recorded else None,
            self.attempted.site if self.attempted else None,
        )


def difference(recorded: Event | None, attempted: NewEvent) -> Kind | None:
    """Say how *attempted* differs from *recorded*; None: it does not.

    `redacted`: the code wrote a placeholder where the record has a value, so it has read what
    the record does not know.
    """
    if recorded is None:
        return "extra"
    if recorded.type != attempted.type:
        both = {recorded.type, attempted.type}
        return "outcome" if both <= _OUTCOMES and recorded.key == attempted.key else "kind"
    if recorded.key != attempted.key and not _same_place(recorded.key, attempted.key):
        return "outcome" if recorded.type in _LAST else "name"
    # Constants of the controller are shared by all requests: equal without a look.
    return None if recorded.data is attempted.data else _of_payloads(recorded, attempted)


def _of_payloads(recorded: Event, attempted: NewEvent) -> Kind | None:
    before, after = _compared(recorded.data), _compared(attempted.data)
    if alike(before, after):
        return None
    verdict = _same(plain(before), plain(after))
    if verdict == "same":
        return None
    if verdict == "redacted":
        return "redacted"
    if recorded.type in _OUTCOMES and recorded.type != "effect.returned":
        return "outcome"
    return "arguments" if recorded.type in _ASKED else "value"


def payload_text(event: Event | NewEvent | None) -> str:
    """Return a fact as text, for messages: at most 300 characters."""
    if event is None:
        return "nothing"
    return f"{event.type} {event.key or ''} {_encode(plain(event.data)).decode()}"[:300]


def id_without_line(key: str) -> str:
    """Return the id of something that a running request registered, without the line."""
    return _PLACE.sub("", key)


def _same_place(one: str | None, other: str | None) -> bool:
    """Say whether two ids name the same thing, but for the line it was registered in."""
    return bool(one and other and id_without_line(one) == id_without_line(other))


def plain(data: Any) -> Any:
    """Return a payload as plain JSON; what is to be hidden is `$redacted`."""
    return _decode(_encode(with_hidden(data, lambda *_: MARK)))


def is_hidden(part: Any) -> bool:
    """Say whether a part of recorded JSON is not what it was: dropped, hashed or sealed."""
    hashed = isinstance(part, str) and part.startswith(HASHED)
    return bool(hashed or part == MARK or is_sealed(part))


def _compared(fact: Any) -> Any:
    """Return what is compared of a payload."""
    failure = getattr(fact, "failure", None)
    if failure is not None and (failure.frames or failure.status):
        # Older records do not tell the status.
        failure = msgspec.structs.replace(failure, frames=(), status=None)
        fact = msgspec.structs.replace(fact, failure=failure)
    elif type(fact) is EffectRequested and fact.live:
        fact = msgspec.structs.replace(fact, live=False)
    return fact


def _same(recorded: Any, attempted: Any) -> Literal["same", "redacted", "other"]:
    """Compare plain JSON; what was taken out of the record may have been anything."""
    if is_hidden(recorded):
        return "same"
    if attempted == MARK:
        return "redacted"
    pairs: list[tuple[Any, Any]]
    if isinstance(recorded, dict) and isinstance(attempted, dict):
        if list(recorded) != list(attempted):
            return "other"
        pairs = [(value, attempted[key]) for key, value in recorded.items()]
    elif isinstance(recorded, list) and isinstance(attempted, list):
        if len(recorded) != len(attempted):
            return "other"
        pairs = list(zip(recorded, attempted, strict=True))
    else:
        return "same" if _encode(recorded) == _encode(attempted) else "other"
    found = {_same(a, b) for a, b in pairs}
    return "other" if "other" in found else "redacted" if "redacted" in found else "same"

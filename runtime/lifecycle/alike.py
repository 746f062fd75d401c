"""Whether a fact that a re-execution writes is the one that was recorded (RX-3)."""

from typing import Any

import msgspec

from eventstore.codec.hiding import is_sealed, with_hidden, with_parts
from eventstore.redaction import HASHED, MARK
from eventstore.values import NotHiddenError
from eventstore.values.hidden import refuse

_encode = msgspec.json.Encoder(enc_hook=refuse).encode


def alike(recorded: Any, attempted: Any) -> bool:
    """Say whether two payloads are the same.

    What was dropped, hashed or sealed cannot be compared: there it is enough that the one
    holds something hidden where the other would.
    """
    try:
        return _encode(recorded) == _encode(attempted)
    except NotHiddenError:
        places: set[str] = set()
        now = with_hidden(attempted, lambda _, pointer: places.add(pointer))
        return _encode(with_parts(recorded, places, _without)) == _encode(now)


def _without(part: Any, _pointer: str) -> Any:
    hashed = isinstance(part, str) and part.startswith(HASHED)
    return None if hashed or part == MARK or is_sealed(part) else part

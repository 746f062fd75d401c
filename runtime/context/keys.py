"""What a context key may be and how much a context may hold (LC-8)."""

from eventstore.values import text
from runtime.errors import ContextKeyError, ReservedKeyError, ValueTooLargeError

KEY_BYTES = 256
RESERVED = "timescape."
VALUE_BYTES = 1024 * 1024
STATE_BYTES = 16 * 1024 * 1024
STREAM_FACTS = 50_000
STREAM_FACTS_WARNING = 10_000


def check_key(key: object) -> None:
    """Refuse what is not a key.

    Raises:
        ContextKeyError: not text of 1 to 256 bytes, or with NUL or lone surrogates.
        ReservedKeyError: begins with `timescape.`.
    """
    if type(key) is str and _is_usual(key):
        return
    if not isinstance(key, str):
        raise _bad_key(key, f"it is a {type(key).__qualname__}")
    if not key:
        raise _bad_key(key, "it is empty")
    if not text.is_plain(key):
        raise _bad_key(key, "it holds NUL or a lone surrogate")
    if len(key) > KEY_BYTES // 4 and len(key.encode()) > KEY_BYTES:
        raise _bad_key(key, f"it has {len(key.encode())} bytes")
    if key.startswith(RESERVED):
        problem = f"Key {key[:80]!a} is reserved: it begins with {RESERVED!r}."
        raise ReservedKeyError(problem, "Choose another prefix.")


def _is_usual(key: str) -> bool:
    """Say whether *key* is sure to be one, in half the time."""
    return (
        key.isascii()
        and 0 < len(key) <= KEY_BYTES
        and "\0" not in key
        and not key.startswith(RESERVED)
    )


def check_value_size(key: str, size: int) -> None:
    """Refuse a value of more than 1 MiB.

    Raises:
        ValueTooLargeError: names measure and limit.
    """
    if size > VALUE_BYTES:
        problem = f"The value of {key[:80]!a} has {size} bytes encoded, the limit is {VALUE_BYTES}."
        raise ValueTooLargeError(problem, "Keep large data elsewhere and its address here.")


def check_state_size(size: int) -> None:
    """Refuse values of more than 16 MiB together.

    Raises:
        ValueTooLargeError: names measure and limit.
    """
    if size > STATE_BYTES:
        problem = f"The context would hold {size} bytes encoded, the limit is {STATE_BYTES}."
        raise ValueTooLargeError(problem, "Delete keys that are no longer needed.")


def _bad_key(key: object, reason: str) -> ContextKeyError:
    shown = f"{key[:80]!a}" if isinstance(key, str) else f"of type {type(key).__qualname__}"
    problem = f"Key {shown} cannot be used: {reason}."
    return ContextKeyError(problem, f"A key is text of 1 to {KEY_BYTES} bytes.")

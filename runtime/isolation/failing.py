"""How a call of a module fails, and how its errors come from another process."""

import builtins
from collections.abc import Callable
from typing import Any, NamedTuple

from eventstore import EventStoreError
from eventstore.values import dumps, loads
from runtime import errors
from runtime.errors import CapabilityDeniedError, RPCError, RPCFrameError, RPCSerializationError
from runtime.supervision import Cause, Refusal

FindError = Callable[[str], type[BaseException] | None]
_PLACES = frozenset({"capability", "serialization", "unknown-method", "contract"})


class NotGranted(Exception):
    """A file or an address turned out to lie outside of what is granted."""


class Ending(NamedTuple):
    """How a process ended."""

    exit_code: int | None = None
    signal: str | None = None
    output: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """Say it."""
        if self.signal is not None:
            return f"was ended by {self.signal}"
        return f"ended with exit code {self.exit_code}"


class Failed(Exception):
    """An attempt failed.

    Args:
        cause: decides whether there may be another.
        error: what the caller gets if not.
        sent: whether the method may have run.
    """

    def __init__(self, cause: Cause, error: Exception, *, sent: bool = True) -> None:
        super().__init__(cause)
        self.cause = cause
        self.error = error
        self.sent = sent


def cause_of(error: Exception) -> Cause:
    """Say what an error that a method raised stands for."""
    if isinstance(error, CapabilityDeniedError):
        return "capability"
    if isinstance(error, RPCSerializationError | RPCFrameError):
        return "serialization"
    return "retryable" if getattr(error, "retryable", False) is True else "application"


def refusal_of(number: int, error: BaseException) -> Refusal:
    """Write an error down for the other process: its class by name, its arguments as data."""
    cause = cause_of(error) if isinstance(error, Exception) else "application"
    retryable = cause == "retryable"
    name = type(error).__name__
    return Refusal(number, name, _args_of(error), retryable, "application" if retryable else cause)


def _args_of(error: BaseException) -> bytes:
    made: Any = error.__reduce__()
    args = list(made[1]) if made[0] is type(error) else []
    try:
        return dumps(args)
    except EventStoreError:
        return b"[]"


def failed_by(refusal: Refusal, method: str, find: FindError) -> Failed:
    """Read an error that the other process wrote down."""
    cause: Cause = "application"
    if refusal.retryable:
        cause = "retryable"
    elif refusal.cause in _PLACES:
        cause = refusal.cause  # type: ignore[assignment] # one of them
    return Failed(cause, error_of(refusal, method, find))


def error_of(refusal: Refusal, method: str, find: FindError) -> Exception:
    """Make the error again: of its own class where the caller knows that, else `RPCError`."""
    known = find(refusal.error) or getattr(errors, refusal.error, None)
    known = known or getattr(builtins, refusal.error, None)
    if isinstance(known, type) and issubclass(known, Exception):
        try:
            return known(*loads(refusal.args))
        except Exception:  # noqa: BLE001 - a class of the user's, which may want anything
            return _foreign(refusal, method)
    return _foreign(refusal, method)


def _foreign(refusal: Refusal, method: str) -> RPCError:
    shown = refusal.error[:80]
    return RPCError(f"{method} raised {shown}.", "Look at the module's log.")

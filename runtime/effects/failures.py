"""Errors as the log keeps them, and back again (HW-4, EF-3).

Only type, code, places and our own sentences are kept: what a foreign error says may hold
anything, a card number too. Nothing is imported or unpickled to raise one again.
"""

import builtins
from collections.abc import Callable

from eventstore import EventStoreError
from runtime import errors
from runtime.effects.sites import Sites
from runtime.errors import RecordedError, TimescapeError
from runtime.facts import Failure
from runtime.messages import HttpError

FindError = Callable[[str], type[BaseException] | None]
"""Gives the class an error's name stands for; None if it is not known."""


def failure_of(error: BaseException, sites: Sites) -> Failure:
    """Return what the log keeps of *error*."""
    frames = sites.of_traceback(error.__traceback__)
    cause = error.__cause__
    if cause is not None and not frames:
        # A timeout is raised by us; where the code stood is in what cancelled it.
        frames = sites.of_traceback(cause.__traceback__)
    return Failure(
        error=type(error).__name__,
        code=_code(error),
        message=str(error) if isinstance(error, TimescapeError | EventStoreError) else None,
        frames=frames,
        status=error.status if isinstance(error, HttpError) else None,
    )


def _code(error: BaseException) -> str | None:
    if isinstance(error, HttpError):
        return error.problem_code
    if isinstance(error, TimescapeError | EventStoreError):
        return error.code
    return None


def error_of(failure: Failure, find: FindError) -> BaseException:
    """Return an error to raise for a recorded *failure*: of its own class where that is known."""
    known = find(failure.error) or _ours(failure.error)
    if known is None:
        text = failure.message or ""
        return RecordedError(f"An effect failed with {failure.error}. {text}".rstrip())
    try:
        return _made(known, failure)
    except TypeError:
        # Of several built-in bases only one can make it.
        return RecordedError(f"An effect failed with {failure.error}.")


def _made(known: type[BaseException], failure: Failure) -> BaseException:
    said = () if failure.message is None else (failure.message,)
    if issubclass(known, BaseExceptionGroup):
        # A group is never empty; of what was in it the log has nothing.
        return known("recorded", [RecordedError("An effect failed with several errors.")])
    # Not by its own `__new__` and `__init__`: they may want more than the log keeps.
    base = next(each for each in known.__mro__ if each.__module__ == "builtins")
    error: BaseException = base.__new__(known, *said)
    # Those of the operating system, TimeoutError too, take them where they are initialised.
    error.args = said
    if isinstance(error, TimescapeError):
        error.problem, error.remedy = failure.message or "", ""
    if isinstance(error, HttpError):
        error.status = failure.status or 500  # older records do not tell
        error.problem_code = failure.code or "handler-error"
        error.detail = "" if failure.message == error.problem_code else failure.message or ""
        error.headers = {}
    return error


def _ours(name: str) -> type[BaseException] | None:
    if name == HttpError.__name__:
        return HttpError
    found = getattr(errors, name, None) or getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None

"""How the conformance suite says what it expects. Plain Python: any test runner will do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from eventstore.errors import EventStoreError

F = TypeVar("F", bound=Callable[..., object])


def proves(*ids: str) -> Callable[[F], F]:
    """Name the requirements that a test holds; kept as its attribute `proves`."""

    def mark(test: F) -> F:
        test.proves = ids  # type: ignore[attr-defined]
        return test

    return mark


class Refusal:
    """What was refused, once it was."""

    error: EventStoreError


@contextmanager
def refused(code: str) -> Iterator[Refusal]:
    """Expect an error with *code*, a problem and a remedy."""
    refusal = Refusal()
    try:
        yield refusal
    except EventStoreError as error:
        refusal.error = error
        equal(error.code, code)
        true(error.problem and error.remedy, f"{code} comes without problem or remedy")
    else:
        fail(f"{code} was not raised")


def equal(actual: object, expected: object) -> None:
    """Expect two values to be equal."""
    if actual != expected:
        fail(f"{actual!r:.2000} is not {expected!r:.2000}")


def true(value: object, claim: str) -> None:
    """Expect *claim* to hold."""
    if not value:
        fail(claim)


def fail(claim: str) -> None:
    """Say what does not hold."""
    raise AssertionError(claim)

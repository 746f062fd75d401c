"""Plants a bug into a function while a test runs: one text of its source in place of another."""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import msgspec


class Bug(msgspec.Struct, frozen=True):
    """A mistake that somebody could make."""

    name: str
    function: Callable[..., Any]
    right: str
    """What stands in the function, once."""
    wrong: str
    """What stands there in its place."""


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Have *bug* in the program; whoever imported the function has it, too."""
    function = bug.function
    assert isinstance(function, FunctionType)
    before = function.__code__
    function.__code__ = _code_with(bug, function)
    try:
        yield
    finally:
        function.__code__ = before


def _code_with(bug: Bug, function: FunctionType) -> Any:
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(bug.right) == 1, f"{bug.right!r} is not in {function.__qualname__} once"
    source = source.replace(bug.right, bug.wrong)
    made: dict[str, Any] = {}
    # Annotations are not needed, and may name what is only known to the type checker.
    exec(f"from __future__ import annotations\n{source}", function.__globals__, made)  # noqa: S102
    return made[function.__name__].__code__

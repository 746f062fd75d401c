"""Notes problem codes that a version answers with and does not declare; they are sent all the same.

A version declares codes by `promise(problems=…)`. One that declares none promises none, and nothing
is noted of it. Only requests that fail come here.
"""

from collections.abc import Callable
from typing import Final

from runtime.lifecycle.handlers import HandlerVersion
from runtime.messages import HttpError
from runtime.problem_facts import ProblemUndeclared

_MOST: Final = 1_000
"""Codes may be made of what callers send: no more are remembered, and none beyond are told."""
_FOR_HANDLERS: Final = ("conflict", 409)
"""The code of the runtime's own that is there for handlers to raise."""

Tell = Callable[[ProblemUndeclared, str], None]


class Undeclared:
    """What was found in this process; each is told once."""

    __slots__ = ("_told", "tell")

    def __init__(self) -> None:
        self._told: set[tuple[str, str, int]] = set()
        self.tell: Tell | None = None
        """Told of a finding and the version it is of; None: nobody wants to know."""

    def note(self, version: HandlerVersion, error: HttpError, request: str) -> None:
        """Note that *version* answers *request* with *error*, if its manifest does not say so."""
        promises = version.promises
        if self.tell is None or promises is None or not promises.problems:
            return
        found = error.problem_code, error.status
        if found in promises.problems or found == _FOR_HANDLERS:
            return
        named = (version.version, *found)
        if named not in self._told and len(self._told) < _MOST:
            self._told.add(named)
            self.tell(ProblemUndeclared(*found, request), version.version)

"""What the debugger refuses. Codes `DG…`; each carries the CLI's exit name (CL-2)."""

from typing import ClassVar, Self


class DebuggerError(Exception):
    """Root of the tree: a problem and its remedy."""

    code: ClassVar[str] = "DG000"
    exit: ClassVar[str] = "bad-input"

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} {remedy}".rstrip())

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.problem, self.remedy)


class BadInputError(DebuggerError, ValueError):
    """An id, a moment, a filter or an option that cannot be read."""

    code = "DG101"


class NotFoundError(DebuggerError, LookupError):
    """No such request, moment, key or snapshot."""

    code = "DG102"
    exit = "not-found"


class CorruptError(DebuggerError):
    """The log does not verify."""

    code = "DG103"
    exit = "corrupt"


class UnavailableError(DebuggerError):
    """The store cannot be opened or read now."""

    code = "DG104"
    exit = "unavailable"


class WriteRefusedError(DebuggerError):
    """The store may not be written: read-only, or not unlocked."""

    code = "DG105"
    exit = "write-refused"

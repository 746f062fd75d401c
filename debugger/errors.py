"""What the debugger refuses. Codes `DG…`; each carries the CLI's exit name (CL-2)."""

from typing import ClassVar, Self

from eventstore.errors import sentence


class DebuggerError(Exception):
    """Root of the tree: a problem and its remedy."""

    code: ClassVar[str] = "DG000"
    exit: ClassVar[str] = "bad-input"

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = sentence(problem) if remedy else problem
        self.remedy = remedy
        super().__init__(f"{self.problem} {remedy}".rstrip())

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.problem, self.remedy)


class BadInputError(DebuggerError, ValueError):
    """An id, a moment, a filter or an option that cannot be read."""

    code = "DG101"


class FilterError(BadInputError):
    """A filter that cannot be read.

    Attributes:
        text: the filter, made printable.
        cells: how far from its start the fault stands, in cells of a terminal.
        expected: what was expected there.
    """

    code = "DG107"

    def __init__(self, text: str, cells: int, expected: str, remedy: str = "") -> None:
        self.text = text
        self.cells = cells
        self.expected = expected
        super().__init__(
            f"The filter cannot be read:\n  {text}\n  {' ' * cells}^ {expected}", remedy
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, int, str, str]]:  # type: ignore[override]
        return type(self), (self.text, self.cells, self.expected, self.remedy)


class NotFoundError(DebuggerError, LookupError):
    """No such request, moment, key or snapshot."""

    code = "DG102"
    exit = "not-found"


class NoSuchMomentError(NotFoundError, BadInputError):
    """A moment that can be read but is not in this request."""

    code = "DG106"
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


class GatesOffError(DebuggerError):
    """No process takes gates: the app is not served, or not with `--gates`."""

    code = "DG110"
    exit = "write-refused"


class AlreadyReleasedError(DebuggerError):
    """Somebody else was first to let a request go on.

    Attributes:
        by: who; `` if nobody did.
        how: resumed, failed, expired and so on.
    """

    code = "DG111"
    exit = "write-refused"

    def __init__(self, problem: str, by: str, how: str) -> None:
        self.by = by
        self.how = how
        super().__init__(problem, "`timescape gate paused` shows what is held now.")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:  # type: ignore[override]
        return type(self), (self.problem, self.by, self.how)


class NameTakenError(WriteRefusedError):
    """Another fork of the same request has this name.

    Attributes:
        name: what both should be called.
        holder: the fork that is called so, 32 hex digits.
    """

    code = "DG109"

    def __init__(self, name: str, holder: str) -> None:
        self.name = name
        self.holder = holder
        problem = f"The fork req-{holder} of the same request is called {name[:80]!r} already."
        super().__init__(problem, "Take another name, or give that fork another one first.")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.name, self.holder)


class RunEndedError(DebuggerError):
    """A request that was run again came to no end: it was cancelled, or its process died."""

    code = "DG108"
    exit = "partial"

    @classmethod
    def cancelled(cls) -> Self:
        """It was ended by whoever asked for it."""
        return cls("The run was cancelled.", "Nothing was written; r runs it again.")

    @classmethod
    def died(cls, status: int, said: str) -> Self:
        """Its process ended without an answer."""
        told = f": {said}" if said else "."
        return cls(
            f"The process that ran it ended with {status}{told}",
            "`timescape replay` with the same app shows all that it says.",
        )

"""What is wrong with a value, and what may be wrong with a stored type."""

import msgspec


class Issue(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One fault of a value: where and what, never the value itself."""

    path: str
    """RFC 6901 pointer; `` is the root."""
    code: str
    expected: str
    actual: str
    message: str


class ValidationFailed(ValueError):
    """A value does not conform.

    Args:
        issues: all that is wrong, in the order of the type.
        truncated: more was left unlooked at.
    """

    def __init__(self, issues: tuple[Issue, ...], *, truncated: bool = False) -> None:
        self.issues = issues
        self.truncated = truncated
        told = [each.message for each in issues]
        super().__init__("\n".join([*told, "… and more"] if truncated else told))


class StoredTypeError(ValueError):
    """A type that this package was made with cannot be used: it was altered, or is of another."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} {remedy}".rstrip())


class ConstraintError(StoredTypeError):
    """A constraint that contradicts itself."""


class UnsupportedGTypeVersionError(StoredTypeError):
    """It was written by a newer Timescape."""


class PatternSyntaxError(StoredTypeError):
    """A pattern that the pattern engine does not take."""

    def __init__(self, pattern: str, fault: str, remedy: str = "") -> None:
        super().__init__(f"Pattern {pattern[:80]!r} cannot be used: {fault}.", remedy)

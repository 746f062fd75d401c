"""The phases of a request and the legal steps between them (LC-10)."""

from collections.abc import Mapping

from runtime.errors import IllegalPhaseError

RECEIVED = "received"
AUTHENTICATED = "authenticated"
AUTHORIZED = "authorized"
VALIDATED = "validated"
PROCESSING = "processing"
COMPLETED = "completed"
FAILING = "failing"
FAILED = "failed"
ABORTED = "aborted"

NEXT: Mapping[str, frozenset[str]] = {
    "": frozenset({RECEIVED}),
    RECEIVED: frozenset({AUTHENTICATED, FAILING, ABORTED}),
    AUTHENTICATED: frozenset({AUTHORIZED, FAILING, ABORTED}),
    AUTHORIZED: frozenset({VALIDATED, FAILING, ABORTED}),
    VALIDATED: frozenset({PROCESSING, FAILING, ABORTED}),
    PROCESSING: frozenset({COMPLETED, FAILING, ABORTED}),
    FAILING: frozenset({FAILED, ABORTED}),
    COMPLETED: frozenset(),
    FAILED: frozenset(),
    ABORTED: frozenset(),
}
"""From each phase where it may go; `` is before the first fact."""


def is_final(phase: str) -> bool:
    """Say whether nothing follows *phase*."""
    return not NEXT[phase]


def check_step(phase: str, new: str) -> None:
    """Refuse a step that the table does not hold.

    Raises:
        IllegalPhaseError: names both phases and the legal ones.
    """
    legal = NEXT[phase]
    if new not in legal:
        names = ", ".join(sorted(legal)) or "none"
        problem = f"A request cannot go from phase {phase!r} to {new!r}; legal: {names}."
        raise IllegalPhaseError(problem, "Only the controller moves the phase.")

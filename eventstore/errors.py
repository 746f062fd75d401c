"""What the event store refuses, and how each refusal is put right.

Nearly all are one class with a stable code: a caller that must tell refusals apart
compares `code`, everybody else catches `EventStoreError`. The codes and remedies are
part of the documented interface (`docs/errors.md`).
"""

from typing import Any


class EventStoreError(Exception):
    """The store refused or failed.

    Attributes:
        code: stable, lower case with dashes, such as `wrong-revision`.
        problem: what is wrong, with the value and the limit or rule.
        remedy: what to do next.
        fields: the values of the problem by name, for programs.
    """

    def __init__(self, code: str, problem: str, remedy: str, fields: dict[str, object]) -> None:
        self.code = code
        self.problem = sentence(problem)
        self.remedy = remedy
        self.fields = fields
        super().__init__(f"{self.problem} {remedy} [{code}]")

    def __reduce__(self) -> tuple[Any, Any]:
        # Unpickling calls cls(*args), and args holds the one sentence above.
        return type(self), (self.code, self.problem, self.remedy, self.fields)


class FrozenValueError(EventStoreError, AttributeError, TypeError):
    """An attempt to change a recorded value in place, past the log."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        super().__init__("frozen-value", f"{what} cannot be changed in place.", remedy, {})

    def __reduce__(self) -> tuple[Any, Any]:
        return type(self), (self.what, self.remedy)


def sentence(text: str) -> str:
    """Return *text* ended as a sentence, so that another one may follow on its line.

    A problem often ends with what somebody else says of it, with or without a full stop. Of
    several lines the last may point at something: they stay as they are.
    """
    if not text or "\n" in text:
        return text
    if text.endswith("..") and not text.endswith("..."):
        return text[:-1]
    return text if text.endswith((".", "!", "?", ":", "…")) else f"{text}."

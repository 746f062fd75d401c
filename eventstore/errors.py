"""What the event store refuses, and how each refusal is put right.

One class with a stable code: a caller that must tell refusals apart compares
`code`, everybody else catches `EventStoreError`. The codes and remedies are
part of the documented interface (`docs/errors.md`).
"""

from typing import Self


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
        self.problem = problem
        self.remedy = remedy
        self.fields = fields
        super().__init__(f"{problem} {remedy} [{code}]")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str, dict[str, object]]]:
        # Unpickling calls cls(*args), and args holds the one sentence above.
        return type(self), (self.code, self.problem, self.remedy, self.fields)

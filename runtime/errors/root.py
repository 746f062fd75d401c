"""The root of all that the runtime refuses."""

from typing import ClassVar, Self

from eventstore.errors import sentence


class TimescapeError(Exception):
    """Root of the tree: a problem and its remedy."""

    code: ClassVar[str] = "RT000"

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = sentence(problem) if remedy else problem
        self.remedy = remedy
        super().__init__(f"{self.problem} {remedy}".rstrip())

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.problem, self.remedy)

"""The vocabulary, continued: what versions answer that they do not declare.

They stand in control streams. Resolving does not see them (TS-4). See `runtime.facts` for what
holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact


class ProblemUndeclared(Fact, frozen=True, gc=False):
    """A version answered with a problem code that its manifest does not name. Key: the version id.

    Told once by each process, for each code and status of a version that names some.
    """

    type: ClassVar[str] = "problem.undeclared"

    code: str
    """That was sent all the same."""
    status: int
    request: str = ""
    """The first that got it."""


PROBLEM_FACTS: tuple[type[Fact], ...] = (ProblemUndeclared,)
"""All of them."""

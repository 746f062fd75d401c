"""Numbers that stand for names in rows, and how a new name gets one."""

from collections.abc import Callable


class Numbers:
    """Names with their numbers; a new name gets one when it is asked for.

    Args:
        new: gives a new name its number.
    """

    __slots__ = ("_new", "known")

    def __init__(self, new: Callable[[str], int]) -> None:
        self._new = new
        self.known: dict[str, int] = {}
        """Those that have one."""

    def __getitem__(self, name: str) -> int:
        number = self.known.get(name)
        if number is None:
            number = self.known[name] = self._new(name)
        return number

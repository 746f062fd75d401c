"""How much a context holds, measured as it is stored (LC-8)."""

from collections.abc import Mapping

from eventstore.values import shown_bytes
from runtime.context import check_state_size, check_value_size
from runtime.facts import Json

SMALL = 65_536
"""In bytes: far from every limit."""


class Holdings:
    """Sizes of the values of one context, in bytes."""

    __slots__ = ("_sizes", "_total")

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._total = 0

    def check(self, key: str, tree: Json) -> int:
        """Return the size of *tree*, if *key* may hold it.

        Raises:
            ValueTooLargeError: it, or all together, would be too large.
        """
        size = len(shown_bytes(tree))
        total = self._total - self._sizes.get(key, 0) + size
        if size > SMALL or total > SMALL:
            check_value_size(key, size)
            check_state_size(total)
        return size

    def put(self, key: str, size: int) -> None:
        """Count *key* with *size*."""
        self._total += size - self._sizes.get(key, 0)
        self._sizes[key] = size

    def drop(self, key: str) -> None:
        """Count *key* no more."""
        self._total -= self._sizes.pop(key, 0)

    def replace(self, values: Mapping[str, Json]) -> None:
        """Count *values* and nothing else."""
        self._sizes = {key: len(shown_bytes(tree)) for key, tree in values.items()}
        self._total = sum(self._sizes.values())

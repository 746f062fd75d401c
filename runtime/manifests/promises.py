"""What a handler promises besides types: problem codes, headers, the status of success, pages."""

import msgspec


class Promises(msgspec.Struct, frozen=True, omit_defaults=True):
    """Made by `runtime.promise`, which refuses what cannot be."""

    status: int | None = None
    """Of success, where the handler does not set another."""
    problems: tuple[tuple[str, int], ...] = ()
    """Codes that callers may decide by, and the status of each; sorted."""
    needs: tuple[str, ...] = ()
    """Headers without which a request is refused; lower-case, sorted, as the others."""
    reads: tuple[str, ...] = ()
    """Headers that make a difference where they are sent."""
    gives: tuple[str, ...] = ()
    """Headers of every answer of success."""
    may_give: tuple[str, ...] = ()
    """Headers of some."""
    page_size: int | None = None
    """How many items an answer has at most; None: all there are."""
    order: str = ""
    """Of the items, where the caller does not ask for one; in words."""


NONE = Promises()
"""Of a handler that promises nothing."""

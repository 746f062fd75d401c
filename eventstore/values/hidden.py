"""Marks on values that may not be recorded as they are; drafting an append takes them off.

Until then they stand in a tree as leaves: who runs now sees the values. No encoder that
writes rows knows these classes, so what nobody hides is refused and never stored in clear.
"""

from typing import Any


class Hidden:
    """A value that must not be in the log as it is; only its subclasses occur.

    Args:
        tree: the value, encoded.
    """

    __slots__ = ("tree",)

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.tree == getattr(other, "tree", None)

    __hash__ = None  # type: ignore[assignment]


class ToDrop(Hidden):
    """Only that there was a value is kept."""

    __slots__ = ()


class ToHash(Hidden):
    """A keyed hash is kept: equal values can be told, none be read."""

    __slots__ = ()


class ToSeal(Hidden):
    """The value is kept encrypted, to be forgotten when *subject* is erased.

    Args:
        subject: whose it is: what one asks to be erased by.
        tree: the value, encoded.
    """

    __slots__ = ("subject",)

    def __init__(self, subject: str, tree: Any) -> None:
        super().__init__(tree)
        self.subject = subject

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.subject == getattr(other, "subject", None)

    __hash__ = None


class NotHiddenError(Exception):
    """An encoder met a value that has to be hidden first."""


def refuse(value: object) -> object:
    """Refuse what JSON has no form for; `enc_hook` of the encoders that write rows.

    Raises:
        NotHiddenError: *value* has to be hidden first.
        TypeError: it is nothing of ours.
    """
    if isinstance(value, Hidden):
        raise NotHiddenError
    raise _unsupported(value)


def show(value: object) -> object:
    """Give the value that is to be hidden; `enc_hook` of encoders whose text is not kept.

    Raises:
        TypeError: it is nothing of ours.
    """
    if isinstance(value, Hidden):
        return value.tree
    raise _unsupported(value)


def _unsupported(value: object) -> TypeError:
    # In the words of msgspec, which leaves it to the hook to say so.
    return TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")

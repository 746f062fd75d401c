"""Marks on values that may not be recorded as they are; drafting an append takes them off.

No encoder knows these classes, so what nobody hides is refused and never written in clear.
"""

from typing import TypeAlias

from eventstore.values.tree import Tree


class ToSeal:
    """A value to be encrypted under the key of *subject*.

    Args:
        subject: whose it is: what one asks to be erased by.
        tree: the value, encoded.
    """

    __slots__ = ("subject", "tree")

    def __init__(self, subject: str, tree: Tree) -> None:
        self.subject = subject
        self.tree = tree


class ToHash:
    """A value of which only a keyed hash is kept: equal values can be told, none be read."""

    __slots__ = ("tree",)

    def __init__(self, tree: Tree) -> None:
        self.tree = tree


Hidden: TypeAlias = ToSeal | ToHash


class NotHiddenError(Exception):
    """An encoder met a value that has to be hidden first."""


def refuse(value: object) -> object:
    """Refuse what JSON has no form for; `enc_hook` of the encoders that write rows.

    Raises:
        NotHiddenError: *value* has to be hidden first.
        NotImplementedError: it is nothing of ours.
    """
    if isinstance(value, Hidden):
        raise NotHiddenError
    raise NotImplementedError

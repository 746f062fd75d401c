"""The marks of values that may not be recorded as they are (GT-19).

They are msgspec `Meta`, because msgspec then carries them through generics, inheritance,
dataclasses and forward references to where we read them.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec
from msgspec import inspect as mi

from eventstore.values import Hidden, ToDrop, ToHash, ToSeal, Tree
from runtime.errors import ConstraintError

_KEY: Final = "timescape."


class Mark(msgspec.Struct, frozen=True):
    """What becomes of a value in the record."""

    how: Literal["seal", "hash", "drop"]
    subject: str | None = None
    """seal: the field beside it that says whose it is."""

    @property
    def strictness(self) -> int:
        """How little it leaves."""
        return _STRICTNESS[self.how]

    def hidden(self, tree: Tree, subject: object) -> Hidden:
        """Return *tree* to be hidden.

        Args:
            tree: the value, encoded.
            subject: the encoded value of the field that says whose it is. Where that is
                nobody the value is dropped: rather too much is left out than too little.
        """
        if self.how == "hash":
            return ToHash(tree)
        whose = subject_text(subject)
        if self.how == "drop" or whose is None:
            return ToDrop(tree)
        return ToSeal(whose, tree)


def _meta(mark: Mark) -> msgspec.Meta:
    # A key for each way: msgspec merges what several marks of one type say.
    return msgspec.Meta(extra={_KEY + mark.how: mark})


Sensitive: Final = _meta(Mark("drop"))
"""`Annotated[str, Sensitive]`: the value is never recorded, only that there was one."""


def sensitive(*, hash: bool = False, subject: str | None = None) -> msgspec.Meta:  # noqa: A002 - as users say it
    """Mark a value as one that may not be recorded as it is.

    For example `Annotated[str, sensitive(subject="customer")]`.

    A marked value is hidden with all that is in it. Hashes and keys need a keyring.

    Args:
        hash: keep a keyed hash: equal values can be told, none be read.
        subject: keep the value encrypted, to be forgotten when the person is erased. It
            names the field of the same object (of a method: the parameter) that says whose
            the value is: text, a number or a UUID.

    Returns:
        With neither what `Sensitive` is: only that there was a value is kept.

    Raises:
        ConstraintError: both.
    """
    if hash and subject is not None:
        msg = f"A value is to be hashed and sealed for {subject!r}."
        raise ConstraintError(msg, "Choose one of both.")
    if hash:
        return _meta(Mark("hash"))
    return Sensitive if subject is None else _meta(Mark("seal", subject))


REDACTED: Final[dict[str, bool]] = {"$redacted": True}
"""What stands in the record instead of a dropped value. Nobody changes it."""


def mark_in(metadata: Iterable[object]) -> Mark | None:
    """Return the mark among the metadata of an `Annotated`."""
    extras = [meta.extra for meta in metadata if isinstance(meta, msgspec.Meta)]
    return strictest(mark for extra in extras for mark in _marks(extra))


def mark_of(info: mi.Type) -> Mark | None:
    """Return the mark of a type itself; of several the strictest."""
    found: list[Mark] = []
    while isinstance(info, mi.Metadata):
        found += _marks(info.extra)
        info = info.type
    return strictest(found)


def _marks(extra: Mapping[str, object] | None) -> list[Mark]:
    return [value for value in (extra or {}).values() if isinstance(value, Mark)]


def strictest(marks: Iterable[Mark]) -> Mark | None:
    """Return the mark of several that leaves least; None: there is none."""
    return max(marks, key=lambda mark: mark.strictness, default=None)


def subject_text(value: object) -> str | None:
    """Return whose something is, given the value of the field that says so; None: nobody's."""
    if isinstance(value, Hidden):
        return subject_text(value.tree)
    if isinstance(value, dict) and value.keys() == {"$uuid"}:
        value = value["$uuid"]
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def can_be_subject(info: mi.Type) -> bool:
    """Say whether values of a type can say whose something is."""
    while isinstance(info, mi.Metadata):
        info = info.type
    if isinstance(info, mi.UnionType):
        return all(can_be_subject(member) for member in info.types)
    if isinstance(info, mi.LiteralType):
        return True
    return isinstance(info, mi.StrType | mi.IntType | mi.UUIDType | mi.NoneType | mi.AnyType)


_STRICTNESS: Final = {"seal": 1, "hash": 2, "drop": 3}

"""What users write into `Annotated` beyond `msgspec.Meta` (GT-13, GT-14).

Each is a `Meta` whose `extra` holds our mark, because msgspec then carries it through
generics, inheritance, dataclasses and forward references to where we read it. Of two marks
of one kind the outermost counts.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

BRAND: Final = "timescape.brand"
PATTERN: Final = "timescape.pattern"
FORM: Final = "timescape.form"
UNIQUE: Final = "timescape.unique"
CHECK: Final = "timescape.check:"
"""Begins the mark of a check; its code follows."""


class CodeCheck(msgspec.Struct, frozen=True):
    """A check in code, as it was written into `Annotated`."""

    fn: Callable[[Any], object]
    code: str
    message: str


def Pattern(regex: str) -> msgspec.Meta:  # noqa: N802 - reads as a type does
    """Make a mark for text: the whole of it must match *regex*.

    Write `Annotated[str, Pattern(r"[A-Z]{3}-[0-9]{4}")]`. It is run by RE2, in time linear to
    the text, and may hold what RE2 and ECMA-262 share.
    """
    return msgspec.Meta(extra={PATTERN: regex})


def Brand(name: str) -> msgspec.Meta:  # noqa: N802
    """Make a type of its own, though its values look like others.

    Write `Annotated[int, Brand("OrderId")]`; `NewType("OrderId", int)` names it likewise, and type
    checkers then tell the two apart, too.
    """
    return msgspec.Meta(extra={BRAND: name})


def Check(fn: Callable[[Any], object], code: str, message: str) -> msgspec.Meta:  # noqa: N802
    """Make a mark for what only code can say.

    Write `Annotated[int, Check(is_prime, "prime", "a prime number")]`.

    Args:
        fn: sync and pure; given a value that fits otherwise, says whether it will do. Where
            it raises, the value will not do, and the issue's code is `check`.
        code: of the issue.
        message: what is expected, for people.
    """
    return msgspec.Meta(extra={f"{CHECK}{code}": CodeCheck(fn, code, message)})


UniqueItems: Final = msgspec.Meta(extra={UNIQUE: True})
"""`Annotated[list[str], UniqueItems]`: no two items are equal."""
Positive: Final = msgspec.Meta(gt=0)
"""Above 0."""
Negative: Final = msgspec.Meta(lt=0)
"""Below 0."""
Email: Final = msgspec.Meta(extra={FORM: "email"})
"""An address: one `@`, at most 64 characters before it, a dotted domain, 254 in all."""
Url: Final = msgspec.Meta(extra={FORM: "url"})
"""Absolute, http or https, with a host, without user information, at most 2 048 characters."""

"""Differences between kinds that hold no others: names of rules, without places."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TypeAlias

from runtime.gtype import kinds
from runtime.gtype.kinds import Any_
from runtime.gtype.passes import Passes
from runtime.gtype.plan import find

Numeric: TypeAlias = kinds.Int | kinds.Float
Enumerated: TypeAlias = kinds.Literal | kinds.Enum
NUMBERS = (kinds.Int, kinds.Float, kinds.Decimal)


def compare_leaves(old: Any_, new: Any_) -> Iterator[str]:
    """Name the rules by which two parts without children differ."""
    match old, new:
        case ((kinds.Literal() | kinds.Enum()), (kinds.Literal() | kinds.Enum())):
            yield from _values(old, new)
        case ((kinds.Literal() | kinds.Enum()), _):
            yield _enumerated(old, new, "enum-to-open")
        case _, (kinds.Literal() | kinds.Enum()):
            yield _enumerated(new, old, "open-to-enum")
        case ((kinds.Int() | kinds.Float()), (kinds.Int() | kinds.Float())):
            if type(old) is not type(new):
                yield "int-to-float" if isinstance(old, kinds.Int) else "float-to-int"
            yield from _bounds(old, new)
        case _ if type(old) is type(new):
            yield from _alike(old, new)
        case _ if isinstance(old, NUMBERS) and isinstance(new, NUMBERS):
            yield "number-as-text"
        case _ if isinstance(old, kinds.TEXTUAL) and isinstance(new, kinds.TEXTUAL):
            yield _formats(old, new)
        case _:
            yield "kind"


def _alike(old: Any_, new: Any_) -> Iterator[str]:
    match old, new:
        case kinds.Text(), kinds.Text():
            yield from lengths(old, new)
            yield from _patterns(old.pattern, new.pattern)
            yield from _forms(old.form, new.form)
        case kinds.Bytes(), kinds.Bytes():
            yield from lengths(old, new)
        case kinds.DateTime(), kinds.DateTime():
            if old.naive != new.naive:
                yield "zone"
        case kinds.Time(), kinds.Time():
            if old.aware != new.aware:
                yield "zone"
        case _:
            return


# --- bounds ---


def lengths(old: Any, new: Any) -> Iterator[str]:
    """Name how the least and greatest length differ."""
    yield from _moved(old.min_length or 0, new.min_length or 0)
    high_old = old.max_length if old.max_length is not None else float("inf")
    high_new = new.max_length if new.max_length is not None else float("inf")
    yield from _moved(-high_old, -high_new)


def _moved(old: Any, new: Any) -> Iterator[str]:
    """Name how a lower bound moved; an upper one is given negated."""
    if new > old:
        yield "tightened"
    elif new < old:
        yield "loosened"


def _bounds(old: Numeric, new: Numeric) -> Iterator[str]:
    yield from _moved(_low(old), _low(new))
    yield from _moved(_high(old), _high(new))
    step_old = getattr(old, "multiple_of", None) or 0
    step_new = getattr(new, "multiple_of", None) or 0
    if step_old == step_new:
        return
    if step_old == 0 or (step_new and step_new % step_old == 0):
        yield "tightened"
    elif step_new == 0 or step_old % step_new == 0:
        yield "loosened"
    else:
        yield "bound-replaced"


Edge: TypeAlias = tuple[Fraction | float, bool]
"""A bound, and whether it is left out itself."""


def _low(part: Numeric) -> Edge:
    whole = isinstance(part, kinds.Int)
    edges: list[Edge] = [(float("-inf"), False)]
    if part.gt is not None:
        edges.append((Fraction(part.gt) + 1, False) if whole else (Fraction(part.gt), True))
    if part.ge is not None:
        edges.append((Fraction(part.ge), False))
    return max(edges)


def _high(part: Numeric) -> Edge:
    """Give the upper bound negated, so that it compares as a lower one."""
    whole = isinstance(part, kinds.Int)
    edges: list[Edge] = [(float("-inf"), False)]
    if part.lt is not None:
        edges.append((-Fraction(part.lt) + 1, False) if whole else (-Fraction(part.lt), True))
    if part.le is not None:
        edges.append((-Fraction(part.le), False))
    return max(edges)


# --- text ---


def _patterns(old: str | None, new: str | None) -> Iterator[str]:
    if old == new:
        return
    if old is None:
        yield "pattern-added"
    else:
        # Whether one language contains another is not decided here: that is dear, and rare.
        yield "pattern-removed" if new is None else "bound-replaced"


def _forms(old: str | None, new: str | None) -> Iterator[str]:
    if old == new:
        return
    if old is None:
        yield "format-narrowed"
    else:
        yield "format-widened" if new is None else "format-replaced"


def _formats(old: Any_, new: Any_) -> str:
    """Name a change of format; free text contains all of them, other text perhaps not."""
    if isinstance(old, kinds.Text) and _is_free(old):
        return "format-narrowed"
    if isinstance(new, kinds.Text) and _is_free(new):
        return "format-widened"
    return "format-replaced"


def _is_free(part: kinds.Text) -> bool:
    limited = part.min_length or part.max_length is not None
    return not (limited or part.pattern or part.form or part.rules)


# --- certain values ---


def _values(old: Enumerated, new: Enumerated) -> Iterator[str]:
    # Text and number are told apart by their type: "1" is not 1.
    before = {(type(value), value) for value in old.values}
    after = {(type(value), value) for value in new.values}
    added, removed = after - before, before - after
    if added and len(added) == len(removed):
        yield "value-renamed"
        return
    if added:
        yield "value-added"
    if removed:
        yield "value-removed"


def _enumerated(certain: Enumerated, other: Any_, name: str) -> str:
    """Name the change between certain values and a part; all of them may fit it, or none."""
    node = Passes((), {}).node(other)
    fitting = [value for value in certain.values if not find(node, value).issues]
    if len(fitting) == len(certain.values):
        return name
    return "bound-replaced" if fitting else "kind"

"""A value that conforms to a type, for examples in documents; the same every time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runtime.gtype import kinds
from runtime.gtype.check import PlainChecker
from runtime.gtype.kinds import Any_, Object
from runtime.gtype.schema import GType
from runtime.gtype.stored import Stored

_DEEPEST = 8


class _NoSample(Exception):
    """A place takes only what cannot be guessed."""


def sample(stored: Stored) -> tuple[Any] | None:
    """Give a conforming value as plain JSON data, in a tuple; None: none is easily found.

    What a type documents as an example is taken where it conforms.
    """
    made = GType(stored.root, stored.objects)
    if made.unchecked:
        return None
    try:
        value = _Sampler(stored.objects).part(stored.root, 0)
    except _NoSample:
        return None
    return (value,) if not PlainChecker(made).issues(value).issues else None


class _Sampler:
    def __init__(self, objects: Sequence[Object]) -> None:
        self._objects = objects

    def part(self, part: Any_, depth: int) -> Any:  # noqa: PLR0911 - one a kind
        if depth > _DEEPEST:
            raise _NoSample
        if part.doc.get("examples"):
            return part.doc["examples"][0]
        match part:
            case kinds.Ref():
                return self._object(self._objects[part.to], depth + 1)
            case kinds.Array():
                count = part.min_length or 0
                item = [self.part(part.item, depth + 1)] if count else []
                return item * count
            case kinds.Tuple():
                return [self.part(each, depth + 1) for each in part.items]
            case kinds.Map():
                return {} if not part.min_length else _refuse()
            case kinds.Union():
                return self._either(part, depth)
            case _:
                return _LEAVES[type(part)](part)

    def _either(self, part: kinds.Union, depth: int) -> Any:
        """Take the first member that has a sample; null last: it shows least."""
        for member in sorted(part.members, key=lambda each: isinstance(each, kinds.Null)):
            try:
                return self.part(member, depth + 1)
            except _NoSample:
                continue
        return _refuse()

    def _object(self, each: Object, depth: int) -> Any:
        fields = [field for field in each.fields if field.required or each.as_array]
        values = [self.part(field.type, depth) for field in fields]
        if each.as_array:
            return [*([] if each.tag is None else [each.tag]), *values]
        tag = {} if each.tag_field is None else {each.tag_field: each.tag}
        return {**tag, **dict(zip([f.name for f in fields], values, strict=True))}


def _refuse() -> Any:
    raise _NoSample


def _int(part: kinds.Int) -> int:
    low = part.ge if part.gt is None else part.gt + 1
    high = part.le if part.lt is None else part.lt - 1
    step = part.multiple_of or 1
    if low is None:
        return 0 if high is None or high >= 0 else high // step * step
    return -(-max(low, 0 if high is None or high >= 0 else low) // step) * step


def _float(part: kinds.Float) -> float:
    low = part.ge if part.gt is None else part.gt
    high = part.le if part.lt is None else part.lt
    if low is None or high is None:
        return 1.5 if low is None and high is None else (high - 1 if low is None else low + 1)  # type: ignore[operator]
    return (low + high) / 2


def _text(part: kinds.Text) -> str:
    if part.pattern is not None:
        return str(_refuse())
    if part.form is not None:
        return {"email": "ann@example.org", "url": "https://example.org/"}[part.form]
    word = "text" if part.max_length is None else "text"[: part.max_length]
    return word.ljust(part.min_length or 0, "x")


def _bytes(part: kinds.Bytes) -> str:
    return "" if not part.min_length else str(_refuse())


_LEAVES: Mapping[type, Callable[[Any], Any]] = {
    kinds.Anything: lambda _part: {},
    kinds.Null: lambda _part: None,
    kinds.Bool: lambda _part: True,
    kinds.Int: _int,
    kinds.Float: _float,
    kinds.Decimal: lambda _part: "12.50",
    kinds.Text: _text,
    kinds.Bytes: _bytes,
    kinds.DateTime: lambda part: "2026-10-01T12:00:00" + ("" if part.naive else "Z"),
    kinds.Date: lambda _part: "2026-10-01",
    kinds.Time: lambda part: "12:00:00" + ("Z" if part.aware else ""),
    kinds.Duration: lambda _part: "PT1H",
    kinds.Uuid: lambda _part: "01890a5d-ac96-774b-bcce-b302099a8057",
    kinds.Literal: lambda part: part.values[0],
    kinds.Enum: lambda part: part.values[0],
}

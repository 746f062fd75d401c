"""Says whether every value of one type is a value of another, and where not.

It is careful: where it cannot tell, such as between two patterns, it says no. So what it lets
pass works; what it names may still work.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Field, Object
from runtime.gtype.passes import Passes
from runtime.gtype.plan import find
from runtime.gtype.schema import GType

Side: TypeAlias = Literal["request", "response"]


def misfits(narrow: GType, wide: GType, side: Side) -> tuple[str, ...]:
    """List where values of *narrow* may not be values of *wide*; empty: all are.

    Args:
        narrow: what is sent.
        wide: what is taken.
        side: `request`: fields with a default may be left out; `response`: they are there.

    Returns:
        A sentence each, beginning with the place.
    """
    comparing = _Comparing(narrow, wide, side)
    comparing.compare(narrow.root, wide.root, "")
    return tuple(dict.fromkeys(comparing.found))


class _Comparing:
    def __init__(
        self,
        narrow: GType,
        wide: GType,
        side: Side,
        assumed: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self.narrow = narrow
        self.wide = wide
        self.side = side
        self.found: list[str] = []
        self._passes = Passes(wide.objects)
        self._assumed = set(assumed)
        """Pairs of objects being compared, or compared: they fit if nothing was found."""

    def compare(self, a: Any_, b: Any_, at: str) -> None:
        """Note where values of *a* may not be values of *b*."""
        if isinstance(b, kinds.Anything):
            return
        if set(b.rules) - set(a.rules):
            self.say(at, "a check was added")
        if isinstance(a, kinds.Union):
            for member in a.members:
                self.compare(member, b, at)
        elif isinstance(a, kinds.Literal | kinds.Enum):
            self._values(a, b, at)
        elif isinstance(b, kinds.Union):
            self._among(a, b, at)
        elif isinstance(a, kinds.Ref) and isinstance(b, kinds.Ref):
            self._objects(a.to, b.to, at)
        elif type(a) is type(b):
            _ALIKE.get(type(a), _always)(self, a, b, at)
        elif not self._number_in_number(a, b, at):
            self.say(at, f"{_word(a)} is not {_word(b)}")

    def say(self, at: str, what: str) -> None:
        self.found.append(f"{at or '(root)'}: {what}")

    def _values(self, a: Any, b: Any_, at: str) -> None:
        node = self._passes.node(b)
        lost = [value for value in a.values if find(node, value).issues]
        if lost:
            self.say(at, f"{', '.join(map(repr, lost))} is no longer known")

    def _among(self, a: Any_, b: kinds.Union, at: str) -> None:
        """Compare with the member that decides on values of *a*; failing that with each."""
        tried: list[list[str]] = []
        for member in b.members:
            inner = _Comparing(self.narrow, self.wide, self.side, frozenset(self._assumed))
            inner.compare(a, member, at)
            if not inner.found:
                return
            tried.append(inner.found)
        self.found += sorted(tried, key=len)[0]

    def _number_in_number(self, a: Any_, b: Any_, at: str) -> bool:
        if isinstance(a, kinds.Int) and isinstance(b, kinds.Float):
            self.bounds(a, b, at)
            return True
        return isinstance(a, kinds.Int | kinds.Float) and isinstance(b, kinds.Decimal)

    def bounds(self, a: Any, b: Any, at: str) -> None:
        """Compare bounds of numbers."""
        low, high = _low(a), _high(a)
        below = b.gt is not None and (low is None or low[0] < b.gt or low == (b.gt, False))
        below = below or (b.ge is not None and (low is None or low[0] < b.ge))
        above = b.lt is not None and (high is None or high[0] > b.lt or high == (b.lt, False))
        above = above or (b.le is not None and (high is None or high[0] > b.le))
        step = getattr(b, "multiple_of", None)
        if below or above:
            self.say(at, "its bounds are narrower")
        if step is not None and (getattr(a, "multiple_of", None) or 1) % step:
            self.say(at, f"it has to be a multiple of {step}")

    def sizes(self, a: Any, b: Any, at: str) -> None:
        """Compare lengths."""
        short = (b.min_length or 0) > (a.min_length or 0)
        long = b.max_length is not None and (a.max_length is None or a.max_length > b.max_length)
        if short or long:
            self.say(at, "its length is bounded more narrowly")

    def _objects(self, one: int, other: int, at: str) -> None:
        if (one, other) in self._assumed:
            return
        self._assumed.add((one, other))
        a, b = self.narrow.objects[one], self.wide.objects[other]
        if (a.tag, a.tag_field, a.as_array) != (b.tag, b.tag_field, b.as_array):
            self.say(at, "its tag or form is another")
        elif a.as_array:
            self._placed(a, b, at)
        else:
            self._named(a, b, at)

    def _named(self, a: Object, b: Object, at: str) -> None:
        mine = {field.name: field for field in a.fields}
        for field in b.fields:
            sent = mine.get(field.name)
            where = f"{at}/{field.name}"
            if sent is not None:
                self.compare(sent.type, field.type, where)
            if self.needed(b, field) and (sent is None or not self.sure(a, sent)):
                self.say(where, "it has to be there")
        if b.closed:
            more = [name for name in mine if name not in {field.name for field in b.fields}]
            for name in more:
                self.say(f"{at}/{name}", "it is no longer known")
            if not a.closed:
                self.say(at, "unknown fields are refused")

    def _placed(self, a: Object, b: Object, at: str) -> None:
        for n, (sent, field) in enumerate(zip(a.fields, b.fields, strict=False)):
            self.compare(sent.type, field.type, f"{at}/{n}")
        needed = sum(self.needed(b, field) for field in b.fields)
        sure = sum(self.sure(a, field) for field in a.fields)
        if needed > sure or (b.closed and len(a.fields) > len(b.fields)):
            self.say(at, "it has another length")

    def needed(self, b: Object, field: Field) -> bool:
        """Say whether who takes *b* relies on *field*."""
        return self.sure(b, field) if self.side == "response" else field.required

    def sure(self, a: Object, field: Field) -> bool:
        """Say whether *field* is always sent."""
        if field.required:
            return True
        known = field.made or field.default is not kinds.UNSET
        return self.side == "response" and known and not a.omit_defaults


def _low(a: Any) -> tuple[float, bool] | None:
    """Give the lowest bound, and whether it is itself left out."""
    found = [(bound, bound is a.gt) for bound in (a.ge, a.gt) if bound is not None]
    return max(found, default=None)


def _high(a: Any) -> tuple[float, bool] | None:
    found = [(bound, bound is a.lt) for bound in (a.le, a.lt) if bound is not None]
    return min(found, key=lambda each: (each[0], not each[1]), default=None)


def _text(c: _Comparing, a: kinds.Text, b: kinds.Text, at: str) -> None:
    c.sizes(a, b, at)
    if b.pattern is not None and a.pattern != b.pattern:
        c.say(at, "its pattern is another")
    if b.form is not None and a.form != b.form:
        c.say(at, f"it has to be an {b.form}")


def _array(c: _Comparing, a: kinds.Array, b: kinds.Array, at: str) -> None:
    c.compare(a.item, b.item, f"{at}/*")
    c.sizes(a, b, at)
    counted = b.min_length is not None or b.max_length is not None
    if (b.unique and not a.unique) or (counted and a.collapse != b.collapse):
        c.say(at, "its items have to differ")


def _tuple(c: _Comparing, a: kinds.Tuple, b: kinds.Tuple, at: str) -> None:
    if len(a.items) != len(b.items):
        c.say(at, "it has another length")
    for n, (one, other) in enumerate(zip(a.items, b.items, strict=False)):
        c.compare(one, other, f"{at}/{n}")


def _map(c: _Comparing, a: kinds.Map, b: kinds.Map, at: str) -> None:
    c.compare(a.key, b.key, f"{at}/* (key)")
    c.compare(a.value, b.value, f"{at}/*")
    c.sizes(a, b, at)


def _same(c: _Comparing, a: Any, b: Any, at: str) -> None:
    if (getattr(a, "naive", None), getattr(a, "aware", None)) != (
        getattr(b, "naive", None),
        getattr(b, "aware", None),
    ):
        c.say(at, "its offset is read otherwise")


def _always(_c: _Comparing, _a: Any, _b: Any, _at: str) -> None:
    """Two of a kind that has no variants."""


_ALIKE: Mapping[type, Callable[[_Comparing, Any, Any, str], None]] = {
    kinds.Int: _Comparing.bounds,
    kinds.Float: _Comparing.bounds,
    kinds.Text: _text,
    kinds.Bytes: _Comparing.sizes,
    kinds.DateTime: _same,
    kinds.Time: _same,
    kinds.Array: _array,
    kinds.Tuple: _tuple,
    kinds.Map: _map,
}


def _word(part: Any_) -> str:
    return str(part.__struct_config__.tag)

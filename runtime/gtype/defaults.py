"""Defaults of fields: what they are as plain data, and whether their own types take them (GT-4)."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

from runtime.errors import InvalidDefaultError
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_
from runtime.gtype.passes import Passes
from runtime.gtype.plan import find

Factory: TypeAlias = Callable[[], Any]
EMPTY: Final[dict[Any, Any]] = {list: [], dict: {}, set: [], tuple: [], frozenset: []}
"""What the usual factories make, as plain data."""
_TEXT = (kinds.Anything, kinds.Text, kinds.Literal, kinds.Enum)
_CARRIED_AS_TEXT = (
    kinds.Anything, kinds.Decimal, kinds.Bytes, kinds.DateTime, kinds.Date, kinds.Time,
    kinds.Duration, kinds.Uuid, kinds.Enum,
)  # fmt: skip


class Default(msgspec.Struct, frozen=True):
    """What a field is where it is absent."""

    place: str
    """Of the field: `Order.items[].sku`."""
    part: Any_
    value: Any
    factory: Factory | None
    """What made it; None: it is written as it is."""

    @property
    def plain(self) -> Any:
        """As JSON has it.

        Raises:
            InvalidDefaultError: it is not plain data.
        """
        try:
            return msgspec.json.decode(msgspec.json.encode(self.value))
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise InvalidDefaultError(
                problem=f"{self.place} has {self._shown}, which is not plain data.",
                remedy="Give plain data, or a default_factory that makes it.",
            ) from error

    def check(self, passes: Passes) -> None:
        """Refuse it where its own type does.

        Raises:
            InvalidDefaultError: with the place, the value, and what is wrong.
        """
        plain = self.plain
        found = find(passes.node(self.part), plain)
        if found.issues:
            self._refuse(found.issues[0].message)
        # In JSON both are text; in Python a date is none.
        kinds_of = _TEXT if isinstance(self.value, str) else _CARRIED_AS_TEXT
        if isinstance(plain, str) and not _is_one_of(self.part, kinds_of):
            self._refuse(f"it is a {type(self.value).__name__}, which only looks alike in JSON.")

    def _refuse(self, why: str) -> None:
        raise InvalidDefaultError(
            problem=f"{self.place} has {self._shown}, which its type refuses: {why}",
            remedy="Give a default that conforms, or widen the type.",
        )

    @property
    def _shown(self) -> str:
        what = "a default" if self.factory is None else "a default_factory that makes"
        hidden = "" if self.factory is None else " a value"
        return what + (hidden if self.part.sensitive else f" {self.value!r:.80}")


def made_by(factory: Factory, place: str) -> Any:
    """Make a default, once, to see what becomes of it.

    Raises:
        InvalidDefaultError: it cannot be made.
    """
    try:
        return factory()
    except Exception as error:
        raise InvalidDefaultError(
            problem=f"{place} has a default_factory that raises {type(error).__name__}.",
            remedy="Give one that needs nothing, and makes a value of the field's type.",
        ) from error


def _is_one_of(part: Any_, wanted: tuple[type[kinds.Part], ...]) -> bool:
    if isinstance(part, kinds.Union):
        return any(_is_one_of(each, wanted) for each in part.members)
    return isinstance(part, wanted)

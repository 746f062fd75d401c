"""What a handler may know about its own request, as it was recorded (LC-1, LC-3)."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import msgspec

from eventstore.errors import FrozenValueError
from runtime.errors import ReservedKeyError
from runtime.principals import Principal

RESERVED = (
    "request_id", "method", "path", "route", "version", "flags", "received_at",
    "instance_id", "region",
)  # fmt: skip
_REMEDY = "It is what was recorded; keep your own values with `lctx.set`."


class Client(msgspec.Struct, frozen=True):
    """Who called, as far as that is known."""

    ip: str = "unknown"
    user_agent: str = "unknown"
    region: str = "unknown"


class Refs(msgspec.Struct, frozen=True):
    """Whom a request belongs to; of a caller who proved nothing all are None."""

    user: str | None = None
    """Id of the principal."""
    session: str | None = None
    """What was proven by: the id of the token or the key."""
    tenant: str | None = None


def refs_of(principal: Principal) -> Refs:
    """Take them from who was established, never from what a client says of itself (LC-1)."""
    if principal.is_anonymous:
        return Refs()
    return Refs(principal.id, principal.credential or None, principal.tenant)


class Meta(Mapping[str, Any]):
    """Facts about the request, by attribute and by name; cannot be changed.

    Args:
        values: one for each reserved name.
        extra: entries of an app's own.

    Raises:
        ReservedKeyError: *extra* has a reserved name.
    """

    __slots__ = ("_values",)
    _values: dict[str, Any]

    def __init__(self, values: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> None:
        taken = [name for name in extra or {} if name in RESERVED or name.startswith("_")]
        if taken:
            msg = f"The entry {taken[0]!r} of meta belongs to the runtime."
            raise ReservedKeyError(msg, "Choose another name.")
        object.__setattr__(self, "_values", {**{n: values[n] for n in RESERVED}, **(extra or {})})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            msg = f"meta has no {name!r}; there are: {', '.join(self._values)}."
            raise AttributeError(msg) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        return f"Meta({self._values!r})"

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise FrozenValueError("lctx.meta", _REMEDY)

    __setattr__ = __delattr__ = _refuse
    __setitem__ = __delitem__ = __ior__ = _refuse
    update = pop = popitem = clear = setdefault = _refuse


def when(at_us: int) -> dt.datetime:
    """Return an instant in µs since 1970 as a datetime, aware, UTC, exact to the µs."""
    return _EPOCH + dt.timedelta(microseconds=at_us)


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

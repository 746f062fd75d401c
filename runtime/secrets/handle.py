"""What a handler holds of a secret (EF-4)."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import msgspec

from runtime.errors import SecretLeakError

PLACEHOLDER = "***"
"""What stands for every secret: in text, and as its value when a request is replayed."""


class Secret:
    """A secret: its name, its version, and a value that only `reveal` gives.

    It prints `***` however it is formatted, is no value for a context, an answer or a
    module, and cannot be copied, pickled or hashed. Equality takes constant time.

    Args:
        name: as it was asked for.
        version: as its provider calls it; None: the provider has no versions.
        value: the secret itself.
    """

    __slots__ = ("_value", "name", "version")

    def __init__(self, name: str, version: str | None, value: str) -> None:
        self.name = name
        self.version = version
        self._value = value

    @contextmanager
    def reveal(self) -> Iterator[str]:
        """Give the value for the time of a block: `with token.reveal() as value:`."""
        yield self._value

    def __str__(self) -> str:
        return PLACEHOLDER

    def __repr__(self) -> str:
        return f"<Secret {self.name}: {PLACEHOLDER}>"

    def __format__(self, spec: str) -> str:
        return format(PLACEHOLDER, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> NoReturn:
        raise self._leak("hashed")

    def __copy__(self) -> NoReturn:
        raise self._leak("copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise self._leak("copied")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise self._leak("pickled")

    def _leak(self, what: str) -> SecretLeakError:
        return SecretLeakError(
            f"The secret {self.name!r} was about to be {what}.",
            "Use its value where it is needed: `with secret.reveal() as value:`.",
        )


def held_in(value: Any) -> str | None:
    """Return the name of a secret that *value* is or holds; None without one."""
    todo, seen = [value], set()
    while todo:
        each = todo.pop()
        if isinstance(each, Secret):
            return each.name
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            todo += [*each.values()]
        elif isinstance(each, list | tuple | set | frozenset):
            todo += each
        elif isinstance(each, msgspec.Struct) or hasattr(each, "__dataclass_fields__"):
            names = getattr(each, "__struct_fields__", None) or each.__dataclass_fields__
            todo += [getattr(each, name, None) for name in names]
    return None

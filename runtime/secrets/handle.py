"""What a handler holds of a secret (EF-4)."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

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

"""Secrets out of the environment of the process."""

import os

from runtime.secrets.provider import Found


class Environment:
    """Reads `stock-token` from the variable `SECRET_STOCK_TOKEN`, anew each time.

    Args:
        prefix: of the variables; what has another is no secret and cannot be read.
    """

    __slots__ = ("_prefix",)
    name = "env"

    def __init__(self, prefix: str = "SECRET_") -> None:
        self._prefix = prefix

    async def get(self, name: str) -> Found | None:
        """Return the secret; the environment has no versions."""
        variable = self._prefix + name.upper().replace(".", "_").replace("-", "_")
        value = os.environ.get(variable)
        return None if value is None else Found(value)

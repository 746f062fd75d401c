"""Secrets out of the keyring of the system; needs the extra `keyring`."""

from typing import Any

from runtime.secrets.blocking import Threads, client_library
from runtime.secrets.provider import Found


class Keyring:
    """Reads `stock-token` as what `keyring get timescape stock-token` prints.

    Which keyring that is, the library says: of the desktop, or the one that its
    configuration or `PYTHON_KEYRING_BACKEND` names.

    Args:
        service: under which the secrets are kept.
        prefix: of their names there; what has another cannot be read.
        backend: a keyring of the library `keyring`; None: the one that it chooses.

    Raises:
        SecretsConfigError: `keyring` is not installed.
    """

    name = "keyring"

    def __init__(
        self, service: str = "timescape", *, prefix: str = "", backend: Any | None = None
    ) -> None:
        self._keyring = client_library("keyring", "keyring")
        self._service = service
        self._prefix = prefix
        self._backend = backend
        self._threads = Threads("keyring")

    async def get(self, name: str) -> Found | None:
        """Return the secret; keyrings have no versions.

        Raises:
            KeyringError: the keyring is locked, or there is none.
        """
        return await self._threads.run(lambda: self._read(self._prefix + name))

    def _read(self, name: str) -> Found | None:
        source = self._keyring if self._backend is None else self._backend
        value = source.get_password(self._service, name)
        return None if value is None else Found(value)

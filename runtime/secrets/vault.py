"""Secrets out of HashiCorp Vault or OpenBao, key-value engine 2; needs the extra `vault`."""

from pathlib import Path
from typing import Any

from runtime.errors import SecretsConfigError
from runtime.secrets.blocking import Threads, client_library
from runtime.secrets.provider import EACH_S, Found


class Vault:
    """Reads `stock-token` from the field `value` of `secret/stock-token`.

    Args:
        url: `https://vault.example.com:8200`; None: `VAULT_ADDR`.
        mount: of the key-value engine.
        prefix: of the paths, such as `shop/`; what has another cannot be read.
        field: of the secret at a path.
        token: to be let in with; None: `VAULT_TOKEN`.
        token_file: that holds it instead, read at each call, as an agent keeps it fresh.
        namespace: of Vault Enterprise.
        verify: certificates, or the file of those that are trusted.

    Raises:
        SecretsConfigError: `hvac` is not installed, or both a token and its file are given.
    """

    name = "vault"

    def __init__(  # noqa: PLR0913 - each is one thing that Vault has
        self,
        url: str | None = None,
        *,
        mount: str = "secret",
        prefix: str = "",
        field: str = "value",
        token: str | None = None,
        token_file: str | Path | None = None,
        namespace: str | None = None,
        verify: bool | str = True,
    ) -> None:
        self._hvac = client_library("hvac", "vault")
        if token is not None and token_file is not None:
            raise SecretsConfigError(
                problem="Vault is given a token and a file of one.", remedy="Give one of them."
            )
        self._how = {"url": url, "namespace": namespace, "verify": verify, "timeout": EACH_S}
        self._mount = mount
        self._prefix = prefix
        self._field = field
        self._token = token
        self._token_file = token_file
        self._threads = Threads("vault")

    def __repr__(self) -> str:
        return f"Vault({self._how['url']!r})"

    async def get(self, name: str) -> Found | None:
        """Return the newest version of the secret; None: there is none, or it was deleted.

        Raises:
            VaultError: Vault is sealed, or does not let us in.
            RequestException: it cannot be reached.
            OSError: the file of the token cannot be read.
            ValueError: the field is no text.
        """
        return await self._threads.run(lambda: self._read(self._prefix + name))

    def _read(self, path: str) -> Found | None:
        token = self._token
        if self._token_file is not None:
            token = Path(self._token_file).read_text(encoding="utf-8").strip()
        client = self._hvac.Client(token=token, **self._how)
        try:
            answer = client.secrets.kv.v2.read_secret_version(
                path, mount_point=self._mount, raise_on_deleted_version=True
            )
        except self._hvac.exceptions.InvalidPath:
            return None
        finally:
            client.adapter.close()
        return self._found(answer["data"])

    def _found(self, data: dict[str, Any]) -> Found | None:
        value = data["data"].get(self._field)
        if value is None:
            return None
        if not isinstance(value, str):
            msg = f"the field {self._field!r} is no text"
            raise ValueError(msg)  # noqa: TRY004 - what is stored is wrong, not a type of ours
        return Found(value, str(data["metadata"]["version"]))

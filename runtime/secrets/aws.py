"""Secrets out of AWS Secrets Manager; needs the extra `aws`."""

import threading
from typing import Any

from runtime.secrets.blocking import Threads, client_library
from runtime.secrets.provider import EACH_S, Found

_CONNECT_S = 2.0


class SecretsManager:
    """Reads `stock-token` from the secret of that name.

    Who asks, and where, is as boto3 finds it: environment, profile, or the machine's role.

    Args:
        prefix: of the names there, such as `shop/`; what has another cannot be read.
        region: `eu-central-1`; None: as configured.
        profile: of the configuration; None: as configured.
        endpoint: of another than the public one, such as a VPC endpoint.

    Raises:
        SecretsConfigError: `boto3` is not installed.
    """

    name = "aws"

    def __init__(
        self,
        *,
        prefix: str = "",
        region: str | None = None,
        profile: str | None = None,
        endpoint: str | None = None,
    ) -> None:
        self._boto3 = client_library("boto3", "aws")
        self._config = client_library("botocore.config", "aws").Config
        self._prefix = prefix
        self._region = region
        self._profile = profile
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._client: Any = None
        self._threads = Threads("aws")

    async def get(self, name: str) -> Found | None:
        """Return the current version of the secret; None: there is none, or it is being deleted.

        Raises:
            BotoCoreError: there are no credentials, or it cannot be reached.
            ClientError: it does not let us in.
            ValueError: it is binary, and not UTF-8.
        """
        return await self._threads.run(lambda: self._read(self._prefix + name))

    def _read(self, name: str) -> Found | None:
        client = self._connected()
        gone = client.exceptions.ResourceNotFoundException
        # The state in which no secret can be read: it is scheduled for deletion.
        deleted = client.exceptions.InvalidRequestException
        try:
            answer = client.get_secret_value(SecretId=name)
        except (gone, deleted):
            return None
        value = answer.get("SecretString")
        if value is None:
            value = answer["SecretBinary"].decode()
        return Found(value, answer["VersionId"])

    def _connected(self) -> Any:
        # Here and not when it was made: looking for credentials may ask the network.
        with self._lock:
            if self._client is None:
                session = self._boto3.session.Session(
                    region_name=self._region, profile_name=self._profile
                )
                config = self._config(
                    connect_timeout=_CONNECT_S, read_timeout=EACH_S,
                    retries={"mode": "standard", "total_max_attempts": 2},
                )  # fmt: skip
                self._client = session.client(
                    "secretsmanager", config=config, endpoint_url=self._endpoint
                )
            return self._client

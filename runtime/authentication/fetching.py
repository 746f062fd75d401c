"""Fetches small JSON documents of an issuer over HTTPS: a fixed address, and nowhere else (AU-6).

httpx is loaded by the first request only.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from runtime.errors import AuthenticatorError, AuthUnavailableError

MAX_BYTES: Final = 256 * 1024
_TIMEOUT_S: Final = 4.0
"""Below what an authenticator may take, so that the connection is closed by us."""


class Fetched:
    """A document as it came.

    Args:
        document: a JSON object.
        headers: of the answer, lower-case names.
    """

    def __init__(self, document: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.document = document
        self.headers = headers


class Fetcher:
    """Asks one address.

    Args:
        url: https; checked at once.
        transport: of httpx, to send through; None: the network.

    Raises:
        AuthenticatorError: *url* is no https address.
    """

    def __init__(self, url: str, transport: Any = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username is not None:
            raise AuthenticatorError(
                problem=f"{parts.scheme}://{parts.hostname} is no https address without a user.",
                remedy="Keys and tokens travel over https only.",
            )
        self._url = url
        self._transport = transport

    async def get(self) -> Fetched:
        """Get the document.

        Raises:
            AuthUnavailableError: there is none, or it is not what it should be.
        """
        return await self._fetch("GET", None, None)

    async def post(self, form: Mapping[str, str], user: tuple[str, str] | None) -> Fetched:
        """Send a form, and get the document that answers it.

        Raises:
            AuthUnavailableError: see `get`.
        """
        return await self._fetch("POST", form, user)

    async def _fetch(
        self, method: str, form: Mapping[str, str] | None, user: tuple[str, str] | None
    ) -> Fetched:
        import httpx  # noqa: PLC0415 - only who needs it

        try:
            async with (
                httpx.AsyncClient(
                    transport=self._transport,
                    timeout=_TIMEOUT_S,
                    follow_redirects=False,
                    trust_env=False,
                ) as client,
                client.stream(method, self._url, data=form, auth=user) as answer,
            ):
                if answer.status_code != 200:
                    raise _unavailable(what=f"answered {answer.status_code}")
                raw = b""
                async for chunk in answer.aiter_bytes():
                    raw += chunk
                    if len(raw) > MAX_BYTES:
                        raise _unavailable(what=f"sent more than {MAX_BYTES} bytes")
        except httpx.HTTPError as error:
            raise _unavailable(what=f"cannot be asked: {type(error).__name__}") from error
        return Fetched(_object(raw), dict(answer.headers))


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _unavailable(what="sent no JSON object")
    return document


def _unavailable(*, what: str) -> AuthUnavailableError:
    return AuthUnavailableError(f"The issuer {what}.", "Try it again later.")

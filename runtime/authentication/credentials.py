"""Reads credentials off the head of a request, and says what an authenticator is (AU-1, AU-2)."""

from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from runtime.principals import Principal

API_KEY: Final = "apikey"
API_KEY_HEADER: Final = "x-api-key"


class Credential(msgspec.Struct, frozen=True):
    """Something that should prove who asks. It shows nothing of itself and is kept nowhere."""

    scheme: str
    """Lower case: bearer, apikey, or what else stood in Authorization."""
    text: str
    at_us: int = 0
    """When the request came, µs since 1970: the time to measure its age by."""
    client: str = "unknown"
    """The caller's network address."""

    def __repr__(self) -> str:
        return f"Credential({self.scheme!r}, …)"


class Authenticator(Protocol):
    """Knows one kind of credentials. One of your own needs `authenticate` alone."""

    scheme: str
    """For Authorization and for challenges; Bearer if it has none."""

    def claims(self, credential: Credential) -> bool:
        """Say by its form whether a credential of this scheme is its own; all, if left out."""
        ...

    async def authenticate(self, credential: Credential) -> Principal:
        """Return who is proven.

        Raises:
            CredentialsInvalidError: nobody is; any other error means that nobody can be
                asked now, which is answered 503.
        """
        ...


def read_credentials(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return scheme and text of all credentials in a head; those of a query are not read."""
    found = []
    for name, value in headers:
        if name == API_KEY_HEADER:
            found.append((API_KEY, value))
        elif name == "authorization":
            scheme, _, text = value.partition(" ")
            found.append((scheme.lower(), text.strip(" ")))
    return found

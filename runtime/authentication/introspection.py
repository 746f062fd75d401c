"""Opaque tokens: their issuer is asked, and its answer kept for a little while (AU-7).

Source: RFC 7662.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from runtime.authentication import jose
from runtime.authentication.credentials import Credential
from runtime.authentication.fetching import Fetcher
from runtime.authentication.json_web_tokens import Trust
from runtime.errors import AuthenticatorError, CredentialsInvalidError, PrincipalError
from runtime.principals import Principal

_KEPT_S: Final = 60
_REFUSED_S: Final = 5
_MOST: Final = 10_000


class OpaqueTokens:
    """Takes tokens as Bearer that say nothing by themselves, and asks their issuer.

    Args:
        url: where it is asked; https.
        client: id and secret by which we are known there.
        issuer: what `iss` of the answer has to be.
        audiences: of which `aud` has to name one.
        transport: of httpx; None: the network.

    Raises:
        AuthenticatorError: *url* is no https address, or no audience is named.
    """

    scheme = "Bearer"

    def __init__(
        self,
        url: str,
        *,
        client: tuple[str, str],
        issuer: str,
        audiences: list[str],
        transport: Any = None,
    ) -> None:
        if not audiences or not issuer:
            msg = "Opaque tokens need an issuer and audiences."
            raise AuthenticatorError(msg, "Name them.")
        self._fetcher = Fetcher(url, transport)
        self._client = client
        self._trust = Trust(issuer, frozenset(audiences), frozenset(), 0, None, "user")
        self._known: dict[bytes, tuple[float, Principal | None]] = {}
        """SHA-256 of a token to until when it is known what it is."""

    def claims(self, credential: Credential) -> bool:
        """Say whether it is a token that is no JWT."""
        return not jose.looks_like_jwt(credential.text)

    async def authenticate(self, credential: Credential) -> Principal:
        """Return whom the issuer says that the token stands for."""
        if not credential.text or len(credential.text) > jose.MAX_TOKEN:
            raise CredentialsInvalidError("malformed")
        now_s = credential.at_us / 1_000_000
        digest = hashlib.sha256(credential.text.encode("utf-8", "surrogatepass")).digest()
        until_s, principal = self._known.get(digest, (0.0, None))
        if now_s >= until_s:
            principal = await self._ask(credential.text, now_s)
            self._keep(digest, principal, now_s)
        if principal is None:
            raise CredentialsInvalidError("inactive")
        return principal

    async def _ask(self, token: str, now_s: float) -> Principal | None:
        form = {"token": token, "token_type_hint": "access_token"}
        said = (await self._fetcher.post(form, self._client)).document
        try:
            return introspected(said, self._trust, now_s)
        except CredentialsInvalidError:
            return None

    def _keep(self, digest: bytes, principal: Principal | None, now_s: float) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        until_s = now_s + (_REFUSED_S if principal is None else _KEPT_S)
        if principal is not None and principal.expires is not None:
            until_s = min(until_s, principal.expires)
        self._known[digest] = until_s, principal


def introspected(said: Mapping[str, Any], trust: Trust, now_s: float) -> Principal:
    """Return whom an answer names.

    Raises:
        CredentialsInvalidError: the token is not active, or not meant for us.
    """
    if said.get("active") is not True:
        raise CredentialsInvalidError("inactive")
    if jose.text_of(said, "iss") != trust.issuer:
        raise CredentialsInvalidError("iss-unexpected")
    if trust.audiences.isdisjoint(jose.names_of(said.get("aud"), "aud")):
        raise CredentialsInvalidError("aud-unexpected")
    expires = jose.number(said, "exp")
    if expires is not None and now_s >= expires:
        raise CredentialsInvalidError("expired")
    try:
        return Principal(
            jose.text_of(said, "sub") or "",
            trust.kind,
            trust.issuer,
            roles=jose.names_of(said.get("roles", []), "roles"),
            scopes=tuple((jose.text_of(said, "scope") or "").split()),
            tenant=jose.text_of(said, "tenant"),
            credential=jose.text_of(said, "jti"),
            auth_time=jose.number(said, "auth_time"),
            expires=expires,
        )
    except PrincipalError:
        raise CredentialsInvalidError("sub-malformed") from None

"""Who a caller is while traffic is split: its principal, its address, or a cookie of ours (DP-6).

The cookie names nobody: it holds an id that means nothing elsewhere, and what shows that it was
given here. One that was made up or altered is as good as none.
"""

import base64
import hmac
from collections.abc import Iterable
from typing import Final

from eventstore import Ids
from runtime.ingress.answers import Pairs
from runtime.principals import Principal
from runtime.timescape.splits import subject_of

COOKIE: Final = "timescape-caller"
_KEPT_S: Final = 365 * 24 * 3_600
_ID_BYTES: Final = 16
_USE: Final = b"timescape caller\0"


class Cookies:
    """Gives callers cookies, and knows its own again.

    Args:
        key: of all processes that serve the app; who has it can make cookies.
        ids: give each caller its own.
    """

    def __init__(self, key: bytes, ids: Ids) -> None:
        self._key = key
        self._ids = ids

    def caller(self, headers: Iterable[tuple[str, str]]) -> str | None:
        """Return the caller that a request's cookies name; None: none that was given here."""
        for name, value in headers:
            if name == "cookie":
                for part in value.split(";"):
                    given, _, said = part.strip(" \t").partition("=")
                    caller = self._read(said) if given == COOKIE else None
                    if caller is not None:
                        return caller
        return None

    def new(self, *, secure: bool) -> tuple[str, Pairs]:
        """Return a caller that was not there before, and the field that gives it its cookie.

        Args:
            secure: whether the request came by TLS: then the cookie goes no other way.
        """
        caller = _text(self._ids.token(_ID_BYTES))
        said = f"{COOKIE}={caller}.{self._proof(caller)}; Path=/; Max-Age={_KEPT_S}; HttpOnly"
        said += "; SameSite=Lax; Secure" if secure else "; SameSite=Lax"
        return caller, ((b"set-cookie", said.encode()),)

    def _read(self, said: str) -> str | None:
        caller, _, proof = said.partition(".")
        # Compared as bytes: text that is not ASCII would raise.
        good = hmac.compare_digest(proof.encode("latin-1"), self._proof(caller).encode())
        return caller if good else None

    def _proof(self, caller: str) -> str:
        return _text(hmac.digest(self._key, _USE + caller.encode("latin-1"), "sha256"))


def subject(
    principal: Principal,
    client: str,
    headers: Iterable[tuple[str, str]],
    cookies: Cookies | None,
    *,
    secure: bool,
) -> tuple[str, Pairs]:
    """Return who is placed in a split, and fields of the answer that say so to it.

    Args:
        principal: who asks, as it was proven: it goes before the others.
        client: the caller's address.
        headers: of the request.
        cookies: None: those who prove nothing are told apart by their addresses.
        secure: whether the request came by TLS.
    """
    if not principal.is_anonymous:
        return principal.id, ()
    if cookies is None:
        return subject_of(client), ()
    known = cookies.caller(headers)
    return cookies.new(secure=secure) if known is None else (known, ())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

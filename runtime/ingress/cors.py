"""Lets pages of other origins call an app, where it names them (IN-15).

Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import re
from collections.abc import Iterable
from typing import Final

from runtime.errors import PolicySyntaxError
from runtime.ingress import refusals
from runtime.ingress.answers import Pairs
from runtime.ingress.arriving import Arriving, Refused
from runtime.ingress.endpoints import Endpoint
from runtime.routing import Match, MethodNotAllowed, Routes, split_path

_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII
)
_DEFAULT_PORT: Final = re.compile(r"http://.*:80|https://.*:443", re.ASCII)
_NAMES: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, \t-]{1,2048}", re.ASCII)
ANY: Final = "*"
MAX_AGE_S: Final = 600
"""How long a browser may remember what it was told."""
_VARY: Final = (b"vary", b"origin")
_EXPOSED: Final = (
    b"access-control-expose-headers",
    b"allow, deprecation, idempotent-replayed, link, memento-datetime, original-request-id, "
    b"ratelimit, ratelimit-policy, request-id, retry-after, sunset, timescape-contract, "
    b"timescape-degraded, timescape-resolved-by, timescape-version, www-authenticate",
)


class Cors:
    """Who may call from other origins.

    Args:
        origins: exactly as browsers send them, `https://shop.example`; or `*` alone: any.
        credentials: whether cookies and the like may come with it.

    Raises:
        PolicySyntaxError: one is no origin, or `*` stands beside others or with credentials.
    """

    def __init__(self, origins: Iterable[str], *, credentials: bool = False) -> None:
        if isinstance(origins, str):
            raise _wrong(origins, 'a list, ["https://shop.example"]')
        self._origins = frozenset(origins)
        self._any = ANY in self._origins
        if self._any and (credentials or len(self._origins) > 1):
            raise _wrong(ANY, "each origin, or * alone and without credentials")
        for each in self._origins - {ANY}:
            if _ORIGIN.fullmatch(each) is None or _DEFAULT_PORT.fullmatch(each):
                raise _wrong(each, "it as browsers do: https://shop.example, no path, no :443")
        self._credentials = ((b"access-control-allow-credentials", b"true"),) if credentials else ()

    @property
    def allows_any(self) -> bool:
        """Whether there is an origin that may call."""
        return bool(self._origins)

    def told(self, headers: Iterable[tuple[str, str]]) -> Pairs:
        """Return what the answer to a request with these headers has to say."""
        origin = _field(headers, "origin")
        if self._any:
            return ((b"access-control-allow-origin", b"*"), _EXPOSED) if origin else ()
        if origin not in self._origins:
            # What is kept of this answer must not be given to who would have got another.
            return (_VARY,)
        allowed = (b"access-control-allow-origin", origin.encode())
        return (allowed, *self._credentials, _EXPOSED, _VARY)

    def answer_preflight(self, arriving: Arriving, routes: Routes[Endpoint]) -> None:
        """End a request that only asks whether another may be sent.

        It reaches no handler, needs no credentials and costs no quota.

        Raises:
            Refused: it is one, and its path is served; 204.
        """
        headers = arriving.head.headers
        wanted = _field(headers, "access-control-request-method")
        if arriving.scope["method"] != "OPTIONS" or not wanted or not _field(headers, "origin"):
            return
        segments = split_path(arriving.path)
        found = None if segments is None else routes.match(wanted, segments)
        if isinstance(found, Match):
            arriving.endpoint = found.route
        if found is not None:
            raise Refused(refusals.OPTIONS, self._terms(headers, wanted, found))

    def _terms(
        self,
        headers: Iterable[tuple[str, str]],
        wanted: str,
        found: Match[Endpoint] | MethodNotAllowed,
    ) -> tuple[tuple[str, str], ...]:
        if not self._any and _field(headers, "origin") not in self._origins:
            return ()
        methods = wanted if isinstance(found, Match) else ", ".join(found.allow)
        terms = [
            ("access-control-allow-methods", methods),
            ("access-control-max-age", str(MAX_AGE_S)),
        ]
        names = _field(headers, "access-control-request-headers")
        if _NAMES.fullmatch(names):
            # What a request may hold is for the edge to say, not for the browser.
            terms.append(("access-control-allow-headers", names))
        return tuple(terms)


def _field(headers: Iterable[tuple[str, str]], name: str) -> str:
    return next((value for each, value in headers if each == name), "")


def _wrong(given: str, remedy: str) -> PolicySyntaxError:
    return PolicySyntaxError(
        problem=f"cors={given!r:.80} is no origin that can be.", remedy=f"Write {remedy}."
    )

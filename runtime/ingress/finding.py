"""Finds the endpoint that a path leads to; paths that came lately are known."""

from typing import Final

from runtime.ingress import refusals
from runtime.ingress.arriving import Arriving, Refused
from runtime.ingress.endpoints import Endpoint
from runtime.ingress.framing import origin_form
from runtime.routing import Match, Routes, split_path

_PATHS: Final = 1024
KNOWN_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)


class Finder:
    """Finds endpoints for one event loop.

    Args:
        routes: where paths lead.
    """

    def __init__(self, routes: Routes[Endpoint]) -> None:
        self._routes = routes
        self._known: dict[tuple[str, str], Match[Endpoint]] = {}
        """Where paths that came lately lead; dropped at once when it is full."""

    def find(self, arriving: Arriving) -> None:
        """Give *arriving* its endpoint and the parameters in its path.

        Raises:
            Refused: nothing is there, or not by this method.
        """
        path, method = arriving.path, arriving.scope["method"]
        known = self._known.get((method, path))
        if known is not None:
            arriving.endpoint, arriving.params = known.route, known.params
            return
        if method not in KNOWN_METHODS:
            raise Refused(refusals.UNKNOWN_METHOD)
        if not path.startswith("/"):
            path = arriving.path = origin_form(path, arriving.head.host)
        segments = split_path(path)
        if segments is None:
            raise Refused(refusals.BAD_PATH)
        found = self._routes.match(method, segments)
        if isinstance(found, Match):
            arriving.endpoint, arriving.params = found.route, found.params
            if len(self._known) >= _PATHS:
                self._known.clear()
            self._known[method, path] = found
            return
        if found is None:
            raise Refused(refusals.NOT_FOUND)
        allow = (("allow", ", ".join(found.allow)),)
        if method == "OPTIONS":
            raise Refused(refusals.OPTIONS, allow)
        raise Refused(refusals.not_allowed(method, found), allow)

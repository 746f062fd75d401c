"""The keys of an issuer as it publishes them, kept for a while (AU-6).

Source: RFC 7517. All times are those of requests, so that a virtual clock is obeyed.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from runtime.authentication.fetching import Fetched, Fetcher
from runtime.authentication.keys import Key, load_key
from runtime.errors import AuthenticatorError, AuthUnavailableError

_FRESH_S: Final = 600
_LEAST_S: Final = 60
_MOST_S: Final = 86_400
_REFRESH_S: Final = 60
"""An unknown `kid` asks for a new set at most once in so long."""
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,9})(?:$|[,\s])")


class KeySet:
    """Keys that are fetched when they are needed.

    Args:
        url: where they are published; https.
        transport: of httpx; None: the network.

    Raises:
        AuthenticatorError: *url* is no https address.
    """

    def __init__(self, url: str, *, transport: Any = None) -> None:
        self._fetcher = Fetcher(url, transport)
        self._keys: Mapping[str, Key] = {}
        self._fetched_s: float | None = None
        self._fresh_until_s = 0.0
        self._tried_s: float | None = None
        self._fetching: asyncio.Task[Fetched] | None = None

    async def key(self, kid: str, algorithms: Iterable[str], now_s: float) -> Key | None:
        """Return the key of that name; None: the issuer has none.

        Raises:
            AuthUnavailableError: no set can be had, and none that was had is young enough.
        """
        if (
            now_s >= self._fresh_until_s
            or self._fetched_s is None
            or (kid not in self._keys and self._may_try(now_s))
        ):
            await self._refresh(algorithms, now_s)
        return self._keys.get(kid)

    def _may_try(self, now_s: float) -> bool:
        return self._tried_s is None or now_s >= self._tried_s + _REFRESH_S

    async def _refresh(self, algorithms: Iterable[str], now_s: float) -> None:
        """Fetch the set; who comes meanwhile waits for the same answer."""
        if self._fetching is None:
            if self._fetched_s is not None and not self._may_try(now_s):
                return self._go_on_with_old(now_s, None)
            self._tried_s = now_s
            self._fetching = asyncio.ensure_future(self._fetcher.get())
            self._fetching.add_done_callback(self._fetched)
        try:
            fetched = await asyncio.shield(self._fetching)
        except AuthUnavailableError as error:
            return self._go_on_with_old(now_s, error)
        self._keys = _keys_of(fetched.document, algorithms)
        self._fetched_s = now_s
        self._fresh_until_s = now_s + _fresh_s(fetched.headers.get("cache-control", ""))
        return None

    def _fetched(self, task: "asyncio.Task[Fetched]") -> None:
        self._fetching = None
        if not task.cancelled():
            # Nobody may wait for it any more.
            task.exception()

    def _go_on_with_old(self, now_s: float, error: AuthUnavailableError | None) -> None:
        if self._fetched_s is None or now_s >= self._fetched_s + _MOST_S:
            msg = "The issuer's keys cannot be had."
            raise error or AuthUnavailableError(msg, "Try it again later.")


def _keys_of(document: Mapping[str, Any], algorithms: Iterable[str]) -> Mapping[str, Key]:
    """Return the keys that can be used; others are for somebody else."""
    found = {}
    listed = document.get("keys")
    for jwk in listed if isinstance(listed, list) else []:
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
            continue
        if jwk.get("use", "sig") != "sig" or jwk.get("kty") == "oct":
            continue
        named = jwk.get("alg")
        try:
            fitting = [each for each in algorithms if named in {None, each}]
            found[jwk["kid"]] = load_key(jwk["kid"], jwk, fitting)
        except AuthenticatorError:
            continue
    return found


def _fresh_s(cache_control: str) -> float:
    said = _MAX_AGE.search(cache_control)
    return min(max(int(said[1]), _LEAST_S), _MOST_S) if said else _FRESH_S

"""An app with policies on a virtual clock, and tokens for it."""

import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import jwt

from eventstore.memory import MemoryStore
from runtime import App, Request
from runtime.authentication import ApiKey, ApiKeys, Jwt, key_digest
from runtime.context import registry
from runtime.testing import FakeClock, SeededIds, run_virtual

SECRET = b"a shared secret of 32 bytes, or more"
ISSUER = "https://id.example"
KEY = "shop_k1_secret"
NOW_S = 1_790_000_000
"""Where the clock of tests stands at first."""

Work = Callable[["Site"], Coroutine[Any, Any, Any]]


def token(*, secret: bytes = SECRET, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Make a token that holds at first; None as a claim leaves it out."""
    whole = {
        "iss": ISSUER, "aud": "shop", "sub": "ann", "iat": NOW_S, "exp": NOW_S + 3_600,
        "roles": ["customer"], "scope": "orders:read", **claims,
    }  # fmt: skip
    payload = json.dumps({name: value for name, value in whole.items() if value is not None})
    return jwt.api_jws.PyJWS().encode(
        payload.encode(), secret, algorithm="HS256", headers={"kid": "k", **(header or {})}
    )


def bearer(text: str) -> tuple[tuple[str, str], ...]:
    """Return the head that carries a token."""
    return (("authorization", f"Bearer {text}"),)


def authenticators() -> list[Any]:
    """Return what the site believes."""
    return [
        Jwt(issuer=ISSUER, audiences=["shop"], keys={"k": SECRET}, algorithms=["HS256"]),
        ApiKeys("shop", [ApiKey("k1", key_digest(KEY), roles=("robot",))]),
    ]


class Site:
    """An app, its log and its clock; handlers count how often they ran."""

    def __init__(self, auth: list[Any] | None = None, **settings: Any) -> None:
        self.clock = FakeClock()
        self.ids = SeededIds()
        self.store = MemoryStore(registry(), self.clock, SeededIds(7))
        self.ran: list[Any] = []
        self._auth = authenticators() if auth is None else auth
        self._settings = settings
        self.app = self.new_app()

    def new_app(self) -> App:
        """Make an app anew, as a restart does."""
        return App("shop", auth=self._auth, **self._settings)

    def handler(
        self, route: str = "GET /things", answer: Any = "done", **policies: Any
    ) -> Callable[..., Awaitable[Any]]:
        """Register a handler that notes who called."""

        async def things(req: Request[Any]) -> Any:
            self.ran.append(req.principal)
            return answer() if callable(answer) else answer

        self.app.handler(route, **policies)(things)
        return things

    def start(self) -> None:
        """Begin to serve."""
        self.app.start(self.store, clock=self.clock, ids=SeededIds(len(self.ran) + 1))

    async def restart(self, declare: Callable[[], object]) -> None:
        """Stop, and begin with a new app on the same log."""
        await self.app.stop()
        self.app = self.new_app()
        declare()
        self.start()
        await self.app.begin()


def on(site: Site, work: Work) -> Any:
    """Serve *site* while *work* goes on, on a virtual loop."""

    async def scenario() -> Any:
        site.start()
        try:
            return await work(site)
        finally:
            await site.app.stop()

    return run_virtual(scenario())

"""Requests of a test whose principal the test names: nothing is proven (TH-7)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from runtime.app import App
from runtime.authentication import Authentication
from runtime.authentication.establishing import Unproven
from runtime.principals import ANONYMOUS, Principal

_POSING: ContextVar[Principal | None] = ContextVar("timescape_posing", default=None)


class Posing(Authentication):
    """Takes a test's word for who asks; of other requests the app's authenticators say it.

    Args:
        realm: that challenges name.
        real: of the app; None: it has none.
    """

    def __init__(self, realm: str, real: Authentication | None) -> None:
        super().__init__(realm, ())
        self._real = real

    async def establish(
        self, headers: Sequence[tuple[str, str]], client: str, now_us: int
    ) -> Principal | Unproven:
        """Return who asks."""
        posing = _POSING.get()
        if posing is not None:
            return posing
        if self._real is None:
            return ANONYMOUS
        return await self._real.establish(headers, client, now_us)

    def challenge(
        self, *, invalid: bool = False, scopes: Sequence[str] = ()
    ) -> tuple[tuple[str, str], ...]:
        """Say what the app's own authenticators take."""
        return () if self._real is None else self._real.challenge(invalid=invalid, scopes=scopes)


@contextmanager
def posing(app: App, principal: Principal | None) -> Iterator[None]:
    """Let requests of this task be those of *principal*; None: of who proves to be somebody."""
    if principal is None:
        yield
        return
    guard = app.edge.guard
    if not isinstance(guard.authentication, Posing):
        guard.authentication = Posing(app.name, guard.authentication)
    token = _POSING.set(principal)
    try:
        yield
    finally:
        _POSING.reset(token)

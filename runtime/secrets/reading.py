"""How handlers ask for secrets: `gctx.secrets`."""

from collections.abc import Iterable
from typing import Any, NoReturn

from eventstore.errors import FrozenValueError
from runtime.errors import ContextError
from runtime.modules import CALLER
from runtime.secrets.cache import Counts, SecretCache
from runtime.secrets.provider import Provider, in_order
from runtime.secrets.wishes import NEEDED, TTL_S, Wish, check_name, wish


class Secrets:
    """`gctx.secrets`: reads secrets as effects of the request that runs.

    In an async handler or hook what `get`, `get_many` and `has` give is to be awaited.

    Args:
        providers: where secrets come from; several are asked in order.

    Attributes:
        cache: what was read lately.

    Raises:
        SecretsConfigError: no provider.
    """

    __slots__ = ("cache",)
    cache: SecretCache

    def __init__(self, providers: Provider | Iterable[Provider]) -> None:
        object.__setattr__(self, "cache", SecretCache(in_order(providers)))

    def get(
        self, name: str, *, default: Any = NEEDED, ttl: float = TTL_S, refresh: bool = False
    ) -> Any:
        """Read a secret.

        The log keeps its name and version, never the value; a replay is given `***`.

        Args:
            name: of the secret.
            default: returned if no provider has it. An empty secret is there.
            ttl: how old it may be, in seconds; from 60 to 900.
            refresh: ask its provider, however young it is.

        Returns:
            A `Secret`.

        Raises:
            SecretUnavailableError: there is none, or nobody can tell; unhandled it answers 503.
            CapabilityDeniedError: the handler's `secrets=` does not name it.
            ContextKeyError: *name* is no name of a secret.
            ContextError: no request runs.
        """
        return _ask(wish((name,), default=default, ttl_s=ttl, refresh=refresh))

    def get_many(
        self, names: Iterable[str], *, ttl: float = TTL_S, refresh: bool = False,
        partial: bool = False,
    ) -> Any:  # fmt: skip
        """Read several at once, as one effect; see `get`.

        Args:
            names: of the secrets.
            ttl: see `get`.
            refresh: see `get`.
            partial: those that are there will do.

        Returns:
            A dict from name to `Secret`.

        Raises:
            SecretUnavailableError: names all that are missing.
        """
        listed = tuple(dict.fromkeys(names))
        return _ask(wish(listed, what="many", ttl_s=ttl, refresh=refresh, partial=partial))

    def has(self, name: str) -> Any:
        """Say whether there is a secret; recorded as a read is, and nothing is kept of it."""
        return _ask(wish((name,), what="whether"))

    def invalidate(self, name: str) -> None:
        """Forget what was read of a secret: the next read asks its provider."""
        check_name(name)
        self.cache.invalidate(name)

    def clear(self) -> None:
        """Forget all that was read."""
        self.cache.clear()

    @property
    def counts(self) -> Counts:
        """How the cache does: its size, hits, misses and evictions."""
        return self.cache.counts

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenValueError("gctx.secrets", "Give the app another provider.")

    def __repr__(self) -> str:
        return "<secrets>"


def _ask(asked: Wish) -> Any:
    caller = CALLER.get()
    if caller is None:
        msg = f"The secret {asked.key!r} was asked for outside of a request."
        raise ContextError(msg, "Ask for it in a handler or hook.")
    return caller.read_secret(asked)

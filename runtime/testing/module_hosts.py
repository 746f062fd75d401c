"""A `Module` hosted for a test, without an app (CT-4)."""

from collections.abc import Collection
from typing import Any

from eventstore.values import encode
from runtime.effects import system_clock
from runtime.facts import Fact
from runtime.isolation import Host
from runtime.isolation.handles import Capabilities
from runtime.isolation.tiers import place, tier_of
from runtime.manifests.grants import Grants
from runtime.manifests.module import check
from runtime.modules import Method, Module
from runtime.secrets import Provider, SecretCache


class HostedAlone:
    """A module that runs within its own grants, on the event loop that starts it.

    Args:
        module: which one.
        config: the part of the config that is its own.
        secrets: where secrets come from.
        kinds: of capabilities that its app adds.
    """

    def __init__(
        self, module: Module, config: Any, secrets: Provider, kinds: Collection[str] = ()
    ) -> None:
        granted = check(module.manifest, own=kinds).granted
        grants = Grants({module.name: granted})
        self.denied: list[tuple[str, str]] = []
        """Kind and argument of all that it asked for and was not granted."""
        self._module = module
        self._capabilities = Capabilities(
            module.name, grants, SecretCache([secrets]), self, system_clock
        )
        self._placed, self._config = place(module, granted), encode(config)
        self._host = self._new_host()

    def _new_host(self) -> Host:
        tier = tier_of(self._module, self._placed, self._capabilities, self._config)
        return Host(self._module.manifest, tier, self, closing=self._capabilities.close)

    async def start(self) -> None:
        """Start it.

        Raises:
            ModuleStartError: it did not start.
        """
        await self._host.start()

    async def stop(self) -> None:
        """Stop it, if it runs."""
        await self._host.stop()

    async def call(self, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method, again if that is allowed and may help; see `Host.call`.

        What crashed in the call before is started anew, at once.
        """
        if self._host.state != "ready":
            await self.stop()
            self._host = self._new_host()
            await self.start()
        return await self._host.call(method, args, kwargs)

    # --- what the host tells ---

    def tell(self, fact: Fact, key: str) -> None:
        """Keep nothing of what happens: what a call gives is what is judged."""

    def deny(self, module: str, kind: str, argument: str, request_id: str) -> None:
        """Note what was not granted."""
        self.denied.append((kind, argument))

    def chance(self) -> float:
        """Give the longest pause."""
        return 1.0

    def next_start(self) -> int:
        """Give the first."""
        return 1

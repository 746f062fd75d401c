"""What all requests of a runtime share: who it is, its modules, its config (GC-1)."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import msgspec

from eventstore.errors import FrozenValueError
from eventstore.values import Viewer, encode
from runtime.modules import ModuleRegistry, Modules
from runtime.secrets import Environment, Provider, Secrets
from runtime.telemetry import Metrics

_REMEDY = "Config is read-only; change its source and restart."


class Instance(msgspec.Struct, frozen=True):
    """The process that runs."""

    id: str = "unknown"
    region: str = "unknown"
    zone: str = "unknown"
    started_at: dt.datetime | None = None


class GlobalContext:
    """Handed to handlers as `gctx`; nothing of it can be changed.

    Args:
        modules: what `gctx.modules` reaches; those registered later are reached, too.
        config: plain data; copied, so that later changes of it are not seen.
        instance: who runs.
        secrets: where `gctx.secrets` come from, in this order; None: the environment.

    Attributes:
        instance: who runs.
        modules: a stub for each module, by name.
        config: deep frozen.
        secrets: read by name, as effects.
        metrics: counters, gauges and histograms of the app.
    """

    __slots__ = ("config", "instance", "metrics", "modules", "secrets")
    instance: Instance
    modules: Modules
    config: Any
    secrets: Secrets
    metrics: Metrics

    def __init__(
        self,
        modules: ModuleRegistry | None = None,
        config: Mapping[str, Any] | None = None,
        instance: Instance | None = None,
        secrets: Provider | Iterable[Provider] | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "instance", instance or Instance())
        put(self, "modules", Modules(modules or ModuleRegistry()))
        put(self, "secrets", Secrets(Environment() if secrets is None else secrets))
        put(self, "metrics", Metrics())
        put(self, "config", Viewer(remedy=_REMEDY).view(encode(dict(config or {}))))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise _frozen(name)

    def __delattr__(self, name: str) -> NoReturn:
        raise _frozen(name)


def _frozen(name: str) -> FrozenValueError:
    return FrozenValueError(f"gctx.{name}", "Keep what changes in the request, or in a module.")

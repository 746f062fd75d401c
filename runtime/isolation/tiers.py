"""Which tier runs a module, and whether this machine has it (IS-1)."""

import importlib.util
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from eventstore.values import Tree
from runtime.errors import IsolationUnavailableError
from runtime.isolation import sandbox
from runtime.isolation.handles import Capabilities
from runtime.isolation.inprocess import InProcess
from runtime.isolation.pool import Resized
from runtime.isolation.processes import Processes
from runtime.isolation.tier import Crashed, Tier
from runtime.manifests.capabilities import Grant
from runtime.manifests.module import ModuleManifest
from runtime.modules import Module

if TYPE_CHECKING:
    from runtime.isolation.wasm_code import Code

Lacking = Callable[[], list[str]]


class Placed(NamedTuple):
    """Where a module runs."""

    tier: str
    lacking: tuple[str, ...] = ()
    """Why it is not what the module asks for."""
    code: "Code | None" = None
    """Of a compiled module."""


def place(module: Module, granted: Iterable[Grant], lacking: Lacking = sandbox.lacking) -> Placed:
    """Find the tier of a module.

    Args:
        module: which one.
        granted: what it may use.
        lacking: says what the machine lacks for a sandbox.

    Raises:
        IsolationUnavailableError: this machine has no such tier, and no other will do.
        ModuleManifestError: a compiled module that cannot be.
        ModuleRefusedError: a compiled module imports what it is not granted.
    """
    if module.isolation == "wasm":
        return _placed_wasm(module, granted)
    missing = lacking() if module.isolation == "sandbox" else []
    if missing and module.fallback is None:
        raise IsolationUnavailableError(
            problem=f"No sandbox for module {module.name!r}: {'; '.join(missing)}.",
            remedy='Run it where there is one, or allow isolation_fallback="subprocess".',
        )
    return Placed(module.fallback or module.isolation if missing else module.isolation, (*missing,))


def _placed_wasm(module: Module, granted: Iterable[Grant]) -> Placed:
    if importlib.util.find_spec("wasmtime") is None:
        raise IsolationUnavailableError(
            problem=f"No WebAssembly for module {module.name!r}: wasmtime is not installed.",
            remedy="Install timescape[wasm].",
        )
    from runtime.isolation.wasm_code import code_of  # noqa: PLC0415 - an extra

    return Placed("wasm", code=code_of(module, granted))


def tier_of(
    module: Module,
    placed: Placed,
    capabilities: Capabilities,
    config: Tree,
    manifest: ModuleManifest | None = None,
    *,
    resized: Resized = lambda now, was, why: None,
) -> Callable[[Crashed], Tier]:
    """Return what makes the tier, once it is known whom to tell of crashes.

    Args:
        module: which one.
        placed: where it runs.
        capabilities: what it may use.
        config: the part of the config that is its own.
        manifest: what its code declares; None: what *module* does.
        resized: told when its processes have become more or fewer by themselves.
    """
    if placed.tier == "inprocess":
        return lambda crashed: InProcess(module, capabilities, config, crashed)
    if placed.code is not None:
        from runtime.isolation.wasm import Wasm  # noqa: PLC0415 - an extra

        compiled = Wasm(module, placed.code, capabilities)
        return lambda _: compiled
    return lambda crashed: Processes(
        module,
        capabilities,
        config,
        crashed,
        manifest=manifest,
        confined=placed.tier == "sandbox",
        lacking=placed.lacking,
        resized=resized,
    )

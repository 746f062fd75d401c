"""What a module in a process of its own is by now: its file, read by a fresh process (MO-7)."""

import asyncio
from typing import Any

import msgspec

from eventstore.values import tree_bytes
from eventstore.values.tree import tree_from_bytes
from runtime.errors import ReloadError
from runtime.isolation.child import Child, Gone, Reply
from runtime.isolation.failing import failed_by, refusal_of
from runtime.isolation.spawning import Process
from runtime.isolation.tier import START_S
from runtime.manifests.module import ModuleManifest, Need
from runtime.modules import Module
from runtime.supervision import Call, Refusal


class Description(msgspec.Struct, frozen=True):
    """What a module declares, and what its source shows in use."""

    manifest: ModuleManifest
    needs: tuple[Need, ...] = ()


def described_here(module: Module) -> Description:
    """Describe a module that this process has imported."""
    return Description(module.manifest, tuple(module.needs()))


async def described_anew(module: Module, *, confined: bool) -> Description:
    """Have a process import the file of *module* and say what it declares now.

    Args:
        module: as it was when this process imported it.
        confined: whether to import it in a sandbox.

    Raises:
        ReloadError: it cannot be imported, or declares what cannot be.
    """
    home = module.home if confined else None
    process = Process(module.name, module.resources, confined_to=home)
    child = Child(
        process, module.name, serve=_refuse, gone=lambda _: None, scrub=str, frame=1 << 24
    )
    child.closing = True
    await child.open()
    try:
        async with asyncio.timeout(START_S):
            reply = await child.ask("$describe", tree_bytes([[module.home, _name(module)], {}]))
    except (Gone, TimeoutError):
        raise _unread(module, "its process ended or gave no answer") from None
    finally:
        await child.kill("start")
    if isinstance(reply, Refusal):
        raise _unread(module, str(failed_by(reply, module.name, lambda _: None).error))
    return msgspec.convert(tree_from_bytes(reply.value), Description)


def _name(module: Module) -> str | None:
    return module.attribute()


def _unread(module: Module, why: str) -> ReloadError:
    return ReloadError(
        problem=f"Module {module.name!r} cannot be read anew: {why}",
        remedy="Correct its file; what ran before goes on.",
    )


async def _refuse(call: Call) -> tuple[Reply, int | None]:
    """Give nothing: it is only to describe itself."""
    return refusal_of(call.id, PermissionError()), None


def as_plain(description: Description) -> Any:
    """Give a description as plain data."""
    return msgspec.to_builtins(description)

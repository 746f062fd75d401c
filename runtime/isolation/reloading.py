"""Starts a module anew beside the one that runs, and switches once it is well (MO-7)."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from runtime.errors import ModuleStartError, ReloadError
from runtime.isolation.describing import Description, described_anew, described_here
from runtime.isolation.host import Host
from runtime.isolation.hosted import Hosted
from runtime.isolation.tiers import Lacking, place
from runtime.manifests.module import OWN_PROCESS, check
from runtime.manifests.module_changes import broken


class Reload(NamedTuple):
    """How a module is to be started anew."""

    force: bool
    """Also where that breaks handlers."""
    used: Collection[str] | None
    """Methods of it that handlers call; None: any may be."""
    announce: Callable[[Hosted], int]
    """Tells the log of it, durably; gives its generation."""


async def read_anew(hosted: Hosted, reload: Reload, lacking: Lacking) -> Hosted:
    """Read what a module is by now.

    Args:
        hosted: as it runs.
        reload: how.
        lacking: says what the machine lacks for a sandbox.

    Raises:
        ReloadError: it cannot be read, is refused, or would break handlers.
    """
    now = await _described(hosted)
    verdict = check(now.manifest, hosted.policy, now.needs, hosted.own)
    faults = list(verdict.errors)
    if (now.manifest.name, now.manifest.runtime) != (hosted.manifest.name, hosted.manifest.runtime):
        faults.append("it has another name or isolation, which needs a new start of the app")
    if faults:
        raise _refused(hosted, faults, "Correct it; what ran before goes on.")
    breaks = broken(hosted.manifest, now.manifest, reload.used)
    if breaks and not reload.force:
        raise _refused(hosted, breaks, "Start the app again with handlers that fit, or force it.")
    placed = place(hosted.module, verdict.granted, lacking)
    return hosted._replace(manifest=now.manifest, verdict=verdict, placed=placed)


async def started(host: Host, name: str) -> None:
    """Start a new generation, and see that it is well; whoever calls stops it, if not.

    Raises:
        ReloadError: it is not.
    """
    try:
        await host.start()
        await _be_well(host)
    except ModuleStartError as error:
        raise ReloadError(
            problem=f"Module {name!r} was not started anew. {error.problem}",
            remedy="Correct it; what ran before goes on.",
        ) from error


async def _be_well(host: Host) -> None:
    if not await host.is_healthy():
        raise ModuleStartError(problem="Its check failed.", remedy="Look at its log.")


async def _described(hosted: Hosted) -> Description:
    if hosted.placed.tier in OWN_PROCESS:
        confined = hosted.placed.tier == "sandbox"
        return await described_anew(hosted.module, confined=confined)
    if hosted.placed.tier == "wasm":
        return described_here(hosted.module)
    raise ReloadError(
        problem=f"Module {hosted.module.name!r} runs in this process.",
        remedy="Its code is not swapped in place: start the app again, or `serve --reload`.",
    )


def _refused(hosted: Hosted, faults: list[str], remedy: str) -> ReloadError:
    problem = f"Module {hosted.module.name!r} is not started anew: {'; '.join(faults)}."
    return ReloadError(problem=problem, remedy=remedy)

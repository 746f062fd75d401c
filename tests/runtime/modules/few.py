"""A module that wants two processes at least; it imports little, so that they start soon."""

from runtime import Module, ModuleContext
from runtime.manifests.module import Resources

few = Module("few", isolation="subprocess", resources=Resources(min_workers=2))


@few.method
async def nothing(ctx: ModuleContext) -> None: ...

"""What an app offers to start modules of it anew."""

from runtime.app.listing import Listing
from runtime.app.reloading import methods_used
from runtime.isolation import Reload


class Reloads(Listing):
    """Starts modules anew while the app runs."""

    async def reload_module(self, name: str, *, force: bool = False) -> int:
        """Start a module anew beside the one that runs, and switch; return its generation.

        Its file is read again by processes of its own. Requests go on with the generation they
        first called; the old one ends with them, within 30 s. In-process code is not swapped.

        Args:
            name: of a `Module`.
            force: also where handlers that run call what changed.

        Raises:
            NotStartedError: the app does not run.
            ReloadError: nothing was switched; says why.
            DuplicateModuleError: it changed and kept the version it was given.
        """
        _ = self.edge
        assert self._announcing is not None  # noqa: S101 - set together
        used = methods_used(name, self.handlers)
        return await self._hosting.reload(name, Reload(force, used, self._announcing))

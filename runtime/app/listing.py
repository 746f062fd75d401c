"""What was declared of an app's handlers, whether it runs or not."""

from pathlib import Path

import msgspec

from runtime.app.declarations import Declared
from runtime.app.manifesting import findings_of, manifest_of, run_order
from runtime.app.started import Started
from runtime.manifests import HandlerManifest


class Listing(Started):
    """Holds the declared versions of handlers.

    Args:
        name: of the app.
        root: the app's folder; None: where we run.
    """

    def __init__(self, name: str, root: Path | None) -> None:
        super().__init__(name, root)
        self._declared: list[Declared] = []

    @property
    def handlers(self) -> tuple[Declared, ...]:
        """The versions as declared, in order, each with its manifest."""
        return tuple(
            msgspec.structs.replace(each, manifest=manifest_of(each, self._hooks, self._sources))
            for each in self._declared
        )

    @property
    def manifests(self) -> tuple[HandlerManifest, ...]:
        """What the versions declare, as data, in order."""
        return tuple(manifest_of(each, self._hooks, self._sources) for each in self._declared)

    def findings(self) -> dict[str, list[str]]:
        """Say for each handler what in its source would not happen again, with its remedy."""
        return {
            f"{each.template.text} {each.edition or ''}".strip(): findings_of(
                each, run_order(each, self._hooks), self._sources
            )
            for each in self._declared
        }

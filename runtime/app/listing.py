"""What was declared of an app's handlers and classes, whether it runs or not."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from eventstore import Clock, Store
from runtime.app.assembly import classes_of
from runtime.app.deciding import DeployPolicy
from runtime.app.declarations import Declared
from runtime.app.manifesting import findings_of, manifest_of, run_order, untyped_in
from runtime.app.started import Started
from runtime.app.startup import backdate
from runtime.control import Changed
from runtime.effects import system_clock
from runtime.errors import AlreadyStartedError, BackfillError
from runtime.gtype import check_subjects
from runtime.manifests import HandlerManifest

C = TypeVar("C", bound=type[Any])


class Listing(Started):
    """Holds the declared versions of handlers, and the classes of values.

    Args:
        name: of the app.
        root: the app's folder; None: where we run.
    """

    def __init__(self, name: str, root: Path | None) -> None:
        super().__init__(name, root)
        self._declared: list[Declared] = []
        self._classes: list[type[Any]] = []
        self._policy = DeployPolicy()

    def register(self, cls: C) -> C:
        """Let context values be of *cls*, a Struct, dataclass or enum; it may decorate.

        Types of bodies and answers are known without it.

        Raises:
            EventStoreError: `unsupported-class`: it cannot be recorded and read back.
            ConstraintError: a value is sealed for what is no field of it.
        """
        self._refuse_started()
        check_subjects(cls)
        classes_of((), [*self._classes, cls])
        self._classes.append(cls)
        return cls

    def unregister(self, route: str, version: str | None = None) -> bool:
        """Take a version of a handler back, before the app starts; say whether it was there.

        What the log knows of it stays: its callers find a version without code.

        Args:
            route: as it was registered.
            version: its edition; None: the one without.
        """
        self._refuse_started()
        kept = [e for e in self._declared if (e.template.text, e.edition) != (route, version)]
        found = len(kept) < len(self._declared)
        self._declared[:] = kept
        return found

    def backfill(
        self, store: Store, *, by: str, clock: Clock | None = None, dry_run: bool = False
    ) -> Changed:
        """Deploy the versions with `backfill=True`, as of the time that they say; once is enough.

        To be called before `start`, which refuses such a version until somebody did: from then on
        it was current at instants at which others were. What was answered is not touched.

        Args:
            store: the log.
            by: the operator who wants it; recorded.
            clock: gives the time; None: the machine's.
            dry_run: append nothing.

        Raises:
            AlreadyStartedError: it runs.
            BackfillError: nobody is named, or it would separate versions that a transformer joins.
            EventStoreError: the log cannot be written.
        """
        self._refuse_started()
        if not by or not by.isprintable():
            raise BackfillError(
                problem=f"by={by!r:.80} names no operator.", remedy="Say who back-dates it."
            )
        return backdate(
            store, self.name, self.handlers, self._transformers, self._policy,
            clock=clock or system_clock, by=by, dry_run=dry_run,
        )  # fmt: skip

    def _refuse_started(self) -> None:
        if self._edge is not None:
            raise AlreadyStartedError(
                problem=f"App {self.name!r} runs: it takes no more registrations.",
                remedy="Register everything at import time.",
            )

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
        """Say for each handler what would not happen again or has no type, with the remedy."""
        return {
            f"{each.template.text} {each.edition or ''}".strip(): [
                *findings_of(each, run_order(each, self._hooks), self._sources),
                *untyped_in(each),
            ]
            for each in self._declared
        }

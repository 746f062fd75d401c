"""Starts modules of a running app anew (MO-7)."""

from collections.abc import Collection, Iterable, Sequence

from eventstore import Clock, Store
from runtime.app.declarations import Declared
from runtime.app.module_news import new_modules
from runtime.app.startup import read_known
from runtime.control import change, control_stream
from runtime.facts import Fact
from runtime.isolation.hosted import Hosted
from runtime.timescape import RouteTable


class Announcing:
    """Tells the log which modules run by now.

    Args:
        store: the log.
        app: its name.
        clock: of the log.
    """

    def __init__(self, store: Store, app: str, clock: Clock) -> None:
        self._store = store
        self._stream = control_stream(app)
        self._clock = clock

    def __call__(self, hosted: Hosted) -> int:
        """Tell of a module, durably, if the log does not know it so; return its generation.

        Raises:
            DuplicateModuleError: the log knows another module of that version.
            EventStoreError: the log cannot be written.
        """
        name, wanted = hosted.module.name, hosted.registered

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            known = read_known(self._store, self._stream, table.revision)
            return list(new_modules(known.modules, {name: wanted}).items())

        revision = change(self._store, self._stream, decide, clock=self._clock).table.revision
        return read_known(self._store, self._stream, revision).modules[name].generation


def methods_used(module: str, declared: Iterable[Declared]) -> Collection[str] | None:
    """Say which methods of *module* handlers call; None: their source does not show it."""
    used: set[str] = set()
    for version in declared:
        assert version.manifest is not None  # noqa: S101 - of `App.handlers`
        needs = version.manifest.needs
        if needs.dynamic and not needs.declared:
            return None
        methods = [name.partition(".") for name in needs.modules]
        used.update(method for name, _, method in methods if name == module)
    return None if "*" in used else used

"""The capabilities of an app's modules, as the log has them now, and how they are changed."""

from collections.abc import Mapping, Sequence

from eventstore import ANY, Clock, NewEvent, Revision, Store, StreamId, named_stream
from runtime.context import CONTROL
from runtime.errors import CapabilityError
from runtime.facts import Fact
from runtime.manifests.capabilities import Grant, fault_of
from runtime.manifests.grants import Grants
from runtime.module_facts import CapabilityGranted, CapabilityRevoked


def module_stream(app: str) -> StreamId:
    """Name the stream that tells of the modules of *app* while they run."""
    # No app has a name with a line break: it is not printable.
    return named_stream(CONTROL.name, f"{app}\nmodules")


class GrantDesk:
    """Knows the grants in force, and changes them by facts.

    Each use of a capability asks here, and here the log is asked: what is revoked, in this
    process or in another, is refused from the next use on.

    Args:
        store: the log.
        stream: of the app's modules.
        registered: what each module was granted at its registration.
        clock: of the log.
        own: kinds of capabilities that the app has added.
    """

    def __init__(
        self,
        store: Store,
        stream: StreamId,
        registered: Mapping[str, Sequence[Grant]],
        clock: Clock,
        own: frozenset[str] = frozenset(),
    ) -> None:
        self._own = own
        self._store = store
        self._stream = stream
        self._registered = registered
        self._clock = clock
        self._grants = Grants(registered)
        self._revision = Revision(0)

    def allow(self, module: str, kind: str, argument: str) -> bool:
        """Say whether *module* may use *argument* now.

        Raises:
            EventStoreError: the log cannot be read.
        """
        self._catch_up()
        return self._grants.allow(module, kind, argument)

    def of(self, module: str) -> tuple[tuple[str, str], ...]:
        """Give kind and pattern of all that *module* may use now, sorted."""
        self._catch_up()
        return self._grants.of(module)

    def register(self, module: str, granted: Sequence[Grant]) -> None:
        """Begin with other grants of *module*; what was said of them since still holds."""
        self._registered = {**self._registered, module: granted}
        self._grants, self._revision = Grants(self._registered), Revision(0)

    def grant(self, module: str, wanted: Grant, *, by: str = "") -> None:
        """Let *module* use more, from now on.

        Raises:
            CapabilityError: there is no such module, or nobody can grant that.
        """
        self._refuse_unknown(module)
        fault = fault_of(wanted, self._own)
        if fault is not None:
            raise CapabilityError(problem=f"{fault}.", remedy="Grant what there is.")
        self._append(
            module, [CapabilityGranted(wanted.kind, pattern, by) for pattern in wanted.patterns]
        )

    def revoke(self, module: str, kind: str, pattern: str, *, by: str = "") -> None:
        """Take a grant away; calls in progress end as they would, the next use is refused.

        Raises:
            CapabilityError: it is not in force, as it stands here.
        """
        if (kind, pattern) not in self.of(module):
            known = ", ".join(" ".join(pair) for pair in self.of(module)) or "nothing"
            raise CapabilityError(
                problem=f"Module {module!r} has no grant of {kind} for {pattern!r}.",
                remedy=f"There is: {known}.",
            )
        self._append(module, [CapabilityRevoked(kind, pattern, by)])

    def _refuse_unknown(self, module: str) -> None:
        if module not in self._registered:
            known = ", ".join(self._registered) or "none"
            raise CapabilityError(
                problem=f"There is no module {module!r} with capabilities.",
                remedy=f"There are: {known}.",
            )

    def _append(self, module: str, facts: Sequence[Fact]) -> None:
        now_us = self._clock()
        new = [NewEvent(fact.type, fact, module, now_us) for fact in facts]
        if new:
            self._store.append(
                self._stream, new, kind=CONTROL.name, expected=ANY, durable=True
            ).result()

    def _catch_up(self) -> None:
        last = self._store.head(self._stream).revision
        if last > self._revision:
            for event in self._store.read(self._stream, self._revision + 1, last):
                self._grants.add(event.data, event.key or "")
            self._revision = last

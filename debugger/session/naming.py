"""Names of forks: a fold over one control stream, and the decision to give one (WI-3).

A fork's own stream is closed once it is written, so its name stands elsewhere: in one stream
for all forks of a log. Two who name at the same time meet at that stream's revision, and the
later one decides again: of the forks of a request no two ever have one name.
"""

from collections.abc import Iterable, Mapping

import msgspec

from debugger.errors import BadInputError, NameTakenError, WriteRefusedError
from eventstore import (
    Clock,
    Event,
    EventStoreError,
    NewEvent,
    Store,
    StreamId,
    named_stream,
)
from runtime.context import CONTROL
from runtime.control_facts import ForkNamed

MOST = 128
"""Characters of a name."""
NAMES = named_stream(CONTROL.name, "\nforks")
"""The stream that they stand in; no app is called so."""
_ATTEMPTS = 8


class Names(msgspec.Struct, frozen=True):
    """What forks are called."""

    revision: int
    of: Mapping[str, ForkNamed]
    """Fork, 32 hex digits, to the fact that named it last."""
    called: Mapping[str, str]
    """Fork to its name."""

    def taken(self, parent: StreamId, forks: Iterable[StreamId]) -> Mapping[str, StreamId]:
        """Return name to fork, of those of *forks* that go on from *parent*."""
        return {
            self.called[fork.hex]: fork
            for fork in forks
            if fork.hex in self.called and self.of[fork.hex].parent == parent.hex
        }


def read_names(store: Store) -> Names:
    """Return the names of all forks in *store*, also of those that were removed."""
    return _folded(store.read(NAMES))


def _folded(events: Iterable[Event]) -> Names:
    of: dict[str, ForkNamed] = {}
    called: dict[str, str] = {}
    revision = 0
    for event in events:
        revision = event.revision
        if isinstance(event.data, ForkNamed):
            of[event.data.stream] = event.data
            called[event.data.stream] = event.key or ""
    return Names(revision, of, called)


def checked(name: str) -> str:
    """Return *name* as it is kept.

    Raises:
        BadInputError: it is empty, too long, or holds what a name must not hold.
    """
    kept = name.strip()
    if not 0 < len(kept) <= MOST:
        problem = f"A name has 1 to {MOST} characters, and this has {len(kept)}."
        raise BadInputError(problem, "For example: --name 'without tax'.")
    if "/" in kept or not kept.isprintable():
        problem = f"{kept[:80]!r} holds a slash, or what cannot be printed."
        raise BadInputError(problem, "`req-9f31c2/NAME` names a fork, so a name has no slash.")
    return kept


def give_name(store: Store, fork: StreamId, name: str, *, by: str, clock: Clock) -> None:
    """Call *fork* by *name* from now on, durably.

    Raises:
        BadInputError: no name, or *fork* is no fork.
        NameTakenError: another fork of its parent is called so.
        EventStoreError: the store cannot be written.
    """
    name, parent = checked(name), store.head(fork).parent
    if parent is None:
        problem = f"req-{fork.hex} is no fork, and only forks have names."
        raise BadInputError(problem, "Give the moment to go on from, too: --at M --name NAME.")
    for _ in range(_ATTEMPTS):
        names = read_names(store)
        holder = names.taken(parent, store.forks_of(parent)).get(name)
        if holder == fork:
            return
        if holder is not None:
            raise NameTakenError(name, holder.hex)
        if _append(store, names.revision, _named(fork, parent, name, by=by, at_us=clock())):
            return
    problem = "Others named forks again and again meanwhile."
    raise WriteRefusedError(problem, "Try it again.")


def _named(fork: StreamId, parent: StreamId, name: str, *, by: str, at_us: int) -> NewEvent:
    fact = ForkNamed(fork.hex, parent.hex, by)
    return NewEvent(fact.type, fact, name, at_us)


def _append(store: Store, revision: int, event: NewEvent) -> bool:
    """Append at *revision*; False: somebody else was first."""
    try:
        store.append(NAMES, [event], kind=CONTROL.name, expected=revision, durable=True).result()
    except EventStoreError as error:
        if error.code != "wrong-revision":
            raise
        return False
    return True

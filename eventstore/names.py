"""Numbers that stand for names in the log's rows: event types, source lines, kinds.

A row holds numbers, table `names` says what they mean, and `names.registered` facts in
the log's own stream say when each came: the table is their fold (LG-6). No number ever
changes its meaning.
"""

import threading
from collections.abc import Iterable

import msgspec

from eventstore.codec import KINDS, Numbers, Registry
from eventstore.errors import EventStoreError

HELD = "log.held"
REGISTERED = "names.registered"
RESET = "subscription.reset"

KIND, TYPE, SITE = 0, 1, 2
FIRST_NUMBER = KINDS
"""Below it kinds have their own ids, so that one column serves all."""
GUEST_NUMBER = 1 << 20
"""Guests number from here: the holder gives out lower numbers without asking the file."""


class Name(msgspec.Struct, frozen=True):
    """A name and its number."""

    id: int
    kind: int
    name: str
    version: int = 1


class NameBook:
    """What the numbers mean, and which numbers new names shall have. Thread-safe.

    A new name gets a number when it is first asked for, in the caller's thread, and is
    then *pending* until its fact is in the log. A guest's pending numbers are negative:
    it learns the real ones when it has the log to itself, and its rows are rewritten.

    Args:
        registry: gives the schema of types, and the kinds.
        guest: whether another process may give out numbers at the same time.
    """

    def __init__(self, registry: Registry, *, guest: bool = False) -> None:
        self._registry = registry
        self._guest = guest
        self._lock = threading.RLock()
        self._kinds: dict[int, str] = {}
        self._pending: dict[int, Name] = {}
        self._given = 0
        self._highest = {False: FIRST_NUMBER - 1, True: GUEST_NUMBER - 1}
        self.types: dict[int, tuple[str, int]] = {}
        """Number to name and schema, of types in the log."""
        self.sites: dict[int, str] = {}
        """Number to source line, of lines in the log."""
        self.type_ids = Numbers(self._new_type)
        """Type name to number, in the log or pending. Asking for a new name gives it one."""
        self.site_ids = Numbers(self._new_site)
        self.renamed: dict[int, int] = {}
        """Pending numbers that rows may hold, and the numbers that came to stand for them."""
        self.generation = 0
        """Raised whenever `renamed` grows: rows encoded before may need rewriting."""

    def __len__(self) -> int:
        """How many names of the log are known."""
        return len(self._kinds) + len(self.types) + len(self.sites)

    def prepare(self) -> None:
        """Give a number to each kind and type of the registry that has none."""
        with self._lock:
            for kind in self._registry.kinds:
                if kind.id not in self._kinds:
                    self._pending[kind.id] = Name(kind.id, KIND, kind.name)
        for type_ in (REGISTERED, HELD, *self._registry.names):
            self.type_ids[type_]

    def hold(self) -> None:
        """Give low numbers from now on: nobody else does, and all that are given are known."""
        with self._lock:
            self._guest = False

    def has_pending(self) -> bool:
        """Say whether there are names whose fact is not yet in the log."""
        return bool(self._pending)

    def unregistered(self) -> list[Name]:
        """Return the pending names, with the numbers that they shall have in the log.

        A guest must have the log to itself, and have loaded its names, until it has
        registered these.
        """
        with self._lock:
            if self._pending:
                self.type_ids[REGISTERED]
            number = self._highest[True]
            names = []
            for name in self._pending.values():
                if name.id < 0:
                    number += 1
                    name = Name(number, name.kind, name.name, name.version)  # noqa: PLW2901
                names.append(name)
            return names

    def load(self, names: Iterable[Name]) -> None:
        """Learn names that are in the log, ours and others'.

        Raises:
            EventStoreError: `stream-mismatch` where a kind has another name in the log.
        """
        with self._lock:
            for name in names:
                if name.kind == KIND:
                    self._learn_kind(name)
                elif name.kind == TYPE:
                    self.types[name.id] = (name.name, name.version)
                    if self._registry.schema(name.name) == name.version:
                        self._settle(self.type_ids, name)
                elif name.kind == SITE:
                    self.sites[name.id] = name.name
                    self._settle(self.site_ids, name)
                guests = name.id >= GUEST_NUMBER
                self._highest[guests] = max(self._highest[guests], name.id)

    def _learn_kind(self, name: Name) -> None:
        for kind in self._registry.kinds:
            if (kind.id == name.id) != (kind.name == name.name):
                problem = (
                    f"Kind {name.name!r} is {name.id} in this log, {kind.name!r} is {kind.id}."
                )
                remedy = "Register the kinds under the ids that the log knows."
                raise EventStoreError("stream-mismatch", problem, remedy, {"kind": name.name})
        self._kinds[name.id] = name.name
        self._pending.pop(name.id, None)

    def _settle(self, numbers: Numbers, name: Name) -> None:
        ours = numbers.known.get(name.name)
        pending = self._pending.pop(ours, None) if ours is not None else None
        if ours is not None and pending is not None and ours != name.id:
            self.renamed[ours] = name.id
            self.generation += 1
        numbers.known[name.name] = name.id

    def _new_type(self, name: str) -> int:
        return self._new(self.type_ids, TYPE, name, self._registry.schema(name))

    def _new_site(self, name: str) -> int:
        return self._new(self.site_ids, SITE, name, 1)

    def _new(self, numbers: Numbers, kind: int, name: str, version: int) -> int:
        with self._lock:
            known = numbers.known.get(name)
            if known is not None:
                return known
            if self._guest:
                self._given += 1
                number = -self._given
            else:
                number = self._highest[False] = self._highest[False] + 1
            self._pending[number] = Name(number, kind, name, version)
            numbers.known[name] = number
            return number

"""Which events and streams a program knows: names to payload classes, kinds of streams."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from eventstore.errors import EventStoreError
from eventstore.events import Kind
from eventstore.upcasting import F, Step, Upcasts
from eventstore.values import text

LOG_KIND = Kind(id=0, name="log", durable=True)
"""The log's own stream; every registry has it."""

KINDS = 16
"""How many kinds there may be: numbers from here on stand for types and source lines."""
SCHEMAS = 10_000
_KIND_BYTES = 128
_NAME = re.compile(r"[a-z0-9_.]{1,128}")


class Reading(msgspec.Struct, frozen=True):
    """How payloads stored under one name and schema are read."""

    name: str
    """What the type is called today."""
    cls: type[msgspec.Struct] | None
    """None: the program does not know them, or knows no way from there; they are given raw."""
    steps: Sequence[Step] = ()
    """From the stored schema to that of *cls*."""


class Registry:
    """What a program knows of the stored format. Fill it, then hand it to a store.

    Args:
        kinds: of streams; ids (1 to 15) and names must differ. `log` (0) is always there.

    Raises:
        EventStoreError: `kind-twice`, `invalid-id`.
    """

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self._kinds: dict[str, Kind] = {}
        self._kinds_by_id: dict[int, Kind] = {}
        self._classes: dict[str, type[msgspec.Struct]] = {}
        self._schemas: dict[str, int] = {}
        self._aliases: dict[str, str] = {}
        self._upcasts = Upcasts()
        for kind in kinds:
            self._add_kind(kind)
        if LOG_KIND.name not in self._kinds:
            self._add_kind(LOG_KIND)

    def _add_kind(self, kind: Kind) -> None:
        _check_kind(kind)
        if kind.name in self._kinds or kind.id in self._kinds_by_id:
            problem = f"Kind {kind.name!r} (id {kind.id}) is registered twice."
            remedy = "Give each kind of stream its own name and id."
            raise EventStoreError("kind-twice", problem, remedy, {"kind": kind.name})
        self._kinds[kind.name] = kind
        self._kinds_by_id[kind.id] = kind

    def register(
        self,
        name: str,
        cls: type[msgspec.Struct],
        schema: int = 1,
        *,
        aliases: Iterable[str] = (),
    ) -> None:
        """Let payloads of events called *name* be *cls*.

        Args:
            name: under which they are written.
            cls: what they are. Under one schema only a last field with a default may come.
            schema: raised when the shape changes otherwise; `upcast` leads to it.
            aliases: what it was called before. Events stored so are read as *name*.

        Raises:
            EventStoreError: `invalid-event` for a bad name or schema, `unsupported-class`
                for what is no Struct, `type-twice` for another class or schema under a known
                one, or an alias that is taken; nothing is registered then.
        """
        aliases = (aliases,) if isinstance(aliases, str) else tuple(aliases)
        _check_shape(name, cls, schema)
        known = self._classes.get(name, cls), self._schemas.get(name, schema)
        if known != (cls, schema) or name in self._aliases:
            raise _type_twice(name, self._aliases.get(name, known[0].__qualname__))
        for alias in aliases:
            check_type_name(alias)
            if alias in self._classes or alias == name or self._aliases.get(alias, name) != name:
                raise _type_twice(alias, self._aliases.get(alias, name))
        # All of it, or nothing.
        self._classes[name] = cls
        self._schemas[name] = schema
        self._aliases |= dict.fromkeys(aliases, name)

    def upcast(self, name: str, schema: int) -> Callable[[F], F]:
        """Decorate the step that makes payloads of *schema* of *name* those of the next.

        It takes the plain JSON data as stored and returns plain JSON data. It is pure, and
        stays as it is once it was released: old events are read through it for ever. Text
        with NUL or lone surrogates stands in it as `{"$str": …}` (VC-4).

        Raises:
            EventStoreError: `type-twice` for a second step from there, `invalid-event` for a
                bad name or schema.
        """
        check_type_name(name)
        _check_schema(name, schema)
        return lambda step: self._upcasts.add(name, schema, step)

    def check(self) -> None:
        """Refuse a schema that no steps lead to; stores call it before they open.

        Raises:
            EventStoreError: `upcast-missing`, `upcast-unused`.
        """
        self._upcasts.check(self._schemas)

    def reading(self, stored: str, schema: int) -> Reading:
        """Say how payloads are read that are stored as *stored* under *schema*."""
        name = self._aliases.get(stored, stored)
        cls = self._classes.get(name)
        steps = self._upcasts.path(name, schema, self.schema(name))
        return Reading(name, None) if steps is None else Reading(name, cls, steps)

    def current_name(self, name: str) -> str:
        """Return what the event type *name* is called today."""
        return self._aliases.get(name, name)

    def aliases_of(self, name: str) -> list[str]:
        """Return what the event type *name* was called before, sorted."""
        return sorted(alias for alias, today in self._aliases.items() if today == name)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All kinds of streams."""
        return tuple(self._kinds.values())

    def kind(self, name: str) -> Kind:
        """Return the kind called *name*.

        Raises:
            EventStoreError: `unknown-kind`.
        """
        try:
            return self._kinds[name]
        except KeyError:
            raise _unknown_kind(name, self._kinds) from None

    def kind_by_id(self, number: int) -> Kind:
        """Return the kind stored as *number*.

        Raises:
            EventStoreError: `unknown-kind`.
        """
        try:
            return self._kinds_by_id[number]
        except KeyError:
            raise _unknown_kind(number, self._kinds) from None

    @property
    def names(self) -> tuple[str, ...]:
        """All registered event types, in order of registration."""
        return tuple(self._classes)

    @property
    def payload_types(self) -> Mapping[str, type[msgspec.Struct]]:
        """The classes of payloads by name; not to be changed."""
        return self._classes

    def payload_type(self, name: str) -> type[msgspec.Struct] | None:
        """Return the class of payloads of *name*; None if it is not registered."""
        return self._classes.get(name)

    def schema(self, name: str) -> int:
        """Return the schema under which *name* is written; 1 if it is not registered."""
        return self._schemas.get(name, 1)


def check_type_name(name: str) -> None:
    """Refuse an event type that is not 1 to 128 of `a-z 0-9 _ .` (ES-6).

    Raises:
        EventStoreError: `invalid-event`.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problem = f"Event type {str(name)[:140]!a} is not 1 to 128 of a-z, 0-9, _ and dot."
        remedy = "Choose a dotted name in the past tense, such as order.placed."
        raise EventStoreError("invalid-event", problem, remedy, {"type": name})


def _check_shape(name: str, cls: object, schema: int) -> None:
    check_type_name(name)
    _check_schema(name, schema)
    if not isinstance(cls, type) or not issubclass(cls, msgspec.Struct):
        problem = f"The payloads of event type {name!r} cannot be {str(cls)[:80]!a}."
        remedy = "Give a subclass of msgspec.Struct, a frozen one."
        raise EventStoreError("unsupported-class", problem, remedy, {"type": name})


def _check_schema(name: str, schema: int) -> None:
    if type(schema) is not int or not 1 <= schema <= SCHEMAS:
        problem = f"{str(schema)[:40]!a} is no schema of event type {name!r}."
        remedy = f"The first is 1, each later one is one more, up to {SCHEMAS:,}."
        raise EventStoreError("invalid-event", problem, remedy, {"type": name, "schema": schema})


def _check_kind(kind: Kind) -> None:
    name, is_log = kind.name, kind.id == LOG_KIND.id
    good = isinstance(name, str) and text.is_plain(name) and 0 < len(name.encode()) <= _KIND_BYTES
    if good and type(kind.id) is int and 0 <= kind.id < KINDS and is_log == (name == LOG_KIND.name):
        return
    problem = f"A kind of stream cannot be {str(name)[:80]!a} with the id {str(kind.id)[:40]!a}."
    remedy = (
        f"Give an id from 1 to {KINDS - 1}, and a name of 1 to {_KIND_BYTES} bytes without NUL;"
        f" 0 is {LOG_KIND.name!r}, the log's own."
    )
    raise EventStoreError("invalid-id", problem, remedy, {"kind": name, "id": kind.id})


def _type_twice(name: str, known: str) -> EventStoreError:
    problem = f"Event type {name!r} is registered as {known} already."
    return EventStoreError("type-twice", problem, "A new meaning is a new name.", {"type": name})


def _unknown_kind(kind: object, known: Iterable[str]) -> EventStoreError:
    problem = f"There is no kind of stream {kind!r}; there are: {', '.join(known)}."
    remedy = "Register it in the registry that the store is opened with."
    return EventStoreError("unknown-kind", problem, remedy, {"kind": kind})

"""Old payloads made new, a step at a time. Pure.

A step takes the plain JSON data of one schema of an event type and gives that of the next.
Stored bytes never change: the steps run whenever an old event is read, for ever, so a step
that was released stays as it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from eventstore.errors import EventStoreError

Step: TypeAlias = Callable[[Any], Any]
"""From plain data of one schema to plain data of the next. It may change what it is given."""
F = TypeVar("F", bound=Step)


class UpcastError(ValueError):
    """A step raised; the cause is its error. Whoever knows which event it was says so."""

    def __init__(self, schema: int) -> None:
        self.schema = schema
        super().__init__(f"the step from schema {schema} failed")


class Upcasts:
    """The steps of all event types."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, int], Step] = {}

    def add(self, name: str, schema: int, step: F) -> F:
        """Let *step* lead from *schema* of *name* to the one after it.

        Raises:
            EventStoreError: `type-twice` for a second step from there.
        """
        if self._steps.setdefault((name, schema), step) is not step:
            problem = f"There is a step from schema {schema} of {name!r} already."
            remedy = "Keep the one that was released first."
            raise EventStoreError("type-twice", problem, remedy, {"type": name, "schema": schema})
        return step

    def path(self, name: str, schema: int, newest: int) -> Sequence[Step] | None:
        """Return the steps from *schema* to *newest*; None: there is no way."""
        steps = [self._steps.get((name, at)) for at in range(schema, newest)]
        known = [step for step in steps if step is not None]
        return known if schema <= newest and len(known) == len(steps) else None

    def check(self, schemas: Mapping[str, int]) -> None:
        """Refuse steps that lead nowhere, and schemas that no steps lead to.

        Args:
            schemas: the newest schema of each event type.

        Raises:
            EventStoreError: `upcast-missing`, `upcast-unused`.
        """
        wanted = {(name, at) for name, newest in schemas.items() for at in range(1, newest)}
        if missing := wanted - self._steps.keys():
            problem = f"No step leads on from {_listed(missing)}."
            remedy = "Write one: @registry.upcast(name, schema). Old events need it for ever."
            raise EventStoreError("upcast-missing", problem, remedy, {"missing": sorted(missing)})
        if unused := self._steps.keys() - wanted:
            problem = f"A step leads on from {_listed(unused)}, where nothing is newer."
            remedy = "Register the type under its new schema, or take the step away."
            raise EventStoreError("upcast-unused", problem, remedy, {"unused": sorted(unused)})


def lift(data: Any, steps: Iterable[Step], schema: int) -> Any:
    """Return *data* of *schema* as the last of *steps* makes it.

    Raises:
        UpcastError: a step raised.
    """
    for at, step in enumerate(steps, schema):
        try:
            data = step(data)
        except Exception as error:  # steps are the program's own code: whatever it was is told
            raise UpcastError(at) from error
    return data


def failed(event: Mapping[str, object], error: ValueError) -> EventStoreError:
    """Say which event cannot be made new, and where it failed.

    The texts of foreign errors may hold recorded values: only their class is told. What
    msgspec says of a misfit holds none.
    """
    cause = f", with {type(error.__cause__).__name__}" if error.__cause__ is not None else ""
    told = str(error) if isinstance(error, UpcastError | msgspec.ValidationError) else "misfit"
    problem = (
        f"Event {event['revision']} of stream {event['stream']}, a {event['type']} of schema"
        f" {event['schema']}, cannot be made new: {told}{cause}."
    )
    remedy = "Correct its upcaster; the other events can be read."
    return EventStoreError("upcast-failed", problem, remedy, dict(event))


def _listed(places: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"schema {schema} of {name!r}" for name, schema in sorted(places))

"""Brings databases to the schemas that handlers need, step by step, and back (DB-1 to DB-3).

Only one process at a time: whoever appends `schema.started` first goes on, all others are
refused until it is over. What a crash leaves open stays so until somebody decides.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from eventstore import Clock, Store, StreamId
from runtime.control import change
from runtime.effects import Sites
from runtime.effects.failures import failure_of
from runtime.errors import SchemaFailedError, SchemaNotRegistered
from runtime.facts import Fact, Failure
from runtime.schema_facts import SchemaApplied, SchemaFailed, SchemaRolledBack, SchemaStarted
from runtime.timescape import RouteTable
from runtime.timescape.schemas import (
    APPLIED,
    OPEN,
    refuse_incompatible,
    refuse_open,
    refuse_used,
)

STEP_S: Final = 30.0
"""What a step may take."""


class SchemaStep(msgspec.Struct, frozen=True):
    """One step to a schema, and back.

    Both may be called again when they were done already, after a crash: then they do nothing.
    """

    name: str
    up: Callable[[], Any]
    """Raises, or returns False, if it cannot be."""
    down: Callable[[], Any]
    timeout_s: float = STEP_S


class Schema(msgspec.Struct, frozen=True):
    """A version of a database's schema."""

    name: str
    """`orders@2`."""
    steps: tuple[SchemaStep, ...]
    """From the schema before to this one."""
    compatible_with: frozenset[str] = frozenset()
    """Other schemas of the same database whose code works on this one as well."""


class Outcome(msgspec.Struct, frozen=True):
    """How steps went."""

    done: tuple[str, ...]
    failed: str | None = None
    failure: Failure | None = None


class Schemas:
    """The schemas of one app.

    Args:
        store: the log.
        stream: the control stream of the app.
        clock: of the log.
        schemas: by name, as the app registered them.
        by: who changes them.
    """

    def __init__(
        self, store: Store, stream: StreamId, clock: Clock, schemas: Mapping[str, Schema], by: str
    ) -> None:
        self._store = store
        self._stream = stream
        self._clock = clock
        self._schemas = schemas
        self._by = by

    def prepare(self, needed: Sequence[str]) -> None:
        """See that all schemas of *needed* are there, before a version that needs one is.

        Raises:
            SchemaNotRegistered: the app does not have one of them.
            SchemaIncompatible: two of them, or one and what active versions need.
            SchemaOpenError: its database is between two schemas.
            SchemaFailedError: a step failed; what was done is undone.
        """
        wanted = {name: self._known(name).compatible_with for name in needed}
        for name in wanted:

            def decide(table: RouteTable, _: int, name: str = name) -> list[tuple[str, Fact]]:
                refuse_incompatible(table, name, wanted)
                if table.schemas.get(name) == APPLIED:
                    return []
                refuse_open(table, name)
                return [(name, self._started(name))]

            if change(self._store, self._stream, decide, clock=self._clock):
                self._go_up(self._known(name))

    def resume(self, name: str) -> None:
        """Go on with a change to *name* that was left open.

        Raises:
            SchemaNotRegistered: it is not open, or the app does not have it.
            SchemaFailedError: a step failed; what was done is undone.
        """
        schema = self._open(name)
        self._tell(name, self._started(name))
        self._go_up(schema)

    def undo(self, name: str) -> None:
        """Give up a change to *name* that was left open: undo all its steps.

        Raises:
            SchemaNotRegistered: it is not open, or the app does not have it.
            SchemaFailedError: a step cannot be undone; it stays open.
        """
        schema = self._open(name)
        outcome = attempt(tuple((s, s.down) for s in reversed(schema.steps)))
        left = tuple(s.name for s in schema.steps if s.name not in outcome.done)
        fact = SchemaFailed(outcome.failed or "", outcome.done, left, outcome.failure, self._by)
        self._tell(name, fact)
        if outcome.failed is not None:
            raise _failed(name, outcome.failed, "It is still between two schemas.")

    def roll_back(self, name: str) -> None:
        """Take *name* away again.

        Raises:
            SchemaNotRegistered: it is not there, or the app does not have it.
            SchemaInUse: active versions need it.
            SchemaOpenError: its database is between two schemas.
            SchemaFailedError: a step cannot be undone; it counts as there.
        """
        schema = self._known(name)

        def decide(table: RouteTable, _: int) -> list[tuple[str, Fact]]:
            refuse_open(table, name)
            if table.schemas.get(name) != APPLIED:
                raise _not_there(name)
            refuse_used(table, name)
            return [(name, self._started(name, down=True))]

        change(self._store, self._stream, decide, clock=self._clock)
        outcome = attempt(tuple((s, s.down) for s in reversed(schema.steps)))
        if outcome.failed is None:
            self._tell(name, SchemaRolledBack(self._by))
            return
        self._tell(name, SchemaFailed(outcome.failed, failure=outcome.failure, by=self._by))
        raise _failed(name, outcome.failed, "It counts as applied.")

    # --- the work ---

    def _go_up(self, schema: Schema) -> None:
        outcome = attempt(tuple((step, step.up) for step in schema.steps))
        if outcome.failed is None:
            self._tell(schema.name, SchemaApplied(self._by))
            return
        done = [step for step in schema.steps if step.name in outcome.done]
        undone = attempt(tuple((step, step.down) for step in reversed(done))).done
        left = tuple(step.name for step in done if step.name not in undone)
        fact = SchemaFailed(outcome.failed, undone, left, outcome.failure, self._by)
        self._tell(schema.name, fact)
        told = "It is between two schemas." if left else "What was done is undone."
        raise _failed(schema.name, outcome.failed, told)

    def _open(self, name: str) -> Schema:
        schema = self._known(name)

        def decide(table: RouteTable, _: int) -> list[tuple[str, Fact]]:
            if table.schemas.get(name) not in OPEN:
                raise _not_there(name)
            return []

        change(self._store, self._stream, decide, clock=self._clock)
        return schema

    def _known(self, name: str) -> Schema:
        schema = self._schemas.get(name)
        if schema is None:
            there = ", ".join(self._schemas) or "none"
            raise SchemaNotRegistered(
                problem=f"The app has no schema {name[:80]!r}.", remedy=f"There are: {there}."
            )
        return schema

    def _started(self, name: str, *, down: bool = False) -> SchemaStarted:
        steps = [step.name for step in self._known(name).steps]
        return SchemaStarted(tuple(reversed(steps) if down else steps), down, self._by)

    def _tell(self, name: str, fact: Fact) -> None:
        change(self._store, self._stream, lambda *_: [(name, fact)], clock=self._clock)


def attempt(work: Sequence[tuple[SchemaStep, Callable[[], Any]]]) -> Outcome:
    """Do steps in their order, up to the first that fails or is late."""
    done: list[str] = []
    for step, call in work:
        ended, error = _within(call, step.timeout_s)
        if not ended or error is not None:
            failure = None if error is None else failure_of(error, Sites(None))
            return Outcome(tuple(done), step.name, failure)
        done.append(step.name)
    return Outcome(tuple(done))


def _within(call: Callable[[], Any], limit_s: float) -> tuple[bool, BaseException | None]:
    """Call it; say whether it came to a good end in time, and what it raised."""
    said: list[object] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            said.append(call())
        except BaseException as error:  # noqa: BLE001 - told by who waits
            errors.append(error)

    # No thread can be stopped: one that is late is left, and must not keep the process alive.
    thread = threading.Thread(target=run, name="timescape-schema", daemon=True)
    thread.start()
    thread.join(limit_s)
    if errors:
        return False, errors[0]
    return bool(said) and said[0] is not False, None


def _failed(name: str, step: str, told: str) -> SchemaFailedError:
    return SchemaFailedError(
        problem=f"The schema {name} failed at step {step!r}. {told}",
        remedy="Correct the step; `schema.failed` in the log says where it was.",
    )


def _not_there(name: str) -> SchemaNotRegistered:
    return SchemaNotRegistered(
        problem=f"{name} is not in that state.", remedy="`timescape db schemas` says how it is."
    )

"""What a fork changes: state, an effect's answer, the request; checked before anything runs."""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec

from eventstore import Event, EventStoreError, Revision, StreamId
from eventstore.values import Classes, Tree, decode, encode
from runtime.context import REQUEST_REDUCER, patch
from runtime.errors import InvalidEditError, NotReplayableError, TimescapeError
from runtime.facts import (
    Change,
    ContextDeleted,
    ContextEdited,
    EffectFailed,
    EffectRequested,
    EffectReturned,
)
from runtime.lifecycle.editing import Pointer, SetState, change_of, edited, steps_of
from runtime.lifecycle.fitting import fitted
from runtime.lifecycle.handlers import HandlerVersion
from runtime.messages import ValidationFailed
from runtime.modules import ModuleRegistry
from runtime.replay.following import Course
from runtime.replay.recorded_request import UNCHANGED, Reading, received

_encode = msgspec.json.Encoder().encode


class UnsetState(msgspec.Struct, frozen=True):
    """A value of the user state is not there from the moment on."""

    path: Pointer
    """The key, then keys and indices."""


class SetAnswer(msgspec.Struct, frozen=True):
    """An effect gets another answer."""

    n: int
    """The effect's number in the stream."""
    value: Any


class SetInput(msgspec.Struct, frozen=True):
    """The request is another one."""

    path: Pointer
    """Begins with `body`, `query` or `headers`."""
    value: Any


Edit: TypeAlias = SetState | UnsetState | SetAnswer | SetInput


class Plan(msgspec.Struct, frozen=True):
    """How a run goes that edits were made to."""

    course: Course
    shared: int
    """At most so many facts are the original's."""
    answers: dict[int, Tree] = {}
    body: Any = UNCHANGED


class Surroundings(msgspec.Struct, frozen=True):
    """What edits are checked against."""

    version: HandlerVersion
    modules: ModuleRegistry
    classes: Classes
    request: str
    """Id of the request that is forked."""
    fork: StreamId


def plan_of(
    events: Sequence[Event], edits: Sequence[Edit], at: int | None, around: Surroundings
) -> Plan:
    """Say how a run of *events* goes with *edits* made at revision *at*.

    Args:
        events: of the stream.
        edits: at least one.
        at: None: as late as the edits allow.
        around: what they are checked against.

    Raises:
        InvalidEditError: with all that is wrong with them.
    """
    checking = _Checking(events, edits, at, around)
    plan = checking.plan()
    if checking.issues:
        raise InvalidEditError(tuple(checking.issues))
    return plan


class _Checking:
    """One call of `plan_of`."""

    def __init__(
        self, events: Sequence[Event], edits: Sequence[Edit], at: int | None, around: Surroundings
    ) -> None:
        self.issues: list[str] = []
        self._events = events
        self._around = around
        self._states = [each for each in edits if isinstance(each, SetState | UnsetState)]
        self._answers = [each for each in edits if isinstance(each, SetAnswer)]
        self._inputs = [each for each in edits if isinstance(each, SetInput)]
        self._answered = {
            e.data.n: e for e in events if isinstance(e.data, EffectReturned | EffectFailed)
        }
        self._at = self._moment(at)

    def _moment(self, at: int | None) -> int:
        if self._inputs:
            if at or self._states:
                self.issues.append("The request can only be changed at 0, and nothing else there.")
            return 0
        if at is not None:
            return at
        if self._states:
            self.issues.append("State is changed at a moment: say which (--at).")
            return 1
        known = [self._answered[each.n] for each in self._answers if each.n in self._answered]
        return min((event.revision - 1 for event in known), default=0)

    def plan(self) -> Plan:
        answers = self._checked_answers()
        if self._inputs:
            first, body = self._changed_request()
            return Plan(Course([first], until=1, lenient=True, leave=1), 0, answers, body)
        if self._states:
            return self._with_state(answers)
        events = [self._replaced(event, answers) for event in self._events]
        return Plan(Course(events, until=self._at, lenient=True), self._at, answers)

    # --- state ---

    def _with_state(self, answers: dict[int, Tree]) -> Plan:
        prefix = list(self._events[: self._at])
        values = dict(REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), prefix).values)
        if not prefix:
            self.issues.append("Before the first fact there is no state to change.")
            prefix = list(self._events[:1])
        for edit in self._states:
            fact = self._tried(edit.path, partial(_changed, values, edit, self._around))
            if fact is not None:
                last = prefix[-1]
                prefix.append(
                    msgspec.structs.replace(
                        last, revision=Revision(last.revision + 1), type=fact.type, data=fact,
                        key=edit.path[0], site=None,
                    )
                )  # fmt: skip
        course = Course(prefix, until=len(prefix), lenient=True, leave=len(prefix))
        return Plan(course, self._at, answers)

    def _tried(self, path: Pointer, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except (TimescapeError, EventStoreError) as error:
            self.issues.append(f"/{'/'.join(path)[:200]}: {error.problem}")
            return None

    # --- answers ---

    def _checked_answers(self) -> dict[int, Tree]:
        found = {}
        for edit in self._answers:
            tree = self._tried((f"effect {edit.n}",), partial(self._answer, edit))
            if tree is not None:
                found[edit.n] = tree[0]
        return found

    def _answer(self, edit: SetAnswer) -> tuple[Tree]:
        asked = next((e for e in self._events if _asks(e, edit.n)), None)
        answered = self._answered.get(edit.n)
        if asked is None or answered is None:
            known = ", ".join(map(str, self._answered)) or "none"
            msg = f"There is no answered effect of this number; there are: {known}."
            raise NotReplayableError(msg)
        if answered.revision <= self._at:
            msg = f"It was answered at #{answered.revision}, before the moment #{self._at}."
            raise NotReplayableError(msg)
        old = getattr(answered.data, "value", None)
        tree = encode(fitted(edit.value, old), self._around.classes)
        self._check_answer(asked, tree)
        return (tree,)

    def _check_answer(self, asked: Event, tree: Tree) -> None:
        kind = asked.data.kind
        value = decode(tree, self._around.classes)
        if kind == "now" and not (isinstance(value, dt.datetime) and value.tzinfo):
            msg = "A time with its zone is answered, such as 2026-10-01T12:00:00Z."
            raise NotReplayableError(msg)
        if kind not in {"now", "module"}:
            msg = f"Effects of kind {kind} have no answer that could be another."
            raise NotReplayableError(msg)
        if kind == "module":
            module, _, method = str(asked.key).partition(".")
            if module in self._around.modules.names():
                found = self._around.modules.methods(module).get(method)
                if found is not None:
                    found.check(value)

    def _replaced(self, event: Event, answers: dict[int, Tree]) -> Event:
        n = event.data.n if isinstance(event.data, EffectReturned | EffectFailed) else 0
        if n not in answers:
            return event
        fact = EffectReturned(n, answers[n])
        return msgspec.structs.replace(event, type=fact.type, data=fact)

    # --- the request ---

    def _changed_request(self) -> tuple[Event, Any]:
        """Return the fork's own first fact, and the body with what may not be recorded."""
        around, old = self._around, self._events[0]
        first = msgspec.structs.replace(old.data, parent=around.request)
        body = msgspec.json.decode(_encode(first.body))
        for edit in self._inputs:
            made = self._tried(edit.path, partial(_with_input, first, body, edit))
            first, body = made or (first, body)
        raw = _encode(body)
        first = msgspec.structs.replace(
            first, body=around.version.redact_body(raw), body_text=None, body_size=len(raw),
            body_digest="" if around.version.hides_in_body else hashlib.sha256(raw).hexdigest(),
        )  # fmt: skip
        event = msgspec.structs.replace(old, stream=around.fork, data=first)
        self._check_request(event, body)
        return event, body

    def _check_request(self, event: Event, body: Any) -> None:
        reading = Reading(self._around.version, self._events, _stand_in, body)
        try:
            reading.parse(received(event, self._events, _stand_in, body))
        except ValidationFailed as refused:
            self.issues += [f"{issue.path or '/'}: {issue.message}" for issue in refused.issues]
        except NotReplayableError as error:
            self.issues.append(error.problem)


def _asks(event: Event, n: int) -> bool:
    return isinstance(event.data, EffectRequested) and event.data.n == n


def _stand_in(_what: str) -> Any:
    return None


def _changed(
    values: dict[str, Tree], edit: SetState | UnsetState, around: Surroundings
) -> ContextEdited | ContextDeleted:
    """Return the fact that makes *edit*, and make it in *values*."""
    if isinstance(edit, UnsetState):
        return _unset(values, edit)
    return edited(values, edit, around.classes, origin="fork")


def _unset(values: dict[str, Tree], edit: UnsetState) -> ContextEdited | ContextDeleted:
    key, inner = (*edit.path, "")[0], edit.path[1:]
    if key not in values:
        msg = f"There is no {key!r} at that moment."
        raise NotReplayableError(msg)
    if not inner:
        del values[key]
        return ContextDeleted("fork")
    steps, _ = steps_of(values[key], inner)
    last = steps[-1]
    gone = Change("splice", steps, [], 1) if isinstance(last, int) else Change("remove", steps)
    values[key] = patch(values[key], (gone,))
    return ContextEdited((gone,), origin="fork")


def _with_input(first: Any, body: Any, edit: SetInput) -> tuple[Any, Any]:
    part, inner = edit.path[0] if edit.path else "", edit.path[1:]
    if part == "body":
        if not inner:
            return first, edit.value
        steps, _ = steps_of(body, inner)
        return first, patch(body, (change_of(body, steps, edit.value),))
    if part not in {"query", "headers"} or len(inner) != 1 or not isinstance(edit.value, str):
        msg = "Give /body and a path in it, or /query/NAME or /headers/NAME with a text."
        raise NotReplayableError(msg)
    name = inner[0].lower() if part == "headers" else inner[0]
    kept = tuple(pair for pair in getattr(first, part) if pair[0] != name)
    changed = {part: (*kept, (name, edit.value))}
    if part == "headers":
        changed["withheld"] = tuple(each for each in first.withheld if each != name)
    return msgspec.structs.replace(first, **changed), body

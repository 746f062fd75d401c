"""Edits of a held request's state (GA-9)."""

from collections.abc import Sequence

import msgspec

from eventstore import EventStoreError
from runtime.context import diff
from runtime.errors import GateRefusedError, TimescapeError
from runtime.facts import ContextEdited
from runtime.lifecycle.editing import SetState, edited
from runtime.lifecycle.run import Run


def apply_edits(run: Run, edits: Sequence[SetState], *, gate: str, by: str) -> None:
    """Write down what *edits* change, by one fact for each key; all of them or nothing.

    Raises:
        GateRefusedError: `bad-input`, with all that is wrong with them.
    """
    before = dict(run.record.state.values)
    after = dict(before)
    classes = run.surroundings.viewer.classes
    issues = []
    sizes = {}
    for edit in edits:
        try:
            edited(after, edit, classes, origin="gate")
            sizes[edit.path[0]] = run.holdings.check(edit.path[0], after[edit.path[0]])
        except (TimescapeError, EventStoreError) as error:
            issues.append(f"/{'/'.join(edit.path)[:200]}: {error.problem}")
    if issues:
        raise GateRefusedError("bad-input", " ".join(issues), "It is still held, unedited.")
    for key, size in sizes.items():
        fact = _fact(before.get(key), after[key], is_new=key not in before)
        if fact is not None:
            run.record.add(msgspec.structs.replace(fact, gate=gate, by=by), key)
            run.holdings.put(key, size)


def _fact(old: object, new: object, *, is_new: bool) -> ContextEdited | None:
    if is_new:
        return ContextEdited((), created=True, default=new, origin="gate")
    patch = diff(old, new)
    return ContextEdited(patch, origin="gate") if patch else None

"""What a client sees of the place a thread is at: frames, variables, values, texts (BY-1)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from debugger.dap import protocol
from debugger.dap.handles import Handles
from debugger.dap.points import data_id
from debugger.dap.protocol import Asked, Variable, bare, read
from debugger.dap.stepping import Stepping
from debugger.dap.tracks import MOST_FACTS, Frame, Track, text_of
from debugger.dap.values import Locals, Opened, Tree, token_of, variable, variables
from debugger.errors import BadInputError, NotFoundError
from debugger.session.lines import Local
from debugger.session.subjects import json_of
from debugger.session.watches import watch_of, watched
from debugger.timeline import (
    ABSENT,
    FACT_FIELDS,
    MOMENT_ROOTS,
    Unknown,
    parse,
    printable,
    shown,
)
from debugger.timeline.pointers import join, split
from debugger.timeline.predicate import has_words
from runtime.facts import Failure

_MOST_EXPRESSION = 4_096


class Looking:
    """Shows threads to a client, as far as it asks.

    Args:
        stepping: has the threads.
        roots: folders of the app's code.
        client: what it can do.
    """

    def __init__(
        self, stepping: Stepping, roots: Sequence[Path], client: protocol.Initialize
    ) -> None:
        self._stepping = stepping
        self._roots = roots
        self._client = client
        self._frames: Handles[tuple[Track, Frame]] = Handles()
        self._parts: Handles[Opened] = Handles()

    def forget(self) -> None:
        """Let no number stand for anything: a step is made."""
        self._frames.forget()
        self._parts.forget()

    # --- frames ---

    def stack(self, asked: Asked) -> dict[str, Any]:
        """Show the frames of a thread, innermost first."""
        given = read(asked, protocol.StackTrace)
        track = self._stepping.track(given.thread_id)
        frames = track.frames()
        last = given.start_frame + given.levels if given.levels > 0 else len(frames)
        some = frames[max(given.start_frame, 0) : last]
        return {
            "stackFrames": [self._frame(track, each) for each in some],
            "totalFrames": len(frames),
        }

    def _frame(self, track: Track, frame: Frame) -> dict[str, Any]:
        told = {"id": self._frames.add((track, frame)), "name": frame.name}
        if frame.is_label:
            return {**told, "line": 0, "column": 0, "presentationHint": "label"}
        source, line = track.source(frame, self._roots)
        first = int(self._client.lines_start_at1)
        column = int(self._client.columns_start_at1)
        return {**told, "source": source, "line": line - 1 + first, "column": column}

    def source(self, asked: Asked) -> dict[str, Any]:
        """Show the text of a fact."""
        given = read(asked, protocol.SourceText)
        thread, revision = divmod(given.source_reference, MOST_FACTS)
        timeline = self._stepping.track(thread).timeline
        if revision > timeline.last:
            problem = f"There is no fact {revision}."
            raise NotFoundError(problem, "Ask for the frames of the thread again.")
        return {"content": text_of(timeline, revision), "mimeType": "text/plain"}

    def failure(self, asked: Asked) -> dict[str, Any]:
        """Tell of the failure that a thread is at."""
        track = self._stepping.track(read(asked, protocol.OfThread).thread_id)
        revision = track.at.revision
        event = track.timeline.fact(revision) if revision else None
        failure = getattr(event.data, "failure", None) if event is not None else None
        name = failure.error if isinstance(failure, Failure) else event.type if event else "none"
        told: dict[str, Any] = {
            "exceptionId": printable(name),
            "description": track.told,
            "breakMode": "always",
        }
        if isinstance(failure, Failure) and failure.frames:
            trace = "\n".join(map(printable, failure.frames))
            told["details"] = {"typeName": printable(name), "stackTrace": trace}
        return told

    # --- variables ---

    def scopes(self, asked: Asked) -> dict[str, Any]:
        """Show what there is at a frame: locals, the state, the fact."""
        track, frame = self._frames.find(read(asked, protocol.OfFrame).frame_id)
        found = []
        if frame.step is not None:
            of = Locals(self._locals(track, frame))
            found.append(self._scope("Locals", of, "locals"))
        state = track.timeline.state_at(track.at.revision)
        found.append(self._scope("State", Tree(track.id, dict(state.values), ()), None))
        if track.at.revision:
            found.append(self._scope("Fact", Tree(track.id, _fact_of(track)), None))
        return {"scopes": found}

    def _locals(self, track: Track, frame: Frame) -> list[Local]:
        trace = track.walk.trace
        return [] if trace is None or frame.step is None else trace.locals_at(frame.step)

    def _scope(self, name: str, of: Opened, hint: str | None) -> dict[str, Any]:
        told = {"name": name, "variablesReference": self._parts.add(of), "expensive": False}
        return bare({**told, "presentationHint": hint})

    def variables(self, asked: Asked) -> dict[str, Any]:
        """Show the parts of a value, as many as are asked for."""
        given = read(asked, protocol.Variables)
        found = variables(self._parts.find(given.variables_reference), given, self._parts)
        return {"variables": [self._shown(each) for each in found]}

    def _shown(self, of: Variable) -> Variable:
        return of if self._client.supports_variable_type else msgspec.structs.replace(of, type=None)

    def place_of(self, number: int, name: str) -> tuple[Track, tuple[str, ...]]:
        """Return whose value a variable is, and its path.

        Raises:
            BadInputError: it is none of the state.
            NotFoundError: there is no such variable.
        """
        of = self._parts.find(number)
        if not isinstance(of, Tree) or of.path is None:
            problem = f"{name[:80]!r} is no value of the state."
            raise BadInputError(problem, "Only what lctx holds can be other, and watched.")
        return self._stepping.track(of.thread), (*of.path, token_of(of, name))

    def value_info(self, given: protocol.DataInfo) -> dict[str, Any]:
        """Say how a breakpoint at a value is called, or why it cannot have one."""
        try:
            if given.variables_reference:
                path = self.place_of(given.variables_reference, given.name)[1]
            else:
                path = split(_pointer(given.name))
        except (BadInputError, NotFoundError) as error:
            return {"dataId": None, "description": printable(f"{error.problem} {error.remedy}")}
        name = data_id(path)
        return {
            "dataId": name, "description": printable(name), "accessTypes": ["write"],
            "canPersist": True,
        }  # fmt: skip

    # --- values ---

    def evaluate(self, asked: Asked) -> dict[str, Any]:
        """Show the value of a local, a path, a place, or a filter; nothing is executed."""
        given = read(asked, protocol.Evaluate)
        text = given.expression.strip()
        if not text or len(text) > _MOST_EXPRESSION:
            problem = "There is nothing to look at." if not text else "That is too long to be read."
            raise BadInputError(problem, "Write a path such as /total, or state.total > 400.")
        track, frame = self._frame_of(given.frame_id)
        for local in self._locals(track, frame) if frame is not None else ():
            if local.name == text and local.sign != "-":
                return {"result": printable(local.text), "variablesReference": 0}
        [seen] = watched(
            self._stepping.session, track.timeline, [_watch_of(track, text)], track.at.revision
        )
        return self._result(track, seen.now)

    def _frame_of(self, number: int | None) -> tuple[Track, Frame | None]:
        return self._frames.find(number) if number else (self._stepping.recorded, None)

    def _result(self, track: Track, value: object) -> dict[str, Any]:
        if isinstance(value, Unknown):
            return {"result": f"unknown: {printable(value.reason)}", "variablesReference": 0}
        if value is ABSENT or isinstance(value, bool):
            return {"result": shown(value), "variablesReference": 0}
        told = variable("", Tree(track.id, value), self._parts)
        return bare({
            "result": shown(value), "type": self._shown(told).type,
            "variablesReference": told.variables_reference,
            "namedVariables": told.named_variables or None,
            "indexedVariables": told.indexed_variables or None,
        })  # fmt: skip


def _watch_of(track: Track, text: str) -> str:
    """Read an expression; the name of a key of the state means its value."""
    if text in track.timeline.state_at(track.at.revision).values:
        return watch_of(join((text,)))
    if not text.startswith("/") and has_words(parse(text, FACT_FIELDS, MOMENT_ROOTS)):
        # It would be looked for in the fact: an answer, but to another question.
        problem = f"{text[:80]!r} is no value that is known here."
        raise BadInputError(problem, "Write a path such as /total, or state.total > 400.")
    return watch_of(text)


def _pointer(text: str) -> str:
    """Return the path that an expression means: `/total`, `total` or `state.total`."""
    if text.startswith("/"):
        return text
    return "/" + text.removeprefix("state.")


def _fact_of(track: Track) -> dict[str, Any]:
    """Return what is known of the fact a thread is at."""
    revision = track.at.revision
    event, timeline = track.timeline.fact(revision), track.timeline
    return bare({
        "type": event.type, "key": event.key, "line": event.site,
        "by": timeline.by(revision) or None,
        "ms": (event.at_us - timeline.fact(1).at_us) / 1000, "data": json_of(event.data),
    })  # fmt: skip

"""One client's talk with a recording: what it asks, what it is answered and told (BY-1)."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from debugger.dap import protocol
from debugger.dap.looking import Looking
from debugger.dap.points import FAILURES, Wanted, told
from debugger.dap.protocol import Asked, bare, read
from debugger.dap.stepping import Stepping
from debugger.errors import BadInputError, DebuggerError
from debugger.session import Session
from debugger.session.again import Again
from debugger.timeline import printable
from eventstore import EventStoreError
from runtime.errors import TimescapeError

Body: TypeAlias = Mapping[str, Any]
_CAPABILITIES: Body = {
    "supportsConfigurationDoneRequest": True,
    "supportsStepBack": True,
    "supportsSteppingGranularity": True,
    "supportsConditionalBreakpoints": True,
    "supportsFunctionBreakpoints": True,
    "supportsDataBreakpoints": True,
    "supportsExceptionInfoRequest": True,
    "supportsExceptionFilterOptions": True,
    "supportsEvaluateForHovers": True,
    "supportsDelayedStackTraceLoading": True,
    "supportsTerminateRequest": True,
    "supportsCancelRequest": True,
    "exceptionBreakpointFilters": [
        {
            "filter": FAILURES,
            "label": "Failures",
            "description": "what failed, timed out, was aborted or denied, and answers from 400 on",
            "default": True,
            "supportsCondition": True,
            "conditionDescription": "a filter, such as error:KeyError or state.total > 400",
        }
    ],
}
"""What is done, and nothing else; a value can be set once an app is named that can run again."""


class Opened(msgspec.Struct, frozen=True):
    """A store that was opened for a client."""

    session: Session
    again: Again | None
    """Runs its requests again; None: no app was named."""
    roots: Sequence[Path]


class Adapter:
    """Answers one client. What it sends goes out in order: an answer, then what came of it.

    Args:
        opening: opens what a client wants to see; what it opens stays open.
        send: takes each message, without its number.
    """

    def __init__(
        self, opening: Callable[[protocol.Launch], Opened], send: Callable[[Body], None]
    ) -> None:
        self._opening = opening
        self._send = send
        self._hurried = threading.Event()
        self._again: Again | None = None
        self._client = protocol.Initialize()
        self._stepping: Stepping | None = None
        self._looking: Looking | None = None
        self._later: list[tuple[str, Body]] = []
        self.is_done = False
        """Whether the client has gone."""
        self.working_on = 0
        """The number of the request that is being answered, or was last."""
        self._commands: Mapping[str, Callable[[Asked], Body | None]] = {
            "initialize": self._initialize, "launch": self._launch, "attach": self._launch,
            "configurationDone": self._configured, "disconnect": self._disconnect,
            "terminate": self._terminate, "cancel": self._nothing, "pause": self._nothing,
            "setBreakpoints": self._set_lines, "setFunctionBreakpoints": self._set_names,
            "setDataBreakpoints": self._set_values, "dataBreakpointInfo": self._value_info,
            "setExceptionBreakpoints": self._set_failures,
            "threads": self._threads, "stackTrace": self._look(Looking.stack),
            "scopes": self._look(Looking.scopes), "variables": self._look(Looking.variables),
            "evaluate": self._look(Looking.evaluate), "source": self._look(Looking.source),
            "exceptionInfo": self._look(Looking.failure), "setVariable": self._set_variable,
            "next": self._step(Stepping.over), "stepIn": self._step(Stepping.into),
            "stepOut": self._step(Stepping.out), "stepBack": self._step(Stepping.back),
            "continue": self._step(Stepping.on),
            "reverseContinue": self._step(Stepping.reverse),
        }  # fmt: skip

    def hurry(self) -> None:
        """End what takes long: the client wants something else. From any thread."""
        self._hurried.set()
        if self._again is not None:
            self._again.cancel()

    def calm(self) -> None:
        """Take one's time again."""
        self._hurried.clear()

    def answer(self, asked: Asked) -> None:
        """Answer a request, and send what comes of it."""
        self._later.clear()
        self.working_on = asked.seq
        try:
            body = self._do(asked)
        except (DebuggerError, EventStoreError, TimescapeError) as error:
            self._send({**_answering(asked), "success": False, **_refusal(error)})
            return
        self._send(bare({**_answering(asked), "success": True, "body": body}))
        for event, of in self._later:
            self._send({"type": "event", "event": event, "body": of})

    def _do(self, asked: Asked) -> Body | None:
        command = self._commands.get(asked.command)
        if command is None:
            problem = f"`{printable(asked.command[:80])}` is not done here."
            raise BadInputError(problem, "`initialize` tells what is.")
        return command(asked)

    def _tell(self, event: str, **body: Any) -> None:
        self._later.append((event, body))

    # --- beginning and end ---

    def _initialize(self, asked: Asked) -> Body:
        self._client = read(asked, protocol.Initialize)
        if self._client.path_format != "path":
            problem = f"Paths as {self._client.path_format[:40]!r} are not understood."
            raise BadInputError(problem, "Set pathFormat to `path`.")
        return _CAPABILITIES

    def _launch(self, asked: Asked) -> None:
        if self._stepping is not None:
            problem = "A recording is open already."
            raise BadInputError(problem, "Disconnect, and begin again.")
        launch = read(asked, protocol.Launch)
        opened = self._opening(launch)
        self._again = opened.again
        stepping = Stepping(opened.session, opened.again, opened.roots, self._tell,
                            self._hurried.is_set)  # fmt: skip
        stepping.open(launch)
        self._stepping, self._looking = stepping, Looking(stepping, opened.roots, self._client)
        if opened.again is not None:
            self._tell("capabilities", capabilities={"supportsSetVariable": True})
        self._tell("initialized")

    def _configured(self, asked: Asked) -> None:
        self._open.begin()

    def _terminate(self, asked: Asked) -> None:
        self._tell("terminated")

    def _disconnect(self, asked: Asked) -> None:
        self.is_done = True

    def _nothing(self, asked: Asked) -> None:
        """Nothing runs: `pause` and `cancel` have hurried what there was."""

    @property
    def _open(self) -> Stepping:
        if self._stepping is None:
            problem = "No recording is open."
            raise BadInputError(problem, "`launch` or `attach` opens one.")
        return self._stepping

    # --- breakpoints ---

    def _set_lines(self, asked: Asked) -> Body:
        given = read(asked, protocol.SetBreakpoints)
        first = int(self._client.lines_start_at1)
        return self._set(self._open.points.set_lines(given.source, given.breakpoints, first=first))

    def _set_names(self, asked: Asked) -> Body:
        given = read(asked, protocol.SetFunctionBreakpoints)
        return self._set(self._open.points.set_names(given.breakpoints))

    def _set_values(self, asked: Asked) -> Body:
        given = read(asked, protocol.SetDataBreakpoints)
        return self._set(self._open.points.set_values(given.breakpoints))

    def _set_failures(self, asked: Asked) -> Body:
        given = read(asked, protocol.SetExceptionBreakpoints)
        conditions = [None for each in given.filters if each == FAILURES]
        options = [each.condition for each in given.filter_options if each.filter_id == FAILURES]
        return self._set(self._open.points.set_failures([*conditions, *options]))

    def _set(self, wanted: Sequence[Wanted]) -> Body:
        opened = self._open
        track, is_pending = opened.recorded, opened.is_pending
        return {"breakpoints": [told(each, track, is_pending=is_pending) for each in wanted]}

    def _value_info(self, asked: Asked) -> Body:
        self._open  # noqa: B018 - else there is nothing to ask about
        return self._seen.value_info(read(asked, protocol.DataInfo))

    # --- looking and stepping ---

    @property
    def _seen(self) -> Looking:
        self._open  # noqa: B018
        assert self._looking is not None  # noqa: S101 - opened together
        return self._looking

    def _threads(self, asked: Asked) -> Body:
        return {"threads": [{"id": each.id, "name": each.name} for each in self._open.tracks]}

    def _look(self, how: Callable[[Looking, Asked], Body]) -> Callable[[Asked], Body]:
        return lambda asked: how(self._seen, asked)

    def _step(
        self, how: Callable[[Stepping, protocol.OfThread], Body | None]
    ) -> Callable[[Asked], Body | None]:
        def step(asked: Asked) -> Body | None:
            body = how(self._open, read(asked, protocol.OfThread))
            self._seen.forget()
            return body

        return step

    def _set_variable(self, asked: Asked) -> Body:
        given = read(asked, protocol.SetVariable)
        track, path = self._seen.place_of(given.variables_reference, given.name)
        value = self._open.draft(track, path, given.value)
        self._seen.forget()
        if self._client.supports_invalidated_event:
            self._tell("invalidated", areas=["variables", "stacks", "threads"])
        return {"value": value}


def _answering(asked: Asked) -> dict[str, Any]:
    return {"type": "response", "request_seq": asked.seq, "command": asked.command}


def _refusal(error: DebuggerError | EventStoreError | TimescapeError) -> Body:
    """Tell an error: problem and remedy, as clients show one of `message` and `format`."""
    problem = getattr(error, "problem", "") or str(error)
    text = "\n".join(map(printable, _lines(problem, error.remedy or "")))
    number = int("".join(filter(str.isdigit, error.code)) or 0)
    shown = {"id": number, "format": text, "showUser": True}
    return {"message": text, "body": {"error": {**shown, "variables": {"code": error.code}}}}


def _lines(problem: str, remedy: str) -> Iterator[str]:
    if "\n" not in problem:
        yield f"{problem} {remedy}".rstrip()
        return
    # A filter with its caret below.
    yield from problem.split("\n")
    if remedy:
        yield remedy

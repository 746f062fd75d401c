"""What is asked and answered, as far as it is used here: names and shapes are the protocol's.

Source: the Debug Adapter Protocol, 1.6x. Fields that clients send and nobody here needs are
passed by; fields of another kind than these are refused by name.
"""

from typing import Any, TypeVar

import msgspec

from debugger.errors import BadInputError


class Asked(msgspec.Struct):
    """A request of the client."""

    seq: int
    command: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class Arguments(msgspec.Struct, rename="camel"):
    """Arguments of a request."""


class Initialize(Arguments):
    """What the client can do."""

    lines_start_at1: bool = True
    columns_start_at1: bool = True
    path_format: str = "path"
    supports_variable_type: bool = False
    supports_invalidated_event: bool = False


class Launch(Arguments):
    """What is to be opened; the names of `launch.json`. Clients add names of their own."""

    store: str = ""
    request_id: str = ""
    where: str = ""
    app: str = ""
    cwd: str = ""
    source: list[str] | str = ()  # type: ignore[assignment]  # msgspec takes no mutable default
    at: str = ""
    stop_on_entry: bool = False
    lines: bool = True


class Source(Arguments, omit_defaults=True):
    """A file, or a text that is asked for by its reference."""

    name: str | None = None
    path: str | None = None
    source_reference: int = 0
    origin: str | None = None


class AtLine(Arguments):
    """A breakpoint at a line."""

    line: int
    condition: str | None = None


class SetBreakpoints(Arguments):
    """All breakpoints of a file."""

    source: Source
    breakpoints: list[AtLine] = []


class AtName(Arguments):
    """A breakpoint at a hook or handler."""

    name: str
    condition: str | None = None


class SetFunctionBreakpoints(Arguments):
    """All breakpoints at names."""

    breakpoints: list[AtName]


class AtData(Arguments):
    """A breakpoint at what writes a value."""

    data_id: str
    access_type: str | None = None
    condition: str | None = None


class SetDataBreakpoints(Arguments):
    """All breakpoints at values."""

    breakpoints: list[AtData]


class DataInfo(Arguments):
    """Which value a breakpoint could be set at."""

    name: str
    variables_reference: int = 0


class FilterOptions(Arguments):
    """A filter of failures with a condition."""

    filter_id: str
    condition: str | None = None


class SetExceptionBreakpoints(Arguments):
    """Which failures stop."""

    filters: list[str] = []
    filter_options: list[FilterOptions] = []


class OfThread(Arguments):
    """A step of one thread."""

    thread_id: int
    granularity: str = "statement"


class Cancel(Arguments):
    """A request whose answer is not wanted any more."""

    request_id: int | None = None


class StackTrace(Arguments):
    """Some frames of a thread."""

    thread_id: int
    start_frame: int = 0
    levels: int = 0


class OfFrame(Arguments):
    """Something of a frame."""

    frame_id: int


class Variables(Arguments):
    """Some parts of a value."""

    variables_reference: int
    filter: str = ""
    start: int = 0
    count: int = 0


class SetVariable(Arguments):
    """A value that is to be another one."""

    variables_reference: int
    name: str
    value: str


class Evaluate(Arguments):
    """A place or predicate."""

    expression: str
    frame_id: int | None = None
    context: str = ""


class SourceText(Arguments):
    """A text by its reference."""

    source_reference: int


class Variable(Arguments, omit_defaults=True):
    """A value as it is shown."""

    name: str
    value: str
    variables_reference: int
    type: str | None = None
    evaluate_name: str | None = None
    named_variables: int = 0
    indexed_variables: int = 0


A = TypeVar("A", bound=Arguments)


def read(asked: Asked, kind: type[A]) -> A:
    """Read the arguments of a request.

    Raises:
        BadInputError: says which field is missing or of another kind.
    """
    try:
        return msgspec.json.decode(asked.arguments, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        problem = f"The arguments of `{asked.command[:80]}` cannot be read: {error}."
        raise BadInputError(problem, "The protocol says which a request has.") from error


def read_asked(body: bytes) -> Asked:
    """Read a request.

    Raises:
        BadInputError: it is none.
    """
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        problem = f"A message is no request: {error}."
        raise BadInputError(problem, "Requests have `seq` and `command`.") from error


def bare(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is None."""
    return {name: value for name, value in values.items() if value is not None}


_decode = msgspec.json.Decoder(Asked).decode

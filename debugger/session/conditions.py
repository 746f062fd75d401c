"""Conditions of gates: the debugger's filters, asked of a request that runs (GA-3, TM-7).

The process that serves is handed `read_condition`; its runtime knows no filters itself.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from debugger.errors import BadInputError, FilterError
from debugger.session.requests import RequestSummary, request_id
from debugger.session.subjects import FactSubject, json_of
from debugger.timeline import FACT_FIELDS, MOMENT_ROOTS, Predicate, Unknown, judge, parse
from eventstore import Event, Position, Revision
from runtime.facts import PrincipalEstablished, RequestReceived, VersionResolved
from runtime.gates import Condition, Moment

_AT_THE_END = ("status", "outcome", "dur")
FIELDS = {name: kind for name, kind in FACT_FIELDS.items() if name not in _AT_THE_END}
ROOTS = tuple(root for root in MOMENT_ROOTS if root != "response")


def read_condition(text: str) -> Condition:
    """Read a gate's `when`.

    Raises:
        FilterError: shows where the fault is.
        BadInputError: it asks for what is known only when the request has ended.
    """
    try:
        predicate = parse(text, FIELDS, ROOTS)
    except FilterError:
        parse(text, FACT_FIELDS, MOMENT_ROOTS)
        problem = f"{text[:80]!r} asks for what is known only when a request has ended."
        late = ", ".join((*_AT_THE_END, "response"))
        raise BadInputError(problem, f"A gate cannot ask for {late}.") from None
    return partial(_holds, predicate)


def _holds(predicate: Predicate, moment: Moment) -> bool | str:
    answer = judge(predicate, _Live(moment), FIELDS, moment.now_us)
    return answer.reason if isinstance(answer, Unknown) else answer


class _Live(FactSubject):
    """The newest fact of a request that runs."""

    def __init__(self, moment: Moment) -> None:
        last, revision = moment.events[-1], Revision(len(moment.events))
        event = Event(
            Position(0), moment.stream, revision, last.type, last.data, last.key, last.at_us,
            last.site,
        )  # fmt: skip
        super().__init__(event, partial(_summary, moment))
        self._moment = moment

    def root(self, name: str) -> Any:
        """Return the value of a root of `ROOTS`."""
        match name:
            case "state" | "old":
                values: Mapping[str, Any] = (
                    self._moment.after if name == "state" else self._moment.before
                )
                return dict(values)
            case "request":
                return json_of(self._moment.events[0].data)
            case _:
                return super().root(name)


def _summary(moment: Moment) -> RequestSummary:
    """Return what is known of the request by now."""
    first = moment.events[0]
    received: RequestReceived = first.data
    principal, version, edition = "anonymous", None, None
    for event in moment.events:
        if isinstance(event.data, PrincipalEstablished):
            principal = event.key or principal
        elif isinstance(event.data, VersionResolved):
            version, edition = event.key, event.data.edition
    return RequestSummary(
        stream=moment.stream, request_id=request_id(moment.stream), position=0,
        started_us=first.at_us, method=received.method, path=received.path, route=received.route,
        handler=received.handler, edition=edition, status=None, outcome="running", failed=False,
        duration_us=0, facts=len(moment.events), principal=principal, version=version,
    )  # fmt: skip

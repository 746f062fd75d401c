"""A request's history as moments: steps, differences, watches. Pure: no I/O, no clock."""

from typing import TYPE_CHECKING

from debugger.timeline.differences import Change, differences
from debugger.timeline.printable import fit, is_hidden, printable, width
from debugger.timeline.shown import shown
from eventstore.doors import opener

if TYPE_CHECKING:
    from debugger.timeline.parsing import parse
    from debugger.timeline.pointers import ABSENT
    from debugger.timeline.predicate import (
        FACT_FIELDS,
        FACT_ROOTS,
        MOMENT_ROOTS,
        REQUEST_FIELDS,
        Predicate,
        Subject,
        judge,
        matches,
    )
    from debugger.timeline.quantities import span_us
    from debugger.timeline.searching import data_text, holds
    from debugger.timeline.sentences import sentence, subject
    from debugger.timeline.stops import StepKind, is_failure
    from debugger.timeline.timeline import Timeline
    from debugger.timeline.values import Unknown
    from debugger.timeline.writing import LastWrite, Write

__all__ = [
    "ABSENT",
    "FACT_FIELDS",
    "FACT_ROOTS",
    "MOMENT_ROOTS",
    "REQUEST_FIELDS",
    "Change",
    "LastWrite",
    "Predicate",
    "StepKind",
    "Subject",
    "Timeline",
    "Unknown",
    "Write",
    "data_text",
    "differences",
    "fit",
    "holds",
    "is_failure",
    "is_hidden",
    "judge",
    "matches",
    "parse",
    "printable",
    "sentence",
    "shown",
    "span_us",
    "subject",
    "width",
]

_ROOMS = {
    "ABSENT": "debugger.timeline.pointers",
    "FACT_FIELDS": "debugger.timeline.predicate",
    "FACT_ROOTS": "debugger.timeline.predicate",
    "MOMENT_ROOTS": "debugger.timeline.predicate",
    "REQUEST_FIELDS": "debugger.timeline.predicate",
    "LastWrite": "debugger.timeline.writing",
    "Predicate": "debugger.timeline.predicate",
    "StepKind": "debugger.timeline.stops",
    "Subject": "debugger.timeline.predicate",
    "Timeline": "debugger.timeline.timeline",
    "Unknown": "debugger.timeline.values",
    "Write": "debugger.timeline.writing",
    "data_text": "debugger.timeline.searching",
    "holds": "debugger.timeline.searching",
    "is_failure": "debugger.timeline.stops",
    "judge": "debugger.timeline.predicate",
    "matches": "debugger.timeline.predicate",
    "parse": "debugger.timeline.parsing",
    "sentence": "debugger.timeline.sentences",
    "span_us": "debugger.timeline.quantities",
    "subject": "debugger.timeline.sentences",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)

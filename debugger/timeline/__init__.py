"""A request's history as moments: steps, differences, watches. Pure: no I/O, no clock."""

from debugger.timeline.differences import Change, differences
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
from debugger.timeline.printable import fit, is_hidden, printable, width
from debugger.timeline.quantities import span_us
from debugger.timeline.searching import data_text, holds
from debugger.timeline.sentences import sentence, subject
from debugger.timeline.shown import shown
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

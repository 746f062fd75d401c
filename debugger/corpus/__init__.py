"""Many requests run again, and one request run by many versions."""

from debugger.corpus.bisecting import Bisection, Probe, bisect
from debugger.corpus.groups import Group, grouped
from debugger.corpus.running import Corpus, run_all
from debugger.corpus.verdicts import DIFFER, Row, row_of, run_one

__all__ = [
    "DIFFER",
    "Bisection",
    "Corpus",
    "Group",
    "Probe",
    "Row",
    "bisect",
    "grouped",
    "row_of",
    "run_all",
    "run_one",
]

"""Requests that are run again, to see whether they say the same, and what else would come.

A request that was recorded is run by the code of an app, on virtual time, with the answers of
its record; nothing is performed. Where code and record part, that is told; where another version
or an edit is wanted, the run becomes a fork.
"""

from runtime.lifecycle.editing import SetState
from runtime.replay.choosing import Library
from runtime.replay.comparing import Difference, compare
from runtime.replay.divergence import Divergence
from runtime.replay.edits import Edit, SetAnswer, SetInput, UnsetState
from runtime.replay.reexecution import Options, Replay, keep_fork, reexecute, run_again
from runtime.replay.tracing import Line

__all__ = [
    "Difference",
    "Divergence",
    "Edit",
    "Library",
    "Line",
    "Options",
    "Replay",
    "SetAnswer",
    "SetInput",
    "SetState",
    "UnsetState",
    "compare",
    "keep_fork",
    "reexecute",
    "run_again",
]

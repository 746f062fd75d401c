"""Requests that are run again, to see whether they say the same, and what else would come.

A request that was recorded is run by the code of an app, on virtual time, with the answers of
its record; nothing is performed. Where code and record part, that is told; where another version
or an edit is wanted, the run becomes a fork.
"""

from typing import TYPE_CHECKING

from eventstore.doors import opener

if TYPE_CHECKING:
    from runtime.lifecycle.editing import SetState
    from runtime.replay.choosing import Library
    from runtime.replay.comparing import Difference, compare
    from runtime.replay.divergence import Divergence
    from runtime.replay.edits import Edit, SetAnswer, SetInput, UnsetState
    from runtime.replay.lines import Line
    from runtime.replay.reexecution import Options, Replay, keep_fork, reexecute, run_again

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

_ROOMS = {
    "Difference": "runtime.replay.comparing",
    "Divergence": "runtime.replay.divergence",
    "Edit": "runtime.replay.edits",
    "Library": "runtime.replay.choosing",
    "Line": "runtime.replay.lines",
    "Options": "runtime.replay.reexecution",
    "Replay": "runtime.replay.reexecution",
    "SetAnswer": "runtime.replay.edits",
    "SetInput": "runtime.replay.edits",
    "SetState": "runtime.lifecycle.editing",
    "UnsetState": "runtime.replay.edits",
    "compare": "runtime.replay.comparing",
    "keep_fork": "runtime.replay.reexecution",
    "reexecute": "runtime.replay.reexecution",
    "run_again": "runtime.replay.reexecution",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)

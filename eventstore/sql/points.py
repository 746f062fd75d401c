"""Named points in the work of a store, told to whoever audits this interpreter (PEP 578).

The kill tests listen in a child of theirs and end it by SIGKILL at the n-th passing of a
point. There is nothing to arm here, and so nothing that could be left armed: without an
audit hook `sys.audit` returns at once (40 ns; a flush takes 100 µs and more).
"""

import sys

EVENT = "eventstore.point"
"""Name of the audit event; its one argument is the name of the point."""
POINTS = (
    "create.before", "create.after", "hold.before", "hold.after", "flush.before", "flush.assigned",
    "flush.after", "flush.resolved", "sync.before", "sync.after", "checkpoint.before",
    "checkpoint.after", "keyframe.before", "keyframe.after", "seal.before", "seal.after",
    "segment.before", "segment.after", "unload.before", "unload.after", "prune.before",
    "prune.after", "import.before", "import.after", "guest.before", "guest.after",
    "redact.before", "redact.after", "erase.before", "erase.after", "rewrap.before",
    "rewrap.after", "upgrade.before", "upgrade.after", "close.before",
    "close.after",
)  # fmt: skip
"""All that there are. The tests kill at each; a point that none of them reaches fails.

A new one needs its name here and, unless appending and closing pass it, a job that passes it
in `tests.kills.jobs`.
"""


def crash_point(name: str) -> None:
    """Tell that the point *name*, one of `POINTS`, is passed."""
    sys.audit(EVENT, name)

"""What changed between two types, and whom it breaks: callers, readers, what is stored.

`compare(old, new)` lists changes, each with the rule that judges it. Whether a rule breaks
depends on the direction: a request breaks when something that old callers send is refused,
an answer when old callers cannot read something that is sent, what is stored when either is so.
"""

from runtime.breaking.comparing import compare
from runtime.breaking.reports import Change, Comparison
from runtime.breaking.rules import RULES, Direction, Verdict

__all__ = ["RULES", "Change", "Comparison", "Direction", "Verdict", "compare"]

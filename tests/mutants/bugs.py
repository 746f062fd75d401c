"""Bugs of a store that its conformance machine must find."""

from eventstore.sql import tail
from eventstore.sql.folding import Folds
from eventstore.sql.log_file import LogFile
from eventstore.sql.plan import Plan
from eventstore.sql.reader import Reader
from tests.mutants.planting import Bug

BUGS = (
    Bug(
        "acknowledge before writing", LogFile._flush,
        "self._write(plan.rows)",
        "late = vars(self).pop('late', None); self.late = plan.rows; late and self._write(late)",
    ),
    Bug(
        "append whatever revision was expected", Plan._check_head,
        "draft.expected not in (ANY, known.revision)", "False",
    ),
    Bug("append to a closed stream", Plan._check_head, "if known.closed", "if False"),
    Bug(
        "forget that a stream is closed once the store is opened again", tail.SqlLookups.known,
        "bool(flags & CLOSES)", "False",
    ),
    Bug(
        "take a stream for one of another kind", Plan._check_head,
        "known.revision and known.kind != draft.kind.id", "False",
    ),
    Bug("append a retried commit twice", Plan._repeated, "if not draft.given", "if True"),
    Bug(
        "take other events for a retry", Plan._repeated,
        "!= same:", "== 0:",
    ),
    Bug(
        "let time run backwards", Plan._write,
        "max(draft.now_us, self._last_at_us)", "draft.now_us",
    ),
    Bug(
        "chain each row of a commit to the row before the commit", Plan._write,
        "head, uid, epoch, pos,", "self._head, uid, epoch, pos,",
    ),
    Bug(
        "fork anywhere, even behind the parent's end", Plan._check_parent,
        "or revision > known.revision", "",
    ),
    Bug(
        "show a fork what its parent did later", Reader._inherited,
        "min(last, rows[0][6])", "last",
    ),
    Bug(
        "begin to read at a row's own revision", Reader.read,
        "max(first - ROW_EVENTS + 1, 1)", "first",
    ),
    Bug(
        "give a row too many of a stream", Reader.read,
        "events[max(first - revision, 0) : last - revision + 1]",
        "events[max(first - revision, 0) :]",
    ),
    Bug(
        "fold to the end of a row", Folds.events,
        "events[: leg.last - row.revision + 1]", "events",
    ),
)  # fmt: skip

"""What a row costs as it enters: one look at the log, an index entry for a stream's first alone."""

from alembic import op

revision = "0003"
down_revision = "0002"

# `WHERE only = 1` seeks the log's row; without it each trigger scans the table.
COMMITS_FENCE = """
CREATE TRIGGER commits_fence BEFORE INSERT ON commits
WHEN (
  SELECT maintenance = 0 AND (next_pos <> NEW.pos OR epoch <> NEW.epoch) FROM log WHERE only = 1
)
BEGIN
  SELECT RAISE(ABORT, 'fenced');
END
"""
COMMITS_ADVANCE = """
CREATE TRIGGER commits_advance AFTER INSERT ON commits
BEGIN
  UPDATE log SET next_pos = NEW.pos + NEW.n, head = NEW.chain WHERE only = 1 AND maintenance = 0;
END
"""
# A stream that its first row closes is not in it, and of others that row alone: the row at
# revision 1, and of a fork the one that names what it goes on from.
COMMITS_UNCLOSED = """
CREATE INDEX commits_unclosed ON commits (kind, stream)
WHERE (flags & 1) = 0 AND (revision = 1 OR parent IS NOT NULL)
"""

OLD_FENCE = """
CREATE TRIGGER commits_fence BEFORE INSERT ON commits
WHEN (SELECT maintenance = 0 AND (next_pos <> NEW.pos OR epoch <> NEW.epoch) FROM log)
BEGIN
  SELECT RAISE(ABORT, 'fenced');
END
"""
OLD_ADVANCE = """
CREATE TRIGGER commits_advance AFTER INSERT ON commits
WHEN (SELECT maintenance = 0 FROM log)
BEGIN
  UPDATE log SET next_pos = NEW.pos + NEW.n, head = NEW.chain;
END
"""
OLD_UNCLOSED = "CREATE INDEX commits_unclosed ON commits (kind, stream) WHERE (flags & 1) = 0"


def upgrade() -> None:
    """Make triggers and index anew."""
    _replace(COMMITS_FENCE, COMMITS_ADVANCE, COMMITS_UNCLOSED)


def downgrade() -> None:
    """Make them as they were."""
    _replace(OLD_FENCE, OLD_ADVANCE, OLD_UNCLOSED)


def _replace(fence: str, advance: str, unclosed: str) -> None:
    for statement in (
        "DROP TRIGGER commits_fence", "DROP TRIGGER commits_advance", "DROP INDEX commits_unclosed",
        fence, advance, unclosed,
    ):  # fmt: skip
        op.execute(statement)

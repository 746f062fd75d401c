"""The log: commits, where it ends, what its numbers mean, and the view that reads them."""

from alembic import op

revision = "0001"
down_revision = None

COMMITS = """
CREATE TABLE commits (
  pos INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  stream TEXT NOT NULL,
  revision INTEGER NOT NULL,
  n INTEGER NOT NULL CHECK (n BETWEEN 1 AND 256),
  kind INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  began_us INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  commit_id BLOB NOT NULL,
  parent TEXT,
  parent_revision INTEGER,
  codec INTEGER NOT NULL,
  data TEXT NOT NULL,
  salt BLOB,
  digest BLOB,
  chain BLOB NOT NULL,
  UNIQUE (stream, revision)
) STRICT
"""
COMMITS_BY_PARENT = "CREATE INDEX commits_by_parent ON commits (parent) WHERE parent IS NOT NULL"

LOG = """
CREATE TABLE log (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  uid TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  next_pos INTEGER NOT NULL,
  head BLOB NOT NULL,
  syncs INTEGER NOT NULL,
  open_from INTEGER NOT NULL,
  maintenance INTEGER NOT NULL,
  created_us INTEGER NOT NULL
) STRICT
"""

NAMES = """
CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  fingerprint BLOB,
  UNIQUE (kind, name, version)
) STRICT
"""

# A row enters only where the log ends and under its epoch: whoever was overtaken is refused.
COMMITS_FENCE = """
CREATE TRIGGER commits_fence BEFORE INSERT ON commits
WHEN (SELECT maintenance = 0 AND (next_pos <> NEW.pos OR epoch <> NEW.epoch) FROM log)
BEGIN
  SELECT RAISE(ABORT, 'fenced');
END
"""
COMMITS_ADVANCE = """
CREATE TRIGGER commits_advance AFTER INSERT ON commits
WHEN (SELECT maintenance = 0 FROM log)
BEGIN
  UPDATE log SET next_pos = NEW.pos + NEW.n, head = NEW.chain;
END
"""
COMMITS_NO_UPDATE = """
CREATE TRIGGER commits_no_update BEFORE UPDATE ON commits
WHEN (SELECT maintenance = 0 FROM log)
BEGIN
  SELECT RAISE(ABORT, 'append-only');
END
"""
COMMITS_NO_DELETE = """
CREATE TRIGGER commits_no_delete BEFORE DELETE ON commits
WHEN (SELECT maintenance = 0 FROM log)
BEGIN
  SELECT RAISE(ABORT, 'append-only');
END
"""
LOG_FORWARD = """
CREATE TRIGGER log_forward BEFORE UPDATE ON log
WHEN NEW.next_pos < OLD.next_pos OR NEW.epoch < OLD.epoch
BEGIN
  SELECT RAISE(ABORT, 'backwards');
END
"""

# One row an event, for sqlite3, Datasette and every other program that is not ours.
EVENTS = """
CREATE VIEW events AS
SELECT
  c.pos + e.key AS position,
  c.stream AS stream,
  c.revision + e.key AS revision,
  strftime('%Y-%m-%dT%H:%M:%S', (c.began_us + (e.value ->> 1)) / 1000000, 'unixepoch')
    || printf('.%06dZ', (c.began_us + (e.value ->> 1)) % 1000000) AS recorded_at,
  t.name AS type,
  t.version AS schema,
  e.value ->> 2 AS key,
  e.value -> 3 AS data,
  s.name AS site,
  k.name AS kind,
  c.pos AS commit_position
FROM commits AS c
  JOIN json_each(c.data) AS e
  LEFT JOIN names AS t ON t.id = e.value ->> 0
  LEFT JOIN names AS s ON s.id = e.value ->> 4
  LEFT JOIN names AS k ON k.id = c.kind
"""


def upgrade() -> None:
    """Make the log."""
    for statement in (
        COMMITS, COMMITS_BY_PARENT, LOG, NAMES, COMMITS_FENCE, COMMITS_ADVANCE,
        COMMITS_NO_UPDATE, COMMITS_NO_DELETE, LOG_FORWARD, EVENTS,
    ):  # fmt: skip
        op.execute(statement)


def downgrade() -> None:
    """Drop it all: for empty stores."""
    op.execute("DROP VIEW events")
    for table in ("commits", "names", "log"):
        op.execute(f"DROP TABLE {table}")

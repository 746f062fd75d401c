"""What is kept beside the log: folds, seals, cursors, what was taken out, keys of subjects."""

from alembic import op

revision = "0002"
down_revision = "0001"

REDUCERS = """
CREATE TABLE reducers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  fingerprint BLOB NOT NULL UNIQUE
) STRICT
"""
KEYFRAMES = """
CREATE TABLE keyframes (
  stream TEXT NOT NULL,
  reducer INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  digest BLOB NOT NULL,
  data TEXT NOT NULL,
  UNIQUE (stream, reducer, revision)
) STRICT
"""
KEYFRAMES_BY_REDUCER = "CREATE INDEX keyframes_by_reducer ON keyframes (reducer)"
SEALS = """
CREATE TABLE seals (
  last_pos INTEGER PRIMARY KEY,
  first_pos INTEGER NOT NULL,
  note TEXT NOT NULL,
  marks BLOB NOT NULL,
  key BLOB NOT NULL,
  signature BLOB NOT NULL
) STRICT
"""
CURSORS = """
CREATE TABLE cursors (
  name TEXT NOT NULL,
  log TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  chain BLOB NOT NULL,
  UNIQUE (name, log)
) STRICT
"""
# What a crash left open is found by it; most requests are one row, which closes, and not here.
COMMITS_UNCLOSED = "CREATE INDEX commits_unclosed ON commits (kind, stream) WHERE (flags & 1) = 0"
TOMBSTONES = """
CREATE TABLE tombstones (
  first_pos INTEGER PRIMARY KEY,
  last_pos INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  chain BLOB NOT NULL,
  gone BLOB,
  segment INTEGER,
  event_pos INTEGER NOT NULL
) STRICT
"""
SEGMENTS = """
CREATE TABLE segments (
  id INTEGER PRIMARY KEY,
  first_pos INTEGER NOT NULL,
  last_pos INTEGER NOT NULL,
  min_stream TEXT NOT NULL,
  max_stream TEXT NOT NULL,
  forks INTEGER NOT NULL,
  unloaded INTEGER NOT NULL,
  event_pos INTEGER NOT NULL,
  file TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 BLOB NOT NULL
) STRICT
"""
SUBJECT_KEYS = """
CREATE TABLE subject_keys (
  id INTEGER PRIMARY KEY,
  subject BLOB NOT NULL,
  master TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  created_us INTEGER NOT NULL
) STRICT
"""

# Not unique: two processes may make a key of one person at once. Both are used.
SUBJECT_KEYS_BY_SUBJECT = "CREATE INDEX subject_keys_by_subject ON subject_keys (subject)"
SUBJECT_KEYS_NO_UPDATE = """
CREATE TRIGGER subject_keys_no_update BEFORE UPDATE ON subject_keys
WHEN (SELECT maintenance = 0 FROM log)
BEGIN
  SELECT RAISE(ABORT, 'only timescape erase');
END
"""
SUBJECT_KEYS_NO_DELETE = """
CREATE TRIGGER subject_keys_no_delete BEFORE DELETE ON subject_keys
WHEN (SELECT maintenance = 0 FROM log)
BEGIN
  SELECT RAISE(ABORT, 'only timescape erase');
END
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in (REDUCERS, KEYFRAMES, KEYFRAMES_BY_REDUCER):
        op.execute(statement)
    op.execute(COMMITS_UNCLOSED)
    for statement in (SEALS, CURSORS, TOMBSTONES, SEGMENTS, SUBJECT_KEYS):
        op.execute(statement)
    for statement in (SUBJECT_KEYS_BY_SUBJECT, SUBJECT_KEYS_NO_UPDATE, SUBJECT_KEYS_NO_DELETE):
        op.execute(statement)


def downgrade() -> None:
    """Drop them: for stores that have nothing in them."""
    op.execute("DROP INDEX commits_unclosed")
    for table in (
        "keyframes",
        "reducers",
        "seals",
        "cursors",
        "tombstones",
        "segments",
        "subject_keys",
    ):
        op.execute(f"DROP TABLE {table}")

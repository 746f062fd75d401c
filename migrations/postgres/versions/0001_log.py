"""The log: partitions of commits, where it ends, what its numbers mean, who may do what."""

from alembic import op

revision = "0001"
down_revision = None

COMMITS = """
CREATE TABLE commits (
  log_id INTEGER NOT NULL,
  pos BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  stream UUID NOT NULL,
  revision BIGINT NOT NULL,
  n INTEGER NOT NULL CHECK (n BETWEEN 1 AND 256),
  kind INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  began_us BIGINT NOT NULL,
  at_us BIGINT NOT NULL,
  commit_id BYTEA NOT NULL,
  parent UUID,
  parent_revision BIGINT,
  codec INTEGER NOT NULL,
  data JSON NOT NULL,
  salt BYTEA,
  digest BYTEA,
  chain BYTEA NOT NULL,
  PRIMARY KEY (stream, revision)
) PARTITION BY RANGE (stream)
"""
COMMITS_BY_POSITION = "CREATE INDEX commits_by_position ON commits (log_id, pos)"
COMMITS_BY_PARENT = "CREATE INDEX commits_by_parent ON commits (parent) WHERE parent IS NOT NULL"

# Named streams have the time 0. Months are added by `db upgrade` and `db maintain`.
COMMITS_NAMED = """
CREATE TABLE commits_named PARTITION OF commits
FOR VALUES FROM (MINVALUE) TO ('00000000-0001-0000-0000-000000000000')
"""
COMMITS_DEFAULT = "CREATE TABLE commits_default PARTITION OF commits DEFAULT"

LOG = """
CREATE TABLE log (
  log_id INTEGER PRIMARY KEY,
  uid UUID NOT NULL,
  epoch BIGINT NOT NULL,
  next_pos BIGINT NOT NULL,
  head BYTEA NOT NULL,
  syncs BIGINT NOT NULL,
  open_from BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  holder TEXT,
  leased_until TIMESTAMPTZ
) WITH (fillfactor = 10)
"""

NAMES = """
CREATE TABLE names (
  log_id INTEGER NOT NULL,
  id BIGINT NOT NULL,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  fingerprint BYTEA,
  PRIMARY KEY (log_id, id),
  UNIQUE (log_id, kind, name, version)
)
"""

REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'restrict_violation';
END
$$
"""
# Row triggers of the table are those of every partition; a TRUNCATE trigger is not.
COMMITS_APPEND_ONLY = """
CREATE TRIGGER commits_append_only BEFORE UPDATE OR DELETE ON commits FOR EACH ROW
WHEN (current_setting('timescape.maintenance', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION refuse('append-only')
"""
COMMITS_NO_TRUNCATE = """
CREATE TRIGGER commits_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT
WHEN (current_setting('timescape.maintenance', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION refuse('append-only')
"""
LOG_FORWARD = """
CREATE TRIGGER log_forward BEFORE UPDATE ON log FOR EACH ROW
WHEN (NEW.next_pos < OLD.next_pos OR NEW.epoch < OLD.epoch)
EXECUTE FUNCTION refuse('backwards')
"""

# One row an event, for psql and every other program that is not ours.
EVENTS = """
CREATE VIEW events AS
SELECT
  c.pos + e.number - 1 AS position,
  c.stream AS stream,
  c.revision + e.number - 1 AS revision,
  to_char(
    timestamp '1970-01-01' + (c.began_us + (e.item ->> 1)::bigint) * interval '1 microsecond',
    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
  ) AS recorded_at,
  t.name AS type,
  t.version AS schema,
  e.item ->> 2 AS key,
  e.item -> 3 AS data,
  s.name AS site,
  k.name AS kind,
  c.pos AS commit_position
FROM commits AS c
  CROSS JOIN LATERAL json_array_elements(c.data) WITH ORDINALITY AS e (item, number)
  LEFT JOIN names AS t ON t.log_id = c.log_id AND t.id = (e.item ->> 0)::bigint
  LEFT JOIN names AS s ON s.log_id = c.log_id AND s.id = (e.item ->> 4)::bigint
  LEFT JOIN names AS k ON k.log_id = c.log_id AND k.id = c.kind
"""

# Roles belong to the whole server: another database of ours may have made them already,
# even at this moment. Who may not make roles goes without: the guards hold all the same.
ROLES = """
DO $$
DECLARE role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['timescape_owner', 'timescape_writer', 'timescape_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
      BEGIN
        EXECUTE 'CREATE ROLE ' || quote_ident(role) || ' NOLOGIN';
      EXCEPTION
        WHEN insufficient_privilege THEN RAISE WARNING USING MESSAGE = role || ' was not made';
        WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
  END LOOP;
END
$$
"""
GRANTS = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'timescape_owner') THEN
    GRANT USAGE, CREATE ON SCHEMA timescape TO timescape_owner;
    GRANT ALL ON ALL TABLES IN SCHEMA timescape TO timescape_owner;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'timescape_writer') THEN
    GRANT USAGE ON SCHEMA timescape TO timescape_writer;
    GRANT SELECT ON commits, log, names, events, alembic_version TO timescape_writer;
    GRANT INSERT ON commits, log, names TO timescape_writer;
    GRANT UPDATE ON log TO timescape_writer;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'timescape_reader') THEN
    GRANT USAGE ON SCHEMA timescape TO timescape_reader;
    GRANT SELECT ON commits, log, names, events, alembic_version TO timescape_reader;
  END IF;
END
$$
"""


def upgrade() -> None:
    """Make the log."""
    for statement in (
        COMMITS, COMMITS_BY_POSITION, COMMITS_BY_PARENT, COMMITS_NAMED, COMMITS_DEFAULT, LOG,
        NAMES, REFUSE, COMMITS_APPEND_ONLY, LOG_FORWARD, EVENTS, ROLES, GRANTS,
    ):  # fmt: skip
        op.execute(statement)
    for table in ("commits", "commits_named", "commits_default"):
        op.execute(COMMITS_NO_TRUNCATE.format(table=table))


def downgrade() -> None:
    """Drop it all but the roles, which others may use: for empty stores."""
    op.execute("DROP VIEW events")
    for table in ("commits", "names", "log"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse()")

"""What processes that share a log have in common: who lives, and how often who was let in."""

from alembic import op

revision = "0004"
down_revision = "0003"

# A row of a process that serves, from its start to its end. Once it is gone it stays so: what
# it left open is closed by another one of its team, which then deletes the row.
NODES = """
CREATE TABLE nodes (
  log_id INTEGER NOT NULL,
  node TEXT NOT NULL,
  team TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  since TIMESTAMPTZ NOT NULL,
  leased_until TIMESTAMPTZ NOT NULL,
  gone BOOLEAN NOT NULL,
  PRIMARY KEY (log_id, node)
)
"""
WINDOWS = """
CREATE TABLE windows (
  log_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  length_us BIGINT NOT NULL,
  start_us BIGINT NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (log_id, key, length_us)
)
"""
# Here, and not in the program: one round trip decides, whoever else asks at that moment. It
# gives the windows as they were, in the order of the limits, and whether they were charged.
CHARGE = """
CREATE FUNCTION charge(
  its_log INTEGER, its_key TEXT, now_us BIGINT, counts BIGINT[], lengths_us BIGINT[],
  charging BOOLEAN
) RETURNS TABLE (was_start_us BIGINT, was_used BIGINT, charged BOOLEAN)
LANGUAGE plpgsql AS $$
DECLARE
  starts BIGINT[] := '{}';
  uses BIGINT[] := '{}';
  known RECORD;
BEGIN
  charged := charging;
  IF charging THEN
    INSERT INTO windows SELECT its_log, its_key, length, 0, 0 FROM unnest(lengths_us) AS length
    ORDER BY length ON CONFLICT DO NOTHING;
    -- In one order, whatever the order of the limits: two never wait for each other.
    PERFORM FROM windows WHERE log_id = its_log AND key = its_key ORDER BY length_us FOR UPDATE;
  END IF;
  FOR i IN 1 .. cardinality(lengths_us) LOOP
    SELECT start_us, used INTO known FROM windows
    WHERE log_id = its_log AND key = its_key AND length_us = lengths_us[i];
    starts[i] := coalesce(known.start_us, 0);
    uses[i] := coalesce(known.used, 0);
    charged := charged AND counts[i] > 0 AND (
      uses[i] = 0 OR now_us >= starts[i] + lengths_us[i] OR uses[i] < counts[i]);
  END LOOP;
  FOR i IN 1 .. cardinality(lengths_us) LOOP
    IF charged AND (uses[i] = 0 OR now_us >= starts[i] + lengths_us[i]) THEN
      UPDATE windows SET start_us = now_us, used = 1
      WHERE log_id = its_log AND key = its_key AND length_us = lengths_us[i];
    ELSIF charged THEN
      UPDATE windows SET used = used + 1
      WHERE log_id = its_log AND key = its_key AND length_us = lengths_us[i];
    END IF;
    was_start_us := starts[i];
    was_used := uses[i];
    RETURN NEXT;
  END LOOP;
END $$
"""
GRANTS = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'timescape_owner') THEN
    GRANT ALL ON nodes, windows TO timescape_owner;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'timescape_writer') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON nodes, windows TO timescape_writer;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'timescape_reader') THEN
    GRANT SELECT ON nodes, windows TO timescape_reader;
  END IF;
END
$$
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in (NODES, WINDOWS, CHARGE, GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Drop them: for stores that have nothing in them."""
    op.execute("DROP FUNCTION charge")
    op.execute("DROP TABLE windows")
    op.execute("DROP TABLE nodes")

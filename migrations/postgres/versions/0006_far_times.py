"""The view `events` copes with times that no timestamp can be, and tells far ones to the µs."""

from alembic import op

revision = "0006"
down_revision = "0005"

# Numbers that may be larger than a bigint: what older versions stored is not held to the years 1
# to 9999. And seconds apart from the rest: times an interval they become floating point, which
# beyond the year 2255 has no microseconds.
RECORDED_AT = """CASE
    WHEN at.us BETWEEN -62135596800000000 AND 253402300799999999 THEN to_char(
      timestamp '1970-01-01' + div(at.us, 1000000) * interval '1 second'
        + mod(at.us, 1000000) * interval '1 microsecond',
      'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    )
  END"""
AT = """
  CROSS JOIN LATERAL (SELECT c.began_us + (e.item ->> 1)::numeric AS us) AS at"""
OLD_RECORDED_AT = """to_char(
    timestamp '1970-01-01' + (c.began_us + (e.item ->> 1)::bigint) * interval '1 microsecond',
    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
  )"""
# The same columns, so that it is the same view: what others made of it, and may read, stays.
EVENTS = """
CREATE OR REPLACE VIEW events AS
SELECT
  c.pos + e.number - 1 AS position,
  c.stream AS stream,
  c.revision + e.number - 1 AS revision,
  {recorded_at} AS recorded_at,
  t.name AS type,
  t.version AS schema,
  e.item ->> 2 AS key,
  e.item -> 3 AS data,
  s.name AS site,
  k.name AS kind,
  c.pos AS commit_position
FROM commits AS c
  CROSS JOIN LATERAL json_array_elements(c.data) WITH ORDINALITY AS e (item, number){at}
  LEFT JOIN names AS t ON t.log_id = c.log_id AND t.id = (e.item ->> 0)::bigint
  LEFT JOIN names AS s ON s.log_id = c.log_id AND s.id = (e.item ->> 4)::bigint
  LEFT JOIN names AS k ON k.log_id = c.log_id AND k.id = c.kind
"""


def upgrade() -> None:
    """Make the view anew."""
    op.execute(EVENTS.format(recorded_at=RECORDED_AT, at=AT))


def downgrade() -> None:
    """Make it as it was."""
    op.execute(EVENTS.format(recorded_at=OLD_RECORDED_AT, at=""))

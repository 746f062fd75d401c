"""The view `events` shows times before 1970 as it shows others."""

from alembic import op

revision = "0004"
down_revision = "0003"

# Counted from the year 1: SQLite rounds towards 0, which before 1970 is the wrong way.
SINCE_YEAR_1 = "c.began_us + (e.value ->> 1) + 62135596800000000"
RECORDED_AT = f"""strftime(
    '%Y-%m-%dT%H:%M:%S', ({SINCE_YEAR_1}) / 1000000 - 62135596800, 'unixepoch'
  ) || printf('.%06dZ', ({SINCE_YEAR_1}) % 1000000)"""
SINCE_1970 = "c.began_us + (e.value ->> 1)"
OLD_RECORDED_AT = f"""strftime('%Y-%m-%dT%H:%M:%S', ({SINCE_1970}) / 1000000, 'unixepoch')
    || printf('.%06dZ', ({SINCE_1970}) % 1000000)"""
EVENTS = """
CREATE VIEW events AS
SELECT
  c.pos + e.key AS position,
  c.stream AS stream,
  c.revision + e.key AS revision,
  {recorded_at} AS recorded_at,
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
    """Make the view anew."""
    _replace(RECORDED_AT)


def downgrade() -> None:
    """Make it as it was."""
    _replace(OLD_RECORDED_AT)


def _replace(recorded_at: str) -> None:
    op.execute("DROP VIEW events")
    op.execute(EVENTS.format(recorded_at=recorded_at))

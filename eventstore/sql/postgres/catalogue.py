"""What makes the tables, line by line: columns, keys, indexes, triggers, view, grants."""

import sqlalchemy as sa

from eventstore.sql.postgres.addresses import SCHEMA

# The months come and go; what they are made of is that of `commits`.
_TABLES = f"""
WITH tables AS (
  SELECT oid, relname, relkind, relacl, relpartbound FROM pg_class
  WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind IN ('r', 'p', 'v')
  AND relname !~ '^commits_\\d{{4}}_\\d\\d$'
)
"""
_LINES = f"""
{_TABLES}
SELECT relname, 1, concat('  ', attname, ' ', format_type(atttypid, atttypmod),
  CASE WHEN attnotnull THEN ' not null' END)
FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT relname, 0, concat(relkind, ' ', relname, ' ', pg_get_expr(relpartbound, oid)) FROM tables
UNION ALL
SELECT relname, 2, concat('  ', conname, ' ', pg_get_constraintdef(pg_constraint.oid))
FROM tables JOIN pg_constraint ON conrelid = tables.oid
UNION ALL
SELECT relname, 3, concat('  ', pg_get_indexdef(indexrelid))
FROM tables JOIN pg_index ON indrelid = tables.oid
UNION ALL
SELECT relname, 4, concat('  ', pg_get_triggerdef(pg_trigger.oid),
  CASE tgenabled WHEN 'D' THEN ' disabled' END)
FROM tables JOIN pg_trigger ON tgrelid = tables.oid AND NOT tgisinternal
UNION ALL
SELECT relname, 5, concat('  ', privilege_type, ' to ', grantee::regrole)
FROM tables CROSS JOIN LATERAL aclexplode(relacl)
WHERE grantee <> 0 AND grantee::regrole::text LIKE 'timescape\\_%%'
UNION ALL
SELECT relname, 6, concat('  ', line)
FROM tables CROSS JOIN LATERAL regexp_split_to_table(pg_get_viewdef(oid), '\\n') AS line
WHERE relkind = 'v'
UNION ALL
SELECT proname, 7, concat('function ', proname, ': ', prosrc)
FROM pg_proc WHERE pronamespace = '{SCHEMA}'::regnamespace
ORDER BY 1, 2, 3
"""


def lines(connection: sa.Connection) -> list[str]:
    """Return the lines of our schema, in order."""
    return [line for _, _, line in connection.exec_driver_sql(_LINES)]

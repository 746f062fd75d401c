"""Which tables this program was written for; `migrations/postgres/` makes them."""

REVISIONS = ("0001", "0002")
"""Of the migrations, oldest first."""
REVISION = REVISIONS[-1]
"""That this program was written for."""
LOG_ID = 1
"""Of the one log that a database holds by now; the tables have room for several."""

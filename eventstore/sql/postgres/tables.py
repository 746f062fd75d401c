"""Which tables this program was written for; `migrations/postgres/` makes them."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Of the migrations, oldest first."""
REVISION = REVISIONS[-1]
"""That this program was written for."""

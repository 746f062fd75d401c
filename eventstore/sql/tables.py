"""The tables as this program reads and writes them; `migrations/` makes them.

A test holds these equal to what the migrations make. Only columns and keys stand here:
checks, triggers and the view are in the migrations, for they are of the database.
"""

import sqlalchemy as sa

REVISIONS = ("0001",)
"""Of the migrations, oldest first."""
REVISION = REVISIONS[-1]
"""That this program was written for."""
APPLICATION_ID = 0x54534350
"""At byte 68 of every SQLite file of ours: `TSCP`."""

metadata = sa.MetaData()

commits = sa.Table(
    "commits",
    metadata,
    sa.Column("pos", sa.Integer, primary_key=True, nullable=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("flags", sa.Integer, nullable=False),
    sa.Column("began_us", sa.Integer, nullable=False),
    sa.Column("at_us", sa.Integer, nullable=False),
    sa.Column("commit_id", sa.LargeBinary, nullable=False),
    sa.Column("parent", sa.Text),
    sa.Column("parent_revision", sa.Integer),
    sa.Column("codec", sa.Integer, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("digest", sa.LargeBinary),
    sa.Column("chain", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("stream", "revision"),
    sqlite_strict=True,
)
"""One row for the events that one stream commits together."""

sa.Index("commits_by_parent", commits.c.parent, sqlite_where=commits.c.parent.is_not(None))

log = sa.Table(
    "log",
    metadata,
    sa.Column("only", sa.Integer, primary_key=True, nullable=True),
    sa.Column("uid", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("next_pos", sa.Integer, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("syncs", sa.Integer, nullable=False),
    sa.Column("open_from", sa.Integer, nullable=False),
    sa.Column("maintenance", sa.Integer, nullable=False),
    sa.Column("created_us", sa.Integer, nullable=False),
    sqlite_strict=True,
)
"""One row: where the log ends, and under which epoch rows may enter."""

names = sa.Table(
    "names",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, nullable=True),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.LargeBinary),
    sa.UniqueConstraint("kind", "name", "version"),
    sqlite_strict=True,
)
"""What the numbers in the rows mean: the fold of the `names.registered` facts."""

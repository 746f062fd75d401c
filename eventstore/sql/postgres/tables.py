"""The tables as this program reads and writes them; `migrations/postgres/` makes them."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

REVISIONS = ("0001",)
"""Of the migrations, oldest first."""
REVISION = REVISIONS[-1]
"""That this program was written for."""
LOG_ID = 1
"""Of the one log that a database holds by now; the tables have room for several."""

metadata = sa.MetaData()

commits = sa.Table(
    "commits",
    metadata,
    sa.Column("log_id", sa.Integer, nullable=False),
    sa.Column("pos", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("stream", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.BigInteger, primary_key=True),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("flags", sa.Integer, nullable=False),
    sa.Column("began_us", sa.BigInteger, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("commit_id", sa.LargeBinary, nullable=False),
    sa.Column("parent", sa.Uuid),
    sa.Column("parent_revision", sa.BigInteger),
    sa.Column("codec", sa.Integer, nullable=False),
    sa.Column("data", postgresql.JSON, nullable=False),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("digest", sa.LargeBinary),
    sa.Column("chain", sa.LargeBinary, nullable=False),
)
"""One row for the events that one stream commits together; partitions by ranges of streams."""

log = sa.Table(
    "log",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("uid", sa.Uuid, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("next_pos", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("syncs", sa.BigInteger, nullable=False),
    sa.Column("open_from", sa.BigInteger, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text),
    sa.Column("leased_until", sa.DateTime(timezone=True)),
)
"""A row a log: where it ends, under which epoch rows may enter, and who holds it until when."""

names = sa.Table(
    "names",
    metadata,
    sa.Column("log_id", sa.Integer, primary_key=True),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.LargeBinary),
    sa.UniqueConstraint("log_id", "kind", "name", "version"),
)
"""What the numbers in the rows mean: the fold of the `names.registered` facts."""

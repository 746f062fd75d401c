"""The tables as this program reads and writes them; `migrations/` makes them.

A test holds these equal to what the migrations make. Only columns and keys stand here:
checks, triggers and the view are in the migrations, for they are of the database.
"""

import sqlalchemy as sa

REVISIONS = ("0001", "0002", "0003", "0004")
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

sa.Index(
    "commits_unclosed",
    commits.c.kind,
    commits.c.stream,
    sqlite_where=sa.and_(
        commits.c.flags.op("&")(1) == 0,
        sa.or_(commits.c.revision == 1, commits.c.parent.is_not(None)),
    ),
)

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

reducers = sa.Table(
    "reducers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, nullable=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False, unique=True),
    sqlite_strict=True,
)
"""Whose folds are kept, in the order in which they came: of one name the latest two."""

keyframes = sa.Table(
    "keyframes",
    metadata,
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("reducer", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.UniqueConstraint("stream", "reducer", "revision"),
    sqlite_strict=True,
)
"""Folds that are kept: a cache, which may be emptied at any time."""

sa.Index("keyframes_by_reducer", keyframes.c.reducer)

seals = sa.Table(
    "seals",
    metadata,
    sa.Column("last_pos", sa.Integer, primary_key=True, nullable=True),
    sa.Column("first_pos", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("marks", sa.LargeBinary, nullable=False),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""Signed statements about all rows up to a position."""

cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("log", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("chain", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("name", "log"),
    sqlite_strict=True,
)
"""How far each subscriber is, in each log."""

tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("first_pos", sa.Integer, primary_key=True, nullable=True),
    sa.Column("last_pos", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("chain", sa.LargeBinary, nullable=False),
    sa.Column("gone", sa.LargeBinary),
    sa.Column("segment", sa.Integer),
    sa.Column("event_pos", sa.Integer, nullable=False),
    sqlite_strict=True,
)
"""Where rows were taken out: the chain goes on from here.

`epoch` and `chain` are those of the last of them; `gone` is what `chain.Gone` packs of each
where no segment has them; `event_pos` is the position of the fact that tells of it.
"""

segments = sa.Table(
    "segments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, nullable=True),
    sa.Column("first_pos", sa.Integer, nullable=False),
    sa.Column("last_pos", sa.Integer, nullable=False),
    sa.Column("min_stream", sa.Text, nullable=False),
    sa.Column("max_stream", sa.Text, nullable=False),
    sa.Column("forks", sa.Integer, nullable=False),
    sa.Column("unloaded", sa.Integer, nullable=False),
    sa.Column("event_pos", sa.Integer, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""Files that hold archived rows; `unloaded` once none of them is in `commits` any more."""

subject_keys = sa.Table(
    "subject_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, nullable=True),
    sa.Column("subject", sa.LargeBinary, nullable=False),
    sa.Column("master", sa.Text, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("created_us", sa.Integer, nullable=False),
    sqlite_strict=True,
)
"""The key of each person whose values are sealed; without it they are forgotten."""

sa.Index("subject_keys_by_subject", subject_keys.c.subject)

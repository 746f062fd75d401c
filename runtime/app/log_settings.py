"""What the environment says of a log's files: all that whoever only reads a log needs of `app`."""

from collections.abc import Mapping
from pathlib import Path

SEAL_KEY_SETTING = "TIMESCAPE_SEAL_KEY"
"""Environment variable that names the file of the keys which seal the log."""


def seal_key_file(environ: Mapping[str, str]) -> Path | None:
    """Return the file that `TIMESCAPE_SEAL_KEY` names."""
    named = environ.get(SEAL_KEY_SETTING)
    return Path(named) if named else None


SEGMENTS_SETTING = "TIMESCAPE_SEGMENTS"
"""Environment variable that names the folder of what is archived of a log in PostgreSQL."""


def segments_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder that `TIMESCAPE_SEGMENTS` names."""
    named = environ.get(SEGMENTS_SETTING)
    return Path(named) if named else None

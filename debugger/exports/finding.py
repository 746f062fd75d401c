"""Tell a bundle from a store: all that whoever opens a store needs of exports."""

from pathlib import Path

_PREFIX = "sqlite:///"


def is_bundle(path: Path) -> bool:
    """Say whether *path* is called like a bundle, or begins like one."""
    if path.suffix == ".timescape":
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\3\4"
    except OSError:
        return False


def bundle_of(url: str) -> Path | None:
    """Return the bundle that an address or a file name means; None: it means something else."""
    path = Path(url.removeprefix(_PREFIX))
    if "://" in url and not url.startswith(_PREFIX):
        return None
    return path if is_bundle(path) else None

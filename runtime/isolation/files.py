"""Opens files below a folder, following no link on the way (CP-4)."""

import os
from collections.abc import Iterable

from runtime.isolation.failing import NotGranted
from runtime.manifests.capabilities import folder

_FLAGS = {
    "r": os.O_RDONLY,
    "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
}
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_below(roots: Iterable[str], path: str, mode: str) -> int:
    """Return a descriptor of *path*.

    Every step below the root is opened by itself and may be no link: what another program
    puts in its place meanwhile cannot lead elsewhere.

    Args:
        roots: folders; the first that holds *path* counts.
        path: absolute.
        mode: of `open`.

    Raises:
        NotGranted: it lies below none of them, or a step is a link.
        OSError: it cannot be opened.
    """
    wanted = folder(path)
    for root in map(folder, roots):
        if wanted == root or wanted.startswith(root.rstrip("/") + "/"):
            return _walk(root, wanted[len(root) :].strip("/"), _FLAGS[mode[0]])
    msg = f"{path} lies below no granted folder"
    raise NotGranted(msg)


def _walk(root: str, rest: str, flags: int) -> int:
    *folders, name = rest.split("/")
    at = os.open(root, os.O_RDONLY | os.O_CLOEXEC | (os.O_DIRECTORY if name else 0))
    if not name:
        return at
    try:
        for each in folders:
            at = _step(at, each, _STEP)
        found = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at)
    except OSError as error:
        raise _link_or(error, at, rest) from error
    finally:
        os.close(at)
    return found


def _step(at: int, name: str, flags: int) -> int:
    inner = os.open(name, flags, dir_fd=at)
    os.close(at)
    return inner


def _link_or(error: OSError, at: int, rest: str) -> Exception:
    """Return a `NotGranted` where a link stood in the way."""
    name = os.path.basename(str(error.filename or rest))  # noqa: PTH119 - below a descriptor
    if os.path.islink(f"/proc/self/fd/{at}/{name}"):  # noqa: PTH114 - likewise
        return NotGranted(f"{rest} goes through a link")
    return error

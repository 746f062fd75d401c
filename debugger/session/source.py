"""The source behind a fact: the lines around the place it came from (LN-4).

The log names places as `file:line`, relative to the app's folder. Only files below the
roots are ever opened: a log is data, and must not make the debugger show `/etc/passwd`.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

_MOST_BYTES = 2 * 1024 * 1024


class Source(msgspec.Struct, frozen=True):
    """A file as it is now, and the line a fact came from."""

    site: str
    line: int
    """From 1; 0: the fact came from no line of user code."""
    path: str = ""
    """Where it was found; `` where it was not."""
    lines: Sequence[str] = ()
    """Of the whole file; raw: show them through `printable`. Empty: see *problem*."""
    problem: str = ""
    """Why there are no lines, or why they may not be what ran; a sentence."""


def read_source(site: str | None, roots: Sequence[Path], ran_at_us: int | None = None) -> Source:
    """Find the source of *site* below *roots*.

    Args:
        site: of a fact, `file:line`.
        roots: the app's folders; the first that has the file wins.
        ran_at_us: when the request came: a file changed later differs from what ran.
    """
    file, _, number = (site or "").rpartition(":")
    if not file or not (number.isascii() and number.isdecimal()):
        return Source(site or "", 0, problem="This fact came from no line of your code.")
    line = int(number[:9])
    path = _find(file, roots)
    if path is None:
        looked = ", ".join(map(str, roots)) or "nowhere"
        return Source(site or "", line, problem=f"{file} is not here; looked in {looked}.")
    try:
        status = path.stat()
        if status.st_size > _MOST_BYTES:
            return Source(site or "", line, str(path), problem=f"{file} is too large to show.")
        text = path.read_text("utf-8", errors="replace")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Source(site or "", line, str(path), problem=f"{file} cannot be read: {reason}.")
    lines = text.splitlines()
    return Source(
        site or "", line, str(path), lines, _doubt(line, lines, status.st_mtime_ns, ran_at_us)
    )


def _find(file: str, roots: Sequence[Path]) -> Path | None:
    for root in roots:
        try:
            inside = root.resolve()
            path = (inside / file).resolve()
            # After links and `..` are followed: a name must not lead out of the root.
            if path.is_relative_to(inside) and path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):  # a NUL, a loop of links
            continue
    return None


def _doubt(line: int, lines: Sequence[str], changed_ns: int, ran_at_us: int | None) -> str:
    if line > len(lines):
        return f"Code differs from what ran: the file has only {len(lines)} lines now."
    if ran_at_us is not None and changed_ns // 1_000 > ran_at_us:
        return "The file was changed since: the code may differ from what ran."
    return ""

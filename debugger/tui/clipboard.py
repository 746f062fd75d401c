"""Where what is copied goes: to the terminal, to a program that knows the clipboard, or to a file.

A terminal never says whether it took it. So what is known to be deaf is not asked, and whoever
copies the same thing once more gets it in a file.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

Way: TypeAlias = Literal["terminal", "program", "file"]
Find: TypeAlias = Callable[[str], str | None]
"""Gives the path of a program; None: there is none."""

MOST_BYTES = 74_000
"""Terminals take an OSC 52 of 100 000 characters, which are base64; some drop a longer one."""
_DEAF = ("linux", "dumb", "vt100", "vt102", "vt220", "cons25")
"""`TERM` of terminals that have no clipboard."""
_DONE_S = 5.0


class Clipboard:
    """What one terminal can do.

    Args:
        environ: of this process, which tells of the terminal.
        find: looks for programs; None: on the path.
    """

    def __init__(self, environ: Mapping[str, str], find: Find | None = None) -> None:
        self._environ = environ
        self._find = find or _find
        self._last = ""

    def way(self, text: str) -> Way:
        """Return how *text* is copied now; a second time at once: into the file."""
        again = text == self._last
        self._last = "" if again else text
        if again:
            return "file"
        if not is_deaf(self._environ) and len(text.encode()) <= MOST_BYTES:
            return "terminal"
        return "program" if program_of(self._environ, self._find) else "file"

    def by_program(self, text: str) -> str:
        """Hand *text* to the program, and return its name. Blocks.

        Raises:
            OSError: it cannot be run.
            subprocess.SubprocessError: it failed, or does not end.
        """
        import subprocess  # noqa: PLC0415 - few terminals want it

        words = program_of(self._environ, self._find)
        quiet = subprocess.DEVNULL
        subprocess.run(  # noqa: S603 - one of four, by its path
            words, input=text.encode(), stdout=quiet, stderr=quiet, timeout=_DONE_S, check=True
        )
        return Path(words[0]).name

    def into_file(self, text: str) -> Path:
        """Write *text* where only the user may read it, and return where. Blocks.

        Raises:
            DebuggerError: it cannot be written.
        """
        from debugger.exports.files import write_file  # noqa: PLC0415 - as above

        path = file_of(self._environ)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(path, text.encode(), force=True)
        return path


def is_deaf(environ: Mapping[str, str]) -> bool:
    """Say whether the terminal is one that takes no OSC 52: a console, VTE's, Apple's."""
    of_apple = environ.get("TERM_PROGRAM") == "Apple_Terminal"
    return of_apple or "VTE_VERSION" in environ or environ.get("TERM", "") in _DEAF


def program_of(environ: Mapping[str, str], find: Find) -> Sequence[str]:
    """Return the command that takes the clipboard of the screen before us; empty: none."""
    for needs, words in (
        ("WAYLAND_DISPLAY", ["wl-copy"]),
        ("DISPLAY", ["xclip", "-selection", "clipboard"]),
        ("DISPLAY", ["xsel", "--clipboard", "--input"]),
        ("TERM_PROGRAM", ["pbcopy"]),
    ):
        path = find(words[0]) if needs in environ and "SSH_TTY" not in environ else None
        if path is not None:
            return [path, *words[1:]]
    return []


def file_of(environ: Mapping[str, str]) -> Path:
    """Return the file that is written: one for all, as a clipboard is."""
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home(), ".cache")
    return Path(cache) / "timescape" / "copied.txt"


def _find(program: str) -> str | None:
    import shutil  # noqa: PLC0415 - as above

    return shutil.which(program)

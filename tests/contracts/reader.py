"""Somebody who follows a page of documentation from top to bottom, in an empty folder.

What is run to its end is started warm (see `tests.warm`); servers and screens are not.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.contracts.pages import Block, Command, Ids, commands, differs

PATIENCE_S = 120.0
"""What a busy machine may take."""


def lacking(page: list[Block]) -> list[str]:
    """Give the programs of others that *page* uses and this machine has not."""
    used = {"tmux"} if any(block.screen for block in page) else set()
    for block in page:
        if block.language == "console":
            used |= {command.text.split()[0] for command in commands(block.body)}
    return sorted(name for name in used & {"curl", "sqlite3", "tmux"} if not shutil.which(name))


@dataclass
class Happened:
    """What came of one command, program or screen of a page."""

    what: str
    said: str
    wrong: str | None
    """How it differs from what the page shows; None: it does not."""


def surroundings(folder: Path, *programs: Path) -> dict[str, str]:
    """Give the environment of a new user: our programs first, nothing set."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    path = [*map(str, programs), str(Path(sys.executable).parent)]
    path.append(os.environ.get("PATH", os.defpath))
    return kept | {
        "PATH": os.pathsep.join(path),
        "HOME": str(folder),
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }


class Reader:
    """Somebody who follows a page from top to bottom in one folder."""

    def __init__(
        self, folder: Path, cleanup: ExitStack, programs: Path, patience_s: float = PATIENCE_S
    ) -> None:
        self.folder = folder
        self.programs = programs
        self.patience_s = patience_s
        self.cleanup = cleanup
        self.ids = Ids()
        self.status = 0

    def follow(self, block: Block) -> list[Happened]:
        """Do what *block* says; tell what came of it, in order."""
        if block.language == "python":
            return [self._program(block)]
        if block.language == "console":
            return [self._command(command) for command in commands(block.body)]
        if block.screen is not None:
            return [self._screen(block)]
        return []

    def _program(self, block: Block) -> Happened:
        first = block.body.splitlines()[0]
        named = first.removeprefix("# ") if first.endswith(".py") else f"block_{block.line}.py"
        (self.folder / named).write_text(block.body, "utf-8")
        said = self._run([str(self.programs / "python"), named])
        return Happened(named, said.stdout, said.stdout if said.returncode else None)

    def _command(self, command: Command) -> Happened:
        text = self.ids.put_in(command.text)
        if command.in_background:
            return self._start(text, command.expected)
        if text == "echo $?":
            said, status = f"{self.status}\n", 0
        else:
            ran = self._run(["bash", "-c", text])
            said, status, self.status = ran.stdout, ran.returncode, ran.returncode
        wrong = differs(command.expected, said, self.ids)
        if wrong is None and status and not said:
            wrong = f"it ended with {status}: {said}"
        return Happened(f"$ {command.text}", said, wrong)

    def _run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            check=False,
            cwd=self.folder,
            env=surroundings(self.folder, self.programs),
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
        )

    def _start(self, text: str, expected: list[str]) -> Happened:
        """Start a server, wait until it says what the page shows."""
        output = self.folder / "background.txt"
        self.cleanup.enter_context(started(text.removesuffix(" &"), self.folder, output))
        wrong = until(
            lambda: differs(expected, output.read_text("utf-8"), self.ids), self.patience_s
        )
        return Happened(text, output.read_text("utf-8"), wrong)

    def _screen(self, block: Block) -> Happened:
        """Show the screen of a real terminal and press the keys of the page."""
        what = block.screen or ""
        text, _, keys = what.partition(" | ")
        width, height = (block.size or "80x24").split("x")
        with Terminal(self, int(width), int(height)).opened(text) as terminal:
            wrong = terminal.press(self.ids.put_in(keys).split(), block.body.splitlines())
            return Happened(what, terminal.shown(), wrong)


class Terminal:
    """A terminal that nobody sits at."""

    def __init__(self, reader: Reader, width: int, height: int) -> None:
        self.reader = reader
        self.width = width
        self.height = height
        # A socket's path has about a hundred bytes, and the folders of tests are deep.
        self.home = reader.cleanup.enter_context(tempfile.TemporaryDirectory())
        self.socket = f"{self.home}/tmux"
        self.env = surroundings(reader.folder) | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        # The terminal's size is its own; a program would believe this instead.
        del self.env["COLUMNS"]

    @contextmanager
    def opened(self, text: str) -> Iterator["Terminal"]:
        command = self.reader.ids.put_in(text)
        size = ["-x", str(self.width), "-y", str(self.height)]
        self._tmux("-f", os.devnull, "new-session", "-d", *size, command)
        try:
            yield self
        finally:
            self._tmux("kill-server")

    def press(self, keys: list[str], expected: list[str]) -> str | None:
        """Press *keys*, each when the screen has come to rest after the one before."""
        for key in keys:
            self._rest()
            self._tmux("send-keys", key)
        return until(
            lambda: differs(expected, self.shown(), self.reader.ids), self.reader.patience_s
        )

    def shown(self) -> str:
        return self._tmux("capture-pane", "-p")

    def _rest(self) -> None:
        """Wait until something is shown and stays."""
        last = [""] * 3
        until(lambda: None if self._settled(last) else "moving", PATIENCE_S)

    def _settled(self, last: list[str]) -> bool:
        last[:] = [*last[1:], self.shown()]
        return bool(last[0].strip()) and len(set(last)) == 1

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-u", "-S", self.socket, *arguments],
            capture_output=True,
            check=False,
            cwd=self.reader.folder,
            env=self.env,
            text=True,
        ).stdout


@contextmanager
def started(text: str, folder: Path, output: Path) -> Iterator[None]:
    with output.open("wb") as said:
        process = subprocess.Popen(
            shlex.split(text),
            cwd=folder,
            env=surroundings(folder),
            stderr=said,
            stdin=subprocess.DEVNULL,
            stdout=said,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def until(wrong: Callable[[], str | None], patience_s: float) -> str | None:
    """Ask *wrong* until it finds nothing wrong; give what it said last."""
    give_up = time.monotonic() + patience_s
    while (said := wrong()) is not None and time.monotonic() < give_up:
        time.sleep(0.1)
    return said

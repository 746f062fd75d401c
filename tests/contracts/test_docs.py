"""What the pages show is what happens: every program and every command of theirs is run."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.contracts.pages import Block, Command, Ids, blocks, commands, differs
from tests.contracts.source import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PATIENCE_S = 60.0


def surroundings(folder: Path) -> dict[str, str]:
    """Give the environment of a new user: our programs first, nothing set."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return kept | {"PATH": path, "HOME": str(folder), "COLUMNS": "120", "NO_COLOR": "1"}


class Reader:
    """Somebody who follows a page from top to bottom in one folder."""

    def __init__(self, folder: Path, cleanup: ExitStack) -> None:
        self.folder = folder
        self.cleanup = cleanup
        self.ids = Ids()
        self.status = 0

    def follow(self, block: Block) -> list[str]:
        """Do what *block* says; give what is not as it says."""
        if block.language == "python":
            return self._program(block)
        if block.language == "console":
            said = [self._command(command) for command in commands(block.body)]
            return [one for one in said if one is not None]
        if block.screen is not None:
            return self._screen(block)
        return []

    def _program(self, block: Block) -> list[str]:
        first = block.body.splitlines()[0]
        named = first.removeprefix("# ") if first.endswith(".py") else f"block_{block.line}.py"
        (self.folder / named).write_text(block.body, "utf-8")
        said = self._run([sys.executable, "-W", "error", named])
        return [said.stdout] if said.returncode else []

    def _command(self, command: Command) -> str | None:
        text = self.ids.put_in(command.text)
        if command.in_background:
            return self._start(text, command.expected)
        if text == "echo $?":
            return differs(command.expected, f"{self.status}\n", self.ids)
        said = self._run(["bash", "-c", text])
        self.status = said.returncode
        wrong = differs(command.expected, said.stdout, self.ids)
        if wrong is None and said.returncode and not command.expected:
            wrong = f"it ended with {said.returncode}: {said.stdout}"
        return f"$ {command.text}\n{wrong}" if wrong else None

    def _run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            check=False,
            cwd=self.folder,
            env=surroundings(self.folder),
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
        )

    def _start(self, text: str, expected: list[str]) -> str | None:
        """Start a server, wait until it says what the page shows."""
        output = self.folder / "background.txt"
        self.cleanup.enter_context(started(text.removesuffix(" &"), self.folder, output))
        return until(lambda: differs(expected, output.read_text("utf-8"), self.ids))

    def _screen(self, block: Block) -> list[str]:
        """Show the screen of a real terminal and press the keys of the page."""
        if shutil.which("tmux") is None:
            assert not os.environ.get("CI"), "tmux has to be there"
            return []
        text, _, keys = (block.screen or "").partition(" | ")
        width, height = (block.size or "80x24").split("x")
        terminal = self.cleanup.enter_context(Terminal(self, int(width), int(height)).opened(text))
        wrong = terminal.press(keys.split(), block.body.splitlines())
        return [f"{block.screen}\n{wrong}"] if wrong else []


class Terminal:
    """A terminal that nobody sits at."""

    def __init__(self, reader: Reader, width: int, height: int) -> None:
        self.reader = reader
        self.width = width
        self.height = height
        # A socket's path has about a hundred bytes, and the folders of tests are deep.
        self.home = reader.cleanup.enter_context(tempfile.TemporaryDirectory())
        self.socket = f"{self.home}/tmux"

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
        return until(lambda: differs(expected, self.shown(), self.reader.ids))

    def shown(self) -> str:
        return self._tmux("capture-pane", "-p")

    def _rest(self) -> None:
        """Wait until something is shown and stays."""
        last = [""] * 3
        until(lambda: None if self._settled(last) else "moving")

    def _settled(self, last: list[str]) -> bool:
        last[:] = [*last[1:], self.shown()]
        return bool(last[0].strip()) and len(set(last)) == 1

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-u", "-S", self.socket, *arguments],
            capture_output=True,
            check=False,
            cwd=self.reader.folder,
            env=surroundings(self.reader.folder) | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
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


def until(wrong: Callable[[], str | None]) -> str | None:
    """Ask *wrong* until it finds nothing wrong; give what it said last."""
    give_up = time.monotonic() + PATIENCE_S
    while (said := wrong()) is not None and time.monotonic() < give_up:
        time.sleep(0.1)
    return said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_says_what_happens(page: Path, tmp_path: Path) -> None:
    with ExitStack() as cleanup:
        reader = Reader(tmp_path, cleanup)
        wrong = [
            f"{page.name}:{block.line}: {fault}"
            for block in blocks(page)
            for fault in reader.follow(block)
        ]

    assert not wrong, "\n\n".join(wrong)


def test_a_page_that_shows_something_else_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ echo req-00aa11 in 3 ms\nreq-ffffff in 12 ms\n"
        "$ echo 'total 42'\ntotal 43\n```\n```python\nassert 1 == 2\n```\n",
        "utf-8",
    )

    with ExitStack() as cleanup:
        reader = Reader(tmp_path, cleanup)
        wrong = [fault for block in blocks(page) for fault in reader.follow(block)]

    assert len(wrong) == 2
    assert "total 43" in wrong[0]
    assert "AssertionError" in wrong[1]


def test_an_id_is_the_same_all_over_a_page() -> None:
    ids = Ids()

    first = differs(["made req-00aa11"], "made req-123456\n", ids)
    same = differs(["got req-00aa11"], "got req-123456\n", ids)
    other = differs(["got req-00aa11"], "got req-999999\n", ids)

    assert (first, same) == (None, None)
    assert other is not None
    assert ids.put_in("timescape log req-00aa11") == "timescape log req-123456"

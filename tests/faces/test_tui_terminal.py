"""The debugger on a real terminal: what it shows, and that it gives the terminal back (TT-4)."""

import errno
import fcntl
import io
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest
from textual.drivers._writer_thread import WriterThread

from debugger.tui.terminal import Deaf
from tests.contracts.source import ROOT
from tests.debugger.stores import shop, sqlite_store

PATIENCE_S = 30.0
ALTERNATE, NORMAL = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """One end of a pseudo-terminal, with a program at the other."""

    def __init__(self, *words: str, rows: int = 24, columns: int = 80) -> None:
        self.ours, self.theirs = pty.openpty()
        self.resize(rows, columns)
        self.found: Any = termios.tcgetattr(self.theirs)
        """How the terminal was before anything ran."""
        self.seen = b""
        # Which pytest's workers set; a program takes them for the size of its terminal.
        surroundings = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "debugger", *words],
            stdin=self.theirs, stdout=self.theirs, stderr=self.theirs, cwd=ROOT,
            env={**surroundings, "TERM": "xterm-256color", "TIMESCAPE_CONFIG": ""},
        )  # fmt: skip

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def wait_for(self, what: bytes, since: int = 0) -> int:
        """Read until *what* is painted behind *since*; return where the reading stands."""
        give_up = time.monotonic() + PATIENCE_S
        while what not in self.seen[since:]:
            left = give_up - time.monotonic()
            assert left > 0, f"{what!r} never came: {self.seen[-2_000:]!r}"
            if select.select([self.ours], [], [], min(left, 0.2))[0]:
                self.seen += os.read(self.ours, 65_536)
        return len(self.seen)

    def wait_until_given_back(self) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while termios.tcgetattr(self.theirs) != self.found:
            assert time.monotonic() < give_up, "the terminal was never given back"
            select.select([self.ours], [], [], 0.02)

    def wait_until_stopped(self) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while os.waitid(os.P_PID, self.child.pid, os.WSTOPPED | os.WNOHANG) is None:
            assert time.monotonic() < give_up, "it never stopped"
            select.select([self.ours], [], [], 0.02)

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.ours)
        os.close(self.theirs)


class Gone(io.StringIO):
    """A terminal whose window was closed."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, text)

    def flush(self) -> None:
        raise OSError(errno.EIO, "gone")


@pytest.mark.proves("RN-7")
def test_what_is_written_to_a_closed_window_does_not_keep_the_program() -> None:
    """Textual's own thread, which takes 30 texts and ends with the first that fails."""
    thread = WriterThread(Deaf(Gone()))  # type: ignore[arg-type]
    thread.start()
    for number in range(100):
        thread.write(str(number))
    thread.stop()

    assert not thread.is_alive()


@pytest.mark.proves("TT-4", "RN-7", "RN-2")
def test_a_terminal_is_stepped_resized_suspended_and_given_back(tmp_path: Path) -> None:
    with sqlite_store(tmp_path / "shop.db") as store:
        made = shop(store)
    terminal = Terminal("debug", str(tmp_path / "shop.db"), "--request", f"req-{made.hostile.hex}")
    try:
        terminal.wait_for(ALTERNATE)
        at = terminal.wait_for(b"lone")
        assert termios.tcgetattr(terminal.theirs) != terminal.found
        terminal.type("S")
        at = terminal.wait_for(b"context.set", at)
        terminal.resize(36, 120)
        terminal.send(signal.SIGWINCH)
        at = terminal.wait_for(b"2 Request", at)

        terminal.send(signal.SIGTSTP)
        at = terminal.wait_for(NORMAL, at)
        terminal.wait_until_given_back()
        terminal.wait_until_stopped()
        terminal.send(signal.SIGCONT)
        at = terminal.wait_for(b"2 Request", terminal.wait_for(ALTERNATE, at))

        terminal.send(signal.SIGSTOP)  # of which nobody is warned
        terminal.wait_until_stopped()
        terminal.send(signal.SIGCONT)
        at = terminal.wait_for(b"2 Request", terminal.wait_for(ALTERNATE, at))
        terminal.type("s")
        at = terminal.wait_for(b"response.sent", at)

        terminal.send(signal.SIGTERM)
        terminal.wait_for(NORMAL, at)
        assert terminal.child.wait(PATIENCE_S) == 128 + signal.SIGTERM
        terminal.wait_until_given_back()
        assert b"owned" in terminal.seen
        of_the_data = (b"\x1b]0;owned", b"\x1b[2J", "\u202e".encode(), "\x9b31m".encode())
        assert [each for each in of_the_data if each in terminal.seen] == []
    finally:
        terminal.close()


@pytest.mark.proves("AC-1")
def test_ascii_is_all_that_is_drawn_where_it_is_asked_for(tmp_path: Path) -> None:
    with sqlite_store(tmp_path / "shop.db") as store:
        shop(store)
    terminal = Terminal("debug", str(tmp_path / "shop.db"), "--ascii")
    try:
        terminal.wait_for(b"req-")
        terminal.type("q")
        terminal.wait_for(NORMAL)
    finally:
        terminal.close()

    assert terminal.seen.isascii()

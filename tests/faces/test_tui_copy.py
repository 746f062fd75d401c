"""Where `y` puts what it copies, and that it says so (KB: copy)."""

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from debugger.tui.clipboard import MOST_BYTES, Clipboard, is_deaf, program_of
from tests.faces.tui import ORDER, Person, drive

XCLIP = {"DISPLAY": ":0", "TERM": "linux"}


def finds(*there: str) -> "dict[str, str]":
    return {name: f"/usr/bin/{name}" for name in there}


@pytest.mark.proves("KB-1", "RN-2")
def test_y_tells_the_terminal_and_pressed_again_writes_a_file_for_its_owner(tmp_path: Path) -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.press("y")
        assert person.message.startswith("Copied by the terminal (OSC 52; y again: into a file): #")
        copied = person.app.clipboard
        await person.press("y")
        file = tmp_path / "timescape" / "copied.txt"
        assert person.message == f"Written to {file}: {copied}"
        assert file.read_text("utf-8") == copied
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        await person.press("S", "y")
        assert "OSC 52" in person.message
        await person.press("y")  # the file that is there is another one's no more

        assert file.read_text("utf-8") == person.app.clipboard != copied

    drive(scenario, clipboard=Clipboard({"XDG_CACHE_HOME": str(tmp_path)}))


@pytest.mark.proves("KB-1")
def test_where_nothing_can_be_copied_to_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "timescape").write_text("a file in the place of the folder", "utf-8")

    async def scenario(person: Person) -> None:
        await person.press("home", "y")

        assert person.message.startswith("It was not copied. ")

    drive(scenario, clipboard=Clipboard({"TERM": "linux", "XDG_CACHE_HOME": str(tmp_path)}))


@pytest.mark.proves("KB-1")
def test_a_program_takes_it_where_the_terminal_is_deaf(tmp_path: Path) -> None:
    program, taken = tmp_path / "xclip", tmp_path / "taken"
    program.write_text(f'#!/bin/sh\necho "$@" > {taken}\ncat >> {taken}\n', "utf-8")
    program.chmod(0o700)

    async def scenario(person: Person) -> None:
        await person.press("home", "y")

        current = person.app.requests.list.current
        assert current is not None
        assert person.message == f"Copied by xclip: {current.request_id}"
        assert taken.read_text("utf-8") == f"-selection clipboard\n{current.request_id}"

    drive(scenario, clipboard=Clipboard(XCLIP, lambda name: str(tmp_path / name)))


@pytest.mark.proves("KB-1")
@pytest.mark.parametrize(
    ("environ", "there", "way"),
    [
        ({"TERM": "xterm-256color", "DISPLAY": ":0"}, ["xclip"], "terminal"),
        ({"TERM": "linux"}, ["xclip"], "file"),
        ({"TERM": "linux", "DISPLAY": ":0"}, ["xclip"], "program"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7200", "WAYLAND_DISPLAY": "w"},
         ["wl-copy"], "program"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7200", "SSH_TTY": "/dev/pts/1",
          "DISPLAY": "localhost:10"}, ["xclip"], "file"),
        ({"TERM_PROGRAM": "Apple_Terminal"}, ["pbcopy"], "program"),
        ({}, [], "terminal"),
    ],
)  # fmt: skip
def test_what_is_known_of_the_terminal_says_the_way(
    environ: Mapping[str, str], there: list[str], way: str
) -> None:
    find = finds(*there).get
    clipboard = Clipboard(environ, find)

    assert clipboard.way("#17") == way
    assert (way == "terminal") is not is_deaf(environ)
    assert (clipboard.way("#17"), clipboard.way("#17")) == ("file", way)
    assert clipboard.way("#18") == way
    longer = clipboard.way("x" * (MOST_BYTES + 1))
    assert longer == ("program" if program_of(environ, find) else "file")

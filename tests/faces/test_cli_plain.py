"""`timescape debug --plain` over real pipes (BY-2)."""

import subprocess
from pathlib import Path

import pytest

from debugger.cli import Exit
from debugger.session import Session
from debugger.timeline import sentence
from tests import warm
from tests.debugger.stores import Ticks, shop, sqlite_store


@pytest.mark.proves("BY-2", "AC-2", "RN-2")
def test_commands_go_in_by_a_pipe_and_sentences_come_out(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite_store(path, Ticks()) as store:
        stream = shop(store).order
        timeline = Session(store).timeline(stream)

    said = subprocess.run(
        [*warm.program(), "debug", f"sqlite:///{path}", "--plain",
         "--request", stream.hex],
        input="g 3\nS\nnonsense\nquit\ns\n", capture_output=True, check=False, text=True,
    )  # fmt: skip

    assert said.returncode == Exit.OK
    assert said.stdout.splitlines()[2:] == [sentence(timeline, 3), sentence(timeline, 2)]
    assert said.stderr.startswith("'nonsense' is no command, and 'nonsense' no moment.")

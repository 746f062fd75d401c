"""Warm programs do as those do that are really started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import warm

Python = Callable[[], str]
BOTH = pytest.mark.parametrize(
    "python", [warm.python, lambda: sys.executable], ids=["warm", "real"]
)
PATIENCE_S = 30


@BOTH
def test_it_gets_words_folder_surroundings_and_input(python: Python, tmp_path: Path) -> None:
    asked = "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['HERE'], input())"
    said = subprocess.run(
        [python(), "-c", asked, "a b", "-c"],
        input="heard\n", capture_output=True, check=True, cwd=tmp_path, text=True,
        env={**os.environ, "HERE": "there"},
    )  # fmt: skip

    assert (said.stdout, said.stderr) == (f"['a b', '-c'] {tmp_path} there heard\n", "")


@BOTH
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("", 0),
        ("raise SystemExit(7)", 7),
        ("1/0", 1),
        ("import os; os._exit(255)", 255),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import os; os.abort()", -signal.SIGABRT),
    ],
)
def test_it_ends_as_its_program_does(python: Python, asked: str, status: int) -> None:
    done = subprocess.run([python(), "-c", asked], capture_output=True, check=False)

    assert done.returncode == status


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@BOTH
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_is_sent_to_it_reaches_its_program(python: Python, number: int) -> None:
    asked = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    with subprocess.Popen(
        [python(), "-c", asked], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout is not None
        child = int(one.stdout.readline())
        one.send_signal(number)
        assert one.wait(PATIENCE_S) == -number
        until = time.monotonic() + PATIENCE_S
        while lives(child):
            assert time.monotonic() < until, "its program went on"


@BOTH
def test_it_runs_modules_and_files(python: Python, tmp_path: Path) -> None:
    told = "import sys; print(__name__, sys.argv[1:], sys.path[0])"
    (tmp_path / "one.py").write_text(told)
    module = subprocess.run(
        [python(), "-m", "one", "x"], stdout=-1, check=True, cwd=tmp_path, text=True
    )
    file = subprocess.run([python(), "one.py", "x"], stdout=-1, check=True, cwd=tmp_path, text=True)

    assert module.stdout == f"__main__ ['x'] {tmp_path}\n"
    assert file.stdout.startswith("__main__ ['x'] ")


def test_timescape_is_there_too(tmp_path: Path) -> None:
    said = [
        subprocess.run([*words, "nonsense"], capture_output=True, check=False, text=True)
        for words in (warm.program(), [sys.executable, "-m", "debugger"])
    ]

    assert said[0].returncode == said[1].returncode != 0
    assert said[0].stderr == said[1].stderr != ""

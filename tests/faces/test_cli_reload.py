"""`timescape serve --reload`: a process that is watched over, and files that change."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from debugger.cli import build_parser
from debugger.cli.restarting import command, stamps

SERVER = """
import signal, sys, time
def end(*_):
    print("ended", *open("a.py").read().split(), flush=True)
    sys.exit(5)
signal.signal(signal.SIGTERM, end)
said = open("a.py").read()
print("started", said, flush=True)
if said == "broken":
    sys.exit(1)
while True:
    time.sleep(60)
"""
WATCHER = f"""
import sys
from pathlib import Path
from debugger.cli.restarting import Restarter
sys.exit(Restarter([sys.executable, "-S", "-c", {SERVER!r}], Path.cwd()).run())
"""


@pytest.mark.proves("MO-7")
def test_a_change_lets_what_serves_end_and_then_starts_a_fresh_process(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("one")
    watched = subprocess.Popen(
        [sys.executable, "-c", WATCHER], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(60, watched.kill)
    watchdog.start()
    with watched:
        assert watched.stdout is not None
        said = [watched.stdout.readline()]
        for text in ("broken", "three"):
            file.write_text(text)
            while not said[-1].startswith(f"started {text}"):
                said.append(watched.stdout.readline())
                assert said[-1], said
        watched.send_signal(signal.SIGTERM)
        said += watched.stdout.readlines()
        status = watched.wait()
    watchdog.cancel()

    assert [line.strip() for line in said] == [
        "started one", "ended broken", "started broken", "started three", "ended three",
    ]  # fmt: skip
    assert status == 5


@pytest.mark.proves("MO-7")
def test_what_it_starts_is_the_same_command_that_watches_nothing() -> None:
    words = ["serve", "shop:app", "--port", "8123", "--reload"]
    made = command(words)
    parsed = build_parser().parse_args(made[made.index("serve") :])

    assert made[:3] == [sys.executable, "-m", "debugger"]
    assert (parsed.app, parsed.port, parsed.reload) == ("shop:app", 8123, False)
    assert build_parser().parse_args(words).reload is True
    assert not build_parser().parse_args(words[:-1]).reload


@pytest.mark.proves("MO-7")
def test_sources_are_watched_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.py", "b.wasm", "c.db", "deep/d.py", ".venv/e.py", "__pycache__/f.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    before = stamps(tmp_path)

    assert {str(path.relative_to(tmp_path)) for path in before} == {"a.py", "b.wasm", "deep/d.py"}
    (tmp_path / "a.py").unlink()
    assert stamps(tmp_path) != before

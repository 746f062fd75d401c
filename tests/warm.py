"""Starts `timescape` and Python programs in a blink: `python -m tests.warm FOLDER`.

A warm process has imported what they import, opens nothing, and forks for each. `FOLDER` gets a
`timescape` and a `python` that hand it their words, folder, surroundings, input and output, pass on
signals, and end as their child ends: they can be used in pipes and by `subprocess` as any program.
Whoever kills them kills it. The child has a number of its own, though: who stops it asks it.

What only a real start shows (what is loaded when, the seed of hashes, how long it takes) is tested
by real starts: where the program is installed, by servers and screens, by `tests/contracts`.
"""

import array
import atexit
import gc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
import warnings
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

from debugger.__main__ import main as timescape

LOADED = (
    "alembic.command", "debugger.cli.debug", "debugger.cli.rerunning", "debugger.dap",
    "debugger.demo", "eventstore.sql.migrating", "eventstore.sql.postgres", "eventstore.testing",
    "granian", "httpx", "psycopg", "runtime.app.serving", "runtime.codegen", "runtime.replay",
)  # fmt: skip
"""What programs load when they need it; nothing of it begins a thread, or opens anything."""

HANDED = """#!{python} -IS
import array, json, os, signal, socket, sys
passed_on = signal.SIGHUP, signal.SIGINT, signal.SIGTERM
signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
with socket.socket(socket.AF_UNIX) as warm:
    warm.connect({address!r})
    said = json.dumps([{name!r}, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    fds = array.array("i", [0, 1, 2])
    warm.sendmsg([len(said).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    warm.sendall(said)
    child = int.from_bytes(warm.recv(4), "big")
    for number in passed_on:
        signal.signal(number, lambda number, _: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
    heard = warm.recv(4)
status = int.from_bytes(heard, "big", signed=True) if heard else 70
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


class Programs:
    """Warm programs of a test run: started when the first is wanted."""

    def __init__(self) -> None:
        # A socket's path has about a hundred bytes, and the folders of tests are deep.
        self.folder = Path(tempfile.mkdtemp(prefix="warm-"))
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", str(self.folder)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"warm\n"

    def close(self) -> None:
        self._server.communicate()
        shutil.rmtree(self.folder)


@cache
def programs() -> Programs:
    """Give those of this test run, which `tests.conftest` ends."""
    return Programs()


def python() -> str:
    """Give a Python that starts warm: with `-c`, `-m` or a file."""
    return str(programs().folder / "python")


def program() -> list[str]:
    """Give the words that start `timescape`."""
    return [str(programs().folder / "timescape")]


# --- the warm process ---


def serve(folder: Path) -> None:
    for name in LOADED:
        import_module(name)
    gc.collect()
    gc.freeze()  # else looking for garbage copies what is shared
    address = str(folder / "warm")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(16)
    for name in ("timescape", "python"):
        program = folder / name
        program.write_text(HANDED.format(python=sys.executable, address=address, name=name))
        program.chmod(0o755)
    print("warm", flush=True)  # noqa: T201 - it is waited for
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that attend
    while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
        asked, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            attend(asked)


def attend(asked: socket.socket) -> None:
    """In a child: fork the program, and tell who asked its number and how it ended."""
    heard, ancillary, _, _ = asked.recvmsg(4, socket.CMSG_SPACE(12))
    fds = array.array("i")
    fds.frombytes(ancillary[0][2][:12])
    left, said = int.from_bytes(heard, "big"), b""
    while len(said) < left:
        said += asked.recv(65536)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        asked.close()
        for fd, handed in enumerate(fds):
            os.dup2(handed, fd)
            os.close(handed)
        become(*json.loads(said))
    for fd in (0, 1, 2, *fds):
        os.close(fd)  # a pipe has ended when its program has
    ended = threading.Event()
    threading.Thread(target=end_with, args=(asked, child, ended), daemon=True).start()
    with suppress(OSError):  # who asked is gone already
        asked.sendall(child.to_bytes(4, "big"))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ended.set()
    with suppress(OSError):
        asked.sendall(status.to_bytes(4, "big", signed=True))
    os._exit(0)


def end_with(asked: socket.socket, child: int, ended: threading.Event) -> None:
    """Kill the program when who asked for it is gone."""
    with suppress(OSError):
        asked.recv(1)
    if not ended.is_set():  # else its number may be another's
        os.kill(child, signal.SIGKILL)


def become(name: str, words: list[str], folder: str, environ: dict[str, str]) -> None:
    """In a child: be the program, and end as it does."""
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as at a start: for good
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    statuses: list[int] = []
    atexit.register(leave, statuses)
    try:
        if name == "timescape":
            sys.argv = [name, *words]
            sys.path[0] = str(Path(sys.executable).parent)
            timescape()
        else:
            interpret(*words)
        sys.exit()
    except SystemExit as ended:
        if isinstance(ended.code, int | None):
            statuses.append(ended.code or 0)
        raise


def leave(statuses: list[int]) -> None:
    """End when all else that has to be done at the end is: taking modules apart takes long."""
    with suppress(OSError, ValueError):  # then the interpreter says what it says
        sys.stdout.flush()
        sys.stderr.flush()
        for status in statuses:
            os._exit(status & 0xFF)


def interpret(first: str, *words: str) -> None:
    """Run a module, a text or a file as Python does, a file with warnings as errors."""
    if first in {"-m", "-c"}:
        sys.path[0] = str(Path.cwd())
        sys.argv = [first, *words[1:]]
        if first == "-m":
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        else:
            run_text(words[0])
    else:
        warnings.simplefilter("error")
        sys.path[0] = str(Path.cwd())
        sys.argv = [first, *words]
        runpy.run_path(first, run_name="__main__")


def run_text(text: str) -> None:
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    exec(compile(text, "<string>", "exec"), vars(main))  # noqa: S102 - what a test wrote


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

"""Starts `timescape` and Python programs in a blink: `python -m tests.contracts.warm FOLDER`.

A warm process has imported what they import, opens nothing, and forks for each. `FOLDER`
gets a `timescape` and a `python` that hand it their words, folder, surroundings, input and
output, and end as its child ends; so they can be used in pipes, too. What only a real start
shows is tested where the program is installed, and by servers and screens.
"""

import array
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debugger.__main__ import main as timescape

HANDED = """#!{python} -IS
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX) as warm:
    warm.connect({address!r})
    said = json.dumps([{name!r}, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    fds = array.array("i", [0, 1, 2])
    warm.sendmsg([len(said).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    warm.sendall(said)
    ended = warm.recv(1)
sys.exit(ended[0] if ended else 70)
"""


@contextmanager
def warm_programs(folder: Path) -> Iterator[Path]:
    """Put a `timescape` and a `python` into *folder*, as long as they are needed."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.contracts.warm", str(folder)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"warm\n"
    try:
        yield folder
    finally:
        server.communicate()


def serve(folder: Path) -> None:
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
    """In a child: fork the program, and tell who asked how it ended."""
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
        become(*json.loads(said))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    asked.sendall(bytes([status if status >= 0 else 128 - status]))
    os._exit(0)


def become(name: str, words: list[str], folder: str, environ: dict[str, str]) -> None:
    """In a child: be the program, and end as it does."""
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as at a start: for good
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = [name, *words] if name == "timescape" else words
    if name == "timescape":
        sys.path[0] = str(Path(sys.executable).parent)
        timescape()
    warnings.simplefilter("error")
    sys.path[0] = folder
    runpy.run_path(words[0], run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

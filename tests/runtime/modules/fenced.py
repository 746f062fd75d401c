"""A module in a sandbox, for tests: it tries to get out, from Python and past it."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from runtime import Module, ModuleContext

fenced = Module("fenced", isolation="sandbox", isolation_fallback="subprocess")
strict = Module("strict", isolation="sandbox")
MACHINE = os.uname().machine
_IO_URING_SETUP = 425


@strict.method
def nothing(ctx: ModuleContext) -> None: ...


def _tried(work: Callable[[], object]) -> str:
    """Say how it went, by the name of what was raised."""
    try:
        work()
    except OSError as error:
        return "refused" if isinstance(error, PermissionError) else f"errno {error.errno}"
    return "done"


def _called(result: int) -> None:
    """Raise what a function of the C library left in errno."""
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused by the C library")


@fenced.method
def files(ctx: ModuleContext, path: str) -> dict[str, str]:
    libc = ctypes.CDLL(None, use_errno=True)
    raw = path.encode()
    return {
        "read": _tried(lambda: Path(path).read_text("utf-8")),
        "write": _tried(lambda: Path(path).write_text("gone", "utf-8")),
        "make": _tried(lambda: Path(path + ".new").write_text("new", "utf-8")),
        "delete": _tried(lambda: Path(path).unlink()),
        "rename": _tried(lambda: Path(path).rename(path + ".old")),
        "chmod": _tried(lambda: Path(path).chmod(0o777)),
        "truncate": _tried(lambda: os.truncate(path, 0)),
        "c open": _tried(lambda: _called(libc.open(raw, os.O_RDONLY))),
        "c unlink": _tried(lambda: _called(libc.unlink(raw))),
        "c chmod": _tried(lambda: _called(libc.chmod(raw, 0o777))),
    }


@fenced.method
def look(ctx: ModuleContext, path: str) -> str:
    return _tried(lambda: Path(path).read_text("utf-8"))


@fenced.method
def sockets(ctx: ModuleContext, port: int) -> dict[str, str]:
    libc = ctypes.CDLL(None, use_errno=True)

    def datagram() -> None:
        one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.sendto(b"x", "/dev/log")

    return {
        "connect": _tried(lambda: socket.create_connection(("127.0.0.1", port), 1)),
        "unix": _tried(lambda: socket.socket(socket.AF_UNIX)),
        "datagram": _tried(datagram),
        "c socket": _tried(lambda: _called(libc.socket(2, 1, 0))),
        "c udp": _tried(lambda: _called(libc.socket(2, 2, 0))),
        "c packet": _tried(lambda: _called(libc.socket(17, 3, 0))),
    }


@fenced.method
def others(ctx: ModuleContext) -> dict[str, str]:
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    argv = (ctypes.c_char_p * 2)(b"true", None)
    return {
        "run": _tried(lambda: subprocess.run([sys.executable, "-c", ""], check=True)),
        "c exec": _tried(lambda: _called(libc.execv(b"/bin/true", argv))),
        "kill": _tried(lambda: os.kill(parent, 0)),
        "group": _tried(lambda: os.killpg(os.getpgid(parent), 0)),
        "c kill": _tried(lambda: _called(libc.kill(parent, signal.SIGTERM))),
        "c ptrace": _tried(lambda: _called(libc.ptrace(16, parent, 0, 0))),
        "c io_uring": _tried(lambda: _called(libc.syscall(_IO_URING_SETUP, 1, 0))),
    }


@fenced.method
def own(ctx: ModuleContext) -> dict[str, str]:
    """Do what it may."""
    file = Path(os.environ["TMPDIR"]) / "a.txt"
    return {
        "write": _tried(lambda: file.write_text("a", "utf-8")),
        "read": _tried(lambda: file.read_text("utf-8")),
        "import": _tried(lambda: __import__("xmlrpc.client")),
        "self": _tried(lambda: os.kill(os.getpid(), 0)),
    }


@fenced.method
def read(ctx: ModuleContext, path: str) -> str:
    with ctx.open(path) as file:
        return str(file.read())


@fenced.method
def talk(ctx: ModuleContext, place: str) -> bytes:
    with ctx.connect(place) as made:
        made.sendall(b"hello")
        return bytes(made.recv(100))

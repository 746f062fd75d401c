"""Starts the process of a module: nothing of ours reaches it but what is named here.

A clean environment, no descriptors but its two sockets and its output, a folder of its own
to work in, no core dumps, and limits of what it may take. It is a session of its own: a
signal to our terminal is not one to it, and what it starts ends with it.
"""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from runtime.isolation.failing import Ending
from runtime.manifests.module import Resources

_BOOT = (
    "import json, resource, sys\n"
    "spec = json.loads(sys.argv[1])\n"
    "for limit, value in spec['limits']:\n"
    "    resource.setrlimit(limit, (value, value))\n"
    "sys.path[:] = spec['path']\n"
    "from runtime.isolation.worker import main\n"
    "main(spec)\n"
)
"""The limits hold before anything of the user's is imported."""
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
"""Of our environment."""


class Process:
    """A child, its sockets, and its folder.

    Args:
        name: of its module.
        resources: what it may take.
        confined_to: the Python module it may read in a sandbox; None: it has none.
    """

    def __init__(self, name: str, resources: Resources, confined_to: str | None = None) -> None:
        self._folder = tempfile.mkdtemp(prefix=f"timescape-{name}-")
        self.calls, calls = socket.socketpair()
        self.files, files = socket.socketpair()
        self.output, output = socket.socketpair()
        theirs = (calls, files, output)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                _command(self._folder, resources, (calls, files), confined_to),
                stdin=subprocess.DEVNULL,
                stdout=output.fileno(),
                stderr=output.fileno(),
                pass_fds=(calls.fileno(), files.fileno()),
                env=_environment(self._folder),
                cwd=self._folder,
                start_new_session=True,
            )
        except BaseException:
            self.close()
            raise
        finally:
            for each in theirs:
                each.close()

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    def kill(self) -> None:
        """End it, and what it started."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> Ending:
        """Wait until it has ended; blocks."""
        code = self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        return Ending(exit_code=code) if code >= 0 else Ending(signal=_signal_name(-code))

    def close(self) -> None:
        """Close our ends, as far as nobody has taken them over."""
        for each in (self.calls, self.files, self.output):
            each.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def limits_of(resources: Resources) -> list[tuple[str, int]]:
    """Say what a process may take at most: name of the limit and number."""
    wanted = (
        ("RLIMIT_AS", resources.address_space),
        ("RLIMIT_CPU", resources.cpu_s),
        ("RLIMIT_NOFILE", resources.files),
        ("RLIMIT_NPROC", resources.processes),
        ("RLIMIT_CORE", 0),
    )
    return [(name, value) for name, value in wanted if value is not None]


def _command(
    folder: str,
    resources: Resources,
    sockets: tuple[socket.socket, socket.socket],
    confined_to: str | None,
) -> list[str]:
    calls, files = sockets
    limits = [(getattr(resource, name), value) for name, value in limits_of(resources)]
    # It runs in another folder: what is relative to ours would not be found.
    path = [str(Path(each).resolve()) for each in sys.path]
    spec = {
        "limits": limits,
        "path": path,
        "calls": calls.fileno(),
        "files": files.fileno(),
        "frame": resources.frame,
        "folder": folder,
        "confined_to": confined_to,
    }
    return [sys.executable, "-s", "-E", "-P", "-u", "-c", _BOOT, json.dumps(spec)]


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "TMPDIR": folder, "HOME": folder}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

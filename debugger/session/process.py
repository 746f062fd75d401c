"""Runs a request again in a process of its own, that can be killed (RP-1).

User code never runs in the debugger: it may loop, print, or take the terminal. The child
reads what is wanted from its input and writes what came of it to its output.
"""

import subprocess
import threading
from collections.abc import Mapping, Sequence

import msgspec

from debugger.errors import RunEndedError
from debugger.session.again import Ran, Wanted


class Order(msgspec.Struct, frozen=True):
    """What the child is given."""

    store: str
    app: str
    wanted: Wanted


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Ran).decode
_MOST_SAID = 2_000


class FreshProcess:
    """One child at a time.

    Args:
        command: starts a child, which answers an `Order` with a `Ran`.
        store: address of the store.
        app: `module:app`.
        environ: of the child; None: that of this process.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        store: str,
        app: str,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._command = command
        self._store = store
        self._app = app
        self._environ = environ
        self._child: subprocess.Popen[bytes] | None = None
        self._cancelled = False
        self._lock = threading.Lock()

    @property
    def app(self) -> str:
        """`module:app`."""
        return self._app

    def run(self, wanted: Wanted) -> Ran:
        """Run one request; blocks until the child has ended.

        Raises:
            RunEndedError: it was cancelled, or its process died without an answer.
        """
        with self._lock:
            self._cancelled = False
            child = self._child = self._begun()
        try:
            out, said = child.communicate(_encode(Order(self._store, self._app, wanted)))
        finally:
            with self._lock:
                self._child = None
                cancelled = self._cancelled
        if cancelled:
            raise RunEndedError.cancelled()
        try:
            return _decode(out)
        except msgspec.DecodeError as error:
            raise RunEndedError.died(child.returncode, _end_of(said)) from error

    def _begun(self) -> subprocess.Popen[bytes]:
        # A session of its own: ctrl+c and the end of the terminal are not meant for it.
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=None if self._environ is None else dict(self._environ),
        )

    def cancel(self) -> None:
        """Kill the child that runs; without one nothing happens."""
        with self._lock:
            if self._child is not None:
                self._cancelled = True
                self._child.kill()


def _end_of(said: bytes) -> str:
    lines = said[-_MOST_SAID:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""

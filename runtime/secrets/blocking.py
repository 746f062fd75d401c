"""Threads for clients of secret stores, which block."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

from runtime.errors import SecretsConfigError
from runtime.secrets.provider import Found

MOST = 4
"""Calls of one provider at a time."""
IDLE_S = 10.0
"""After which a thread that has nothing to do ends."""
Reading: TypeAlias = Callable[[], Found | None]
_Job: TypeAlias = tuple[Reading, "asyncio.Future[Found | None]"]


class Threads:
    """Runs calls in threads of its own, in order of arrival.

    They are daemons: a call that never returns, such as one of a keyring that waits for
    somebody to unlock it, keeps no process from ending, and no other provider from answering.

    Args:
        name: of the threads, for who looks at the process.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._busy = 0

    async def run(self, call: Reading) -> Found | None:
        """Return what *call* gives; whoever is cancelled leaves at once."""
        result: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._busy += 1
            is_short = self._started < min(self._busy, MOST)
            self._started += is_short
        if is_short:
            name = f"timescape-{self._name}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        self._jobs.put((call, result))
        return await result

    def _work(self) -> None:
        while True:
            try:
                call, result = self._jobs.get(timeout=IDLE_S)
            except Empty:
                if self._may_end():
                    return
                continue
            # Nobody waits any more for what stood in line too long.
            outcome = None if result.cancelled() else _outcome(call)
            with self._lock:
                self._busy -= 1
            with suppress(RuntimeError):  # its loop is closed
                result.get_loop().call_soon_threadsafe(_tell, result, outcome)

    def _may_end(self) -> bool:
        with self._lock:
            # What was promised a thread may not stand in line yet.
            is_spare = self._busy < self._started
            self._started -= is_spare
            return is_spare


def _outcome(call: Reading) -> Found | Exception | None:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - raised again where it is waited for
        return error


def _tell(result: "asyncio.Future[Found | None]", outcome: Found | Exception | None) -> None:
    if result.done():
        return
    if isinstance(outcome, Exception):
        result.set_exception(outcome)
    else:
        result.set_result(outcome)


def client_library(module: str, extra: str) -> Any:
    """Import what a provider talks with, when it is made and not before.

    Raises:
        SecretsConfigError: it is not installed; names the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise SecretsConfigError(
            problem=f"This provider of secrets needs {module}.",
            remedy=f"Install it: pip install 'timescape[{extra}]'.",
        ) from error

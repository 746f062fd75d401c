"""Forks processes that work on a store and are killed: `python -m tests.kills.forking`.

It has imported everything and opened nothing. Each line on stdin is an `Order`; the child
that carries it out writes what it sent and what was acknowledged to stdout, and when it has
ended, how is written here.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec

from tests.kills.jobs import carry_out
from tests.kills.launcher import Order, Told, tell

FAILED = 70


class Gate:
    """Where a child waits until its strace is attached."""

    def __init__(self) -> None:
        self._ready, self._go = os.pipe(), os.pipe()

    def wait(self) -> None:
        """In the child: say that it is ready, wait to be let through."""
        os.write(self._ready[1], b".")
        os.read(self._go[0], 1)

    def open(self, child: int, arguments: Sequence[str]) -> None:
        """In the launcher: attach strace to *child* once it is ready, let it through."""
        os.close(self._ready[1])  # else a child that dies before would never be missed
        if os.read(self._ready[0], 1):
            strace = ["strace", "-f", *arguments, "-p", str(child)]
            tracer = subprocess.Popen(strace, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            assert tracer.stderr is not None
            said = tracer.stderr.readline()
            assert b" attached" in said, said
            os.write(self._go[1], b".")
            tracer.communicate()  # it ends with its child

    def close(self) -> None:
        for end in (self._ready[0], *self._go):
            os.close(end)


def launch(order: Order) -> int:
    """Have *order* carried out in a child; give how that ended."""
    gate = Gate() if order.strace else None
    child = os.fork()
    if child == 0:
        status = FAILED
        try:
            status = carry_out(order, gate.wait if gate else lambda: None)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            raise
        finally:
            os._exit(status)
    if gate is not None:
        gate.open(child, order.strace)
        gate.close()
    if order.after_s is not None:
        time.sleep(order.after_s)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    # Thousands of stores are opened here, each with the same warnings.
    logging.getLogger("eventstore").setLevel(logging.CRITICAL)
    for line in sys.stdin.buffer:
        tell(Told(ended=launch(msgspec.json.decode(line, type=Order))))


if __name__ == "__main__":
    main()

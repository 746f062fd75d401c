"""The process in which the debugger has a request run again: `python -m debugger.cli.again`.

It reads an `Order` from its input and writes a `Ran` to its output, once. What the app
prints goes to stderr: it must not stand in the answer.
"""

import os
import sys

import msgspec

from debugger.cli.opening import SqlStores
from debugger.session.again import Problem, Ran
from debugger.session.process import FreshProcess, Order
from eventstore import EventStoreError


def fresh_process(store: str, app: str) -> FreshProcess:
    """Return what runs requests of *store* again by the code of *app*, each in a new process."""
    return FreshProcess([sys.executable, "-m", "debugger.cli.again"], store=store, app=app)


def answer(order: Order) -> Ran:
    """Do what is ordered."""
    from debugger.session.rerun import run  # noqa: PLC0415 - who gives the order does not run it

    try:
        with SqlStores().session(order.store) as session:
            return run(session.store, order.app, order.wanted)
    except EventStoreError as error:
        return Ran("not-replayable", problem=Problem(error.code, error.problem, error.remedy))


def main() -> None:
    """Answer one order."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    with out:
        out.write(msgspec.json.encode(answer(order)))
    # Threads of the app must not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()

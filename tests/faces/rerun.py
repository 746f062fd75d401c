"""A shop that was served and can be run again, and runners that need no process."""

import threading
from functools import cache

from debugger.errors import RunEndedError
from debugger.session.again import Ran, Wanted
from debugger.session.rerun import run
from eventstore import NEW, NewEvent, Store, StreamId
from eventstore.memory import MemoryStore
from tests.debugger.stores import Shop, Ticks
from tests.runtime.replay.shop import Pricing, record
from tests.runtime.replay.shop import shop as replay_shop

APP = "tests.faces.replayed_app:app"
CHANGED = "tests.faces.replayed_app:changed"
CURIOUS = "tests.faces.replayed_app:curious"


@cache
def served() -> tuple[MemoryStore, StreamId]:
    """Serve one order; once for all tests."""
    return record(replay_shop(Pricing()), {"sku": "mug", "quantity": 2, "card": "4111 1111"})


def order(store: Store, clock: Ticks | None = None) -> Shop:
    """Fill *store* with one request that its app served."""
    source, request = served()
    for row in source.read_log(first_rows_only=True):
        if row.kind not in ("request", "control"):
            continue
        events = [NewEvent(e.type, e.data, e.key, e.at_us, e.site) for e in source.read(row.stream)]
        store.append(
            row.stream, events, kind=row.kind, expected=NEW, close=row.kind == "request"
        ).result()
    return Shop(*[request] * 9)


class Here:
    """Runs requests in this process, by the function that the child calls too."""

    def __init__(self, store: Store, app: str = APP) -> None:
        self._store = store
        self.app = app

    def run(self, wanted: Wanted) -> Ran:
        return run(self._store, self.app, wanted)

    def cancel(self) -> None:
        """There is nothing to kill."""


class Stuck:
    """A run that comes to no end until it is cancelled."""

    app = APP

    def __init__(self, store: Store) -> None:
        self._cancelled = threading.Event()

    def run(self, wanted: Wanted) -> Ran:
        self._cancelled.wait()
        raise RunEndedError.cancelled()

    def cancel(self) -> None:
        self._cancelled.set()

"""A shop that was served and can be run again, and runners that need no process."""

import random
import threading
from functools import cache
from uuid import UUID

import msgspec

from debugger.demo.shop import app as demo
from debugger.demo.traffic import complaint
from debugger.errors import RunEndedError
from debugger.session.again import Ran, Wanted
from debugger.session.rerun import run
from eventstore import NEW, NewEvent, Store, StreamId
from eventstore.memory import MemoryStore
from runtime.testing import Harness
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


@cache
def complained() -> tuple[Store, StreamId]:
    """Sell to the customer of the tutorial; once for all tests."""
    visit = complaint(random.Random(0))  # noqa: S311 - no secret
    with Harness(demo) as harness:
        result = harness.post(visit.target, json=msgspec.json.decode(visit.body))
        return harness.harness.store, StreamId(UUID(result.headers["request-id"][4:]))


def order(store: Store, clock: Ticks | None = None) -> Shop:
    """Fill *store* with one request that its app served."""
    return _filled(store, *served())


def complaint_of(store: Store, clock: Ticks | None = None) -> Shop:
    """Fill *store* with the request that the tutorial is about; each fact takes its time."""
    return _filled(store, *complained(), step_us=130)


def _filled(store: Store, source: Store, request: StreamId, step_us: int = 0) -> Shop:
    for row in source.read_log(first_rows_only=True):
        if row.kind not in ("request", "control"):
            continue
        events = [
            NewEvent(e.type, e.data, e.key, e.at_us + e.revision * step_us, e.site)
            for e in source.read(row.stream)
        ]
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

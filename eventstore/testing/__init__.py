"""What any backend must pass, and what tests of stores need. No pytest inside.

Subclass `StoreContract` and give its tests an open, new store as the argument `store`,
opened with `registry()`, `keyring()`, a `FakeClock` and `FakeIds`. The module `machine` holds
two backends against each other; it needs Hypothesis.
"""

from eventstore.testing.appending import Appending
from eventstore.testing.archiving import Archiving
from eventstore.testing.claims import proves, refused
from eventstore.testing.erasing import Erasing
from eventstore.testing.fakes import (
    MASTER,
    Counted,
    CountingReducer,
    FakeClock,
    FakeIds,
    Placed,
    keyring,
    placed,
    registry,
    several,
    stream,
)
from eventstore.testing.forking import Forking
from eventstore.testing.instants import Instants
from eventstore.testing.reading import Reading
from eventstore.testing.redacting import Redacting
from eventstore.testing.retrying import Retrying
from eventstore.testing.sealing import Sealing
from eventstore.testing.subscribing import Subscribing


class LogContract(Appending, Retrying, Reading, Forking):
    """The part of the conformance suite that a log must pass to hold requests at all."""


class StoreContract(LogContract, Subscribing, Instants, Redacting, Sealing, Erasing, Archiving):
    """The conformance suite. Each test takes a new store.

    A subclass declares what its store cannot do: `seals = False`, `moves = False`.
    """


__all__ = [
    "MASTER",
    "Counted",
    "CountingReducer",
    "FakeClock",
    "FakeIds",
    "LogContract",
    "Placed",
    "StoreContract",
    "keyring",
    "placed",
    "proves",
    "refused",
    "registry",
    "several",
    "stream",
]

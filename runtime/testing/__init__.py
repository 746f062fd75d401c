"""For tests of handlers: virtual time, seeded chance, and requests without a server.

with Harness(app) as harness:
    harness.post("/orders", json=ORDER).assert_status(200)
"""

from runtime.effects.virtual_loop import Deadlock, VirtualLoop, run_virtual
from runtime.testing.asking import Asking
from runtime.testing.contexts import FakeContext
from runtime.testing.doubles import FakeCall, FakeModule, FakeSecrets, calls
from runtime.testing.exploring import explore
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.harness import Harness
from runtime.testing.links import Link
from runtime.testing.recorded_checks import Checked, check_recorded
from runtime.testing.recordings import RecordedRequest
from runtime.testing.replaying import check_app, check_replay
from runtime.testing.results import Effect, Result
from runtime.testing.simulation import Simulation

__all__ = [
    "Asking",
    "Checked",
    "Deadlock",
    "Effect",
    "FakeCall",
    "FakeClock",
    "FakeContext",
    "FakeModule",
    "FakeSecrets",
    "Harness",
    "Link",
    "RecordedRequest",
    "Result",
    "SeededIds",
    "Simulation",
    "VirtualLoop",
    "calls",
    "check_app",
    "check_recorded",
    "check_replay",
    "explore",
    "run_virtual",
]

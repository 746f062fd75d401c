"""For tests of handlers: virtual time, seeded chance, and requests without a server.

answer = run_virtual(Harness(version).send(body=b'{"n": 1}'))
"""

from runtime.effects.virtual_loop import Deadlock, VirtualLoop, run_virtual
from runtime.testing.apps import AppHarness
from runtime.testing.asking import Asking
from runtime.testing.builders import received, version_of
from runtime.testing.doubles import FakeCall, FakeModule, FakeSecrets, calls
from runtime.testing.exploring import explore
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.harness import Harness, Told
from runtime.testing.links import Link
from runtime.testing.recorded_checks import Checked, check_recorded
from runtime.testing.recordings import RecordedRequest
from runtime.testing.replaying import check_app, check_replay
from runtime.testing.results import Effect, Result
from runtime.testing.simulation import Simulation

__all__ = [
    "AppHarness",
    "Asking",
    "Checked",
    "Deadlock",
    "Effect",
    "FakeCall",
    "FakeClock",
    "FakeModule",
    "FakeSecrets",
    "Harness",
    "Link",
    "RecordedRequest",
    "Result",
    "SeededIds",
    "Simulation",
    "Told",
    "VirtualLoop",
    "calls",
    "check_app",
    "check_recorded",
    "check_replay",
    "explore",
    "received",
    "run_virtual",
    "version_of",
]

"""For tests of handlers: virtual time, seeded chance, and requests without a server.

answer = run_virtual(Harness(version).send(body=b'{"n": 1}'))
"""

from runtime.effects.virtual_loop import Deadlock, VirtualLoop, run_virtual
from runtime.testing.builders import received, version_of
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.harness import Harness, Told
from runtime.testing.recordings import RecordedRequest
from runtime.testing.replaying import check_app, check_replay

__all__ = [
    "Deadlock",
    "FakeClock",
    "Harness",
    "RecordedRequest",
    "SeededIds",
    "Told",
    "VirtualLoop",
    "check_app",
    "check_replay",
    "received",
    "run_virtual",
    "version_of",
]

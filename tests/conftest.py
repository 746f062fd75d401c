"""How Hypothesis searches. No profile has a deadline: that would be a timed assertion."""

import gc
import os
import re
import signal
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from hypothesis.errors import InvalidArgument

from tests import warm
from tests.nats import nats
from tests.postgres import postgres

__all__ = ["nats", "postgres"]

# Too slow to draw is a timed assertion as well: it fails on a busy machine, not on a bug.
_QUIET = (HealthCheck.too_slow,)

settings.register_profile("dev", max_examples=100, deadline=None, suppress_health_check=_QUIET)
settings.register_profile(
    "ci", settings.get_profile("dev"), derandomize=True, print_blob=True, database=None
)
# The same laws on another Python, where the search was whole on the first.
settings.register_profile("brief", settings.get_profile("ci"), max_examples=15)
settings.register_profile("nightly", settings.get_profile("dev"), max_examples=2_000)
settings.register_profile("deep", settings.get_profile("dev"), max_examples=5_000)
_CHOSEN = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
settings.load_profile(_CHOSEN)


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


# A run in the background ignores Ctrl-C, and so would the programs that tests interrupt. And
# Python's own handler is replaced and put back by each `asyncio.run`, which is a third of what one
# takes in which little happens: ours it leaves alone.
signal.signal(signal.SIGINT, _interrupted)

_PROPERTY = re.compile(r"test_[px]\d\d_")
_OTHERS = settings(settings.get_profile("ci"), max_examples=15)


def pytest_collectstart() -> None:
    """Look for no garbage while tests are collected: there is none, and a seventh of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among the tests themselves: an eighth of their time."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Draw less in CI for laws that are no property by number: the run has to end in time."""
    if _CHOSEN != "ci":
        return
    found = {getattr(item.obj, "__func__", item.obj) for item in items if hasattr(item, "obj")}
    for law in found:
        if is_hypothesis_test(law) and not _PROPERTY.match(law.__name__):
            with suppress(InvalidArgument):  # it has settings of its own
                _OTHERS(law)


def pytest_unconfigure() -> None:
    """End what was started for all tests of this run, if any wanted it."""
    if warm.programs.cache_info().currsize:
        warm.programs().close()

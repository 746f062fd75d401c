"""How Hypothesis searches. No profile has a deadline: that would be a timed assertion."""

import os

from hypothesis import HealthCheck, settings

from tests.postgres import postgres

__all__ = ["postgres"]

# Too slow to draw is a timed assertion as well: it fails on a busy machine, not on a bug.
_QUIET = (HealthCheck.too_slow,)

settings.register_profile("dev", max_examples=100, deadline=None, suppress_health_check=_QUIET)
settings.register_profile(
    "ci", settings.get_profile("dev"), derandomize=True, print_blob=True, database=None
)
# The same laws on another Python, where the search was whole on the first.
settings.register_profile("brief", settings.get_profile("ci"), max_examples=15)
settings.register_profile("deep", settings.get_profile("dev"), max_examples=5_000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)

"""The conformance machine finds planted bugs: a green run says something."""

import os

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conformance.test_lockstep import SqliteAgrees
from tests.mutants.bugs import BUGS
from tests.mutants.planting import Bug, planted

pytestmark = pytest.mark.skipif(
    not os.environ.get("TIMESCAPE_MUTANTS"), reason="takes minutes: make mutants"
)
SEARCH = settings(
    max_examples=300,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],  # the first failure is enough
)


@pytest.mark.proves("CF-2")
@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_the_conformance_machine_finds_a_planted_bug(bug: Bug) -> None:
    found = None
    with planted(bug):
        try:
            run_state_machine_as_test(SqliteAgrees, settings=SEARCH)
        except Exception as error:  # noqa: BLE001 - a bug may show itself as anything
            found = error

    assert found is not None

"""The fixtures that pytest finds where Timescape is installed."""

import pytest

from tests.faces.command_line import run

pytest_plugins = ["pytester"]

TESTS = """
from runtime import App, LocalContext

app = App("fixtures")


@app.handler("GET /id")
async def give(lctx: LocalContext) -> str:
    lctx.set("id", str(lctx.uuid()))
    return lctx.get("id")


def test_it(harness, virtual_clock, seed):
    made = harness(app)
    virtual_clock.step(7)
    assert made.get("/id").assert_status(200).json == "another", virtual_clock()
"""


@pytest.mark.proves("TH-11")
def test_a_test_that_fails_tells_its_seed_and_where_its_log_is(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    # By its name, whether this installation has announced it or not.
    words = ["-p", "no:timescape", "-p", "debugger.pytest_plugin", "-p", "no:cacheprovider",
             "-p", "no:faker", "-p", "no:langsmith_plugin"]  # fmt: skip

    said = [pytester.runpytest_inprocess(*words, "--timescape-seed", "7") for _ in range(2)]

    said[0].assert_outcomes(failed=1)
    said[0].stdout.fnmatch_lines(
        ["again: --timescape-seed 7", "look: timescape debug --store *.db"]
    )
    ids = [[line for line in each.outlines if "another" in line] for each in said]
    assert ids[0] == ids[1]
    store = next(line for line in said[0].outlines if line.startswith("look: ")).split()[-1]
    assert "GET /id" in run("requests", "--store", store).out

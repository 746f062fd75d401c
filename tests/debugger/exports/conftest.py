import os
from collections.abc import Iterator

import pytest

from tests.debugger.exports.browser import BROWSERS, Page, browser_here, browsing


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser for all tests of a process; without one a skip, but in CI a failure."""
    program = browser_here()
    if program is None:
        assert not os.environ.get("CI"), "CI has to have a browser"
        pytest.skip(f"this machine has no browser: none of {', '.join(BROWSERS)}")
    with browsing(program, tmp_path_factory.mktemp("browser")) as page:
        yield page

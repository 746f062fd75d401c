"""What the pages show is what happens: every program and every command of theirs is run."""

import os
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contracts.pages import Ids, blocks, differs
from tests.contracts.reader import Reader, lacking
from tests.contracts.source import ROOT
from tests.warm import programs as warm_programs

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def programs() -> Path:
    return warm_programs().folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_says_what_happens(page: Path, tmp_path: Path, programs: Path) -> None:
    missing = lacking(blocks(page))
    if missing and not os.environ.get("CI"):
        pytest.skip(f"this machine has no {', '.join(missing)}")
    assert missing == []

    with ExitStack() as cleanup:
        reader = Reader(tmp_path, cleanup, programs)
        wrong = [
            f"{page.name}:{block.line}: {happened.what}\n{happened.wrong}"
            for block in blocks(page)
            for happened in reader.follow(block)
            if happened.wrong is not None
        ]

    assert not wrong, "\n\n".join(wrong)


def test_a_page_that_shows_something_else_is_found(tmp_path: Path, programs: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ echo req-00aa11 in 3 ms\nreq-ffffff in 12 ms\n"
        "$ echo 'total 42'\ntotal 43\n```\n```python\nassert 1 == 2\n```\n",
        "utf-8",
    )

    with ExitStack() as cleanup:
        reader = Reader(tmp_path, cleanup, programs)
        wrong = [happened.wrong for block in blocks(page) for happened in reader.follow(block)]

    assert wrong[0] is None
    assert "total 43" in str(wrong[1])
    assert "AssertionError" in str(wrong[2])


def test_an_id_is_the_same_all_over_a_page() -> None:
    ids = Ids()

    first = differs(["made req-00aa11"], "made req-123456\n", ids)
    same = differs(["got req-00aa11"], "got req-123456\n", ids)
    other = differs(["got req-00aa11"], "got req-999999\n", ids)

    assert (first, same) == (None, None)
    assert other is not None
    assert ids.put_in("timescape log req-00aa11") == "timescape log req-123456"


def test_no_two_pages_serve_at_the_same_port() -> None:
    """They are followed at the same time."""
    served = [
        (port, page.name)
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for port in re.findall(r"--port (\d+)", block.body)
    ]

    assert served
    assert len({port for port, _ in served}) == len(served), sorted(served)

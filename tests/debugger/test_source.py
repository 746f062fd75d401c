"""The source behind a fact (LN-4): from the app's folders, and nowhere else."""

from pathlib import Path

import pytest

from debugger.session import read_source


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "tax.py").write_text("rate = 0.19\ntotal = net * rate\n")
    (tmp_path / "secret.txt").write_text("secret\n")
    (root / "link.py").symlink_to(tmp_path / "secret.txt")
    return root


@pytest.mark.proves("LN-4")
def test_the_file_and_line_of_a_fact_are_found(app: Path) -> None:
    source = read_source("shop/tax.py:2", [app])

    assert (source.line, source.lines[1]) == (2, "total = net * rate")
    assert (source.problem, source.path) == ("", str(app / "shop" / "tax.py"))


@pytest.mark.proves("LN-4")
@pytest.mark.parametrize(
    "site", ["../secret.txt:1", "link.py:1", "/etc/passwd:1", "shop:1", "gone.py:1", "a\0b:1"]
)
def test_nothing_outside_the_roots_is_ever_opened(app: Path, site: str) -> None:
    source = read_source(site, [app])

    assert list(source.lines) == []
    assert "is not here" in source.problem


@pytest.mark.parametrize("site", [None, "", "tax.py", "tax.py:x", ":3"])
def test_a_fact_without_a_line_says_so(app: Path, site: str | None) -> None:
    assert read_source(site, [app]).problem == "This fact came from no line of your code."


@pytest.mark.proves("LN-4")
def test_code_that_differs_from_what_ran_is_said(app: Path) -> None:
    long_ago_us, in_future_us = 1_000_000, 4_000_000_000_000_000

    assert "may differ" in read_source("shop/tax.py:1", [app], long_ago_us).problem
    assert "only 2 lines" in read_source("shop/tax.py:9", [app], in_future_us).problem
    assert read_source("shop/tax.py:1", [app], in_future_us).problem == ""


def test_the_first_root_that_has_the_file_wins(app: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "shop").mkdir(parents=True)
    (other / "shop" / "tax.py").write_text("other\n")

    assert read_source("shop/tax.py:1", [tmp_path / "none", other, app]).lines == ["other"]

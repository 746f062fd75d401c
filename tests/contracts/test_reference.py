"""Whatever a user can meet is in the reference pages, and nothing else is."""

import ast
import re
from itertools import pairwise

import pytest

from tests.contracts.reference import DOCS, SECTIONS, written
from tests.contracts.source import PACKAGES, ROOT, files_of, tree_of

CODE = re.compile(r"[a-z]+(?:-[a-z]+)+|timeout|forbidden|overloaded")
SETTING = re.compile(r"TIMESCAPE_[A-Z_]+")


@pytest.mark.parametrize("name", SECTIONS)
def test_a_page_says_of_the_source_what_the_source_says(name: str) -> None:
    page, make = SECTIONS[name]
    remedy = f"docs/{page} is behind: run `python -m tests.contracts.reference`"

    assert written(name) == make(), remedy


def table(heading: str, column: int) -> list[str]:
    """Give what stands in backquotes in a column of the table after a comment of errors.md."""
    text = (DOCS / "errors.md").read_text("utf-8")
    rows = text.split(f"<!-- {heading} -->")[1].split("\n\n")[1].splitlines()[2:]
    return [row.split("|")[column].strip().strip("`") for row in rows]


def store_codes() -> set[str]:
    """Find the codes that the store's errors are made with."""
    return {
        node.args[0].value
        for path in files_of("eventstore")
        if "testing" not in path.parts
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"EventStoreError", "super().__init__"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and CODE.fullmatch(node.args[0].value)
    }


def problem_codes() -> set[tuple[str, str]]:
    """Find the pairs of status and code, as arguments and as entries of tables."""
    found = set()
    for path in files_of("runtime"):
        for node in ast.walk(tree_of(path)):
            parts = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
            values = [part.value if isinstance(part, ast.Constant) else None for part in parts]
            for status, code in pairwise(values):
                if isinstance(status, int) and isinstance(code, str) and CODE.fullmatch(code):
                    found.add((str(status), code))
    return found


def test_every_error_of_the_store_is_in_the_table_once() -> None:
    told = table("store codes", 1)

    assert sorted(told) == sorted(store_codes())


def test_every_problem_of_http_is_in_the_table_once() -> None:
    told = list(zip(table("problem codes", 1), table("problem codes", 2), strict=True))

    assert sorted(told) == sorted(problem_codes())


def test_every_setting_is_told() -> None:
    named = {
        setting
        for package in PACKAGES
        for path in files_of(package)
        for setting in SETTING.findall(path.read_text("utf-8"))
    }

    assert named
    assert named <= set(SETTING.findall((DOCS / "cli.md").read_text("utf-8")))


def test_no_page_links_to_what_is_not_there() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []

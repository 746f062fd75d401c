"""The tests are the specification, so they have to say something."""

import ast
import re
from pathlib import Path

from tests.contracts.source import ROOT, files_of, project, shown, tree_of

CLAIMS = re.compile(r"^(assert|check|expect|raises|verify|fail|run_state_machine)")


def claims(test: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether *test* can fail by what it finds."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if CLAIMS.match(name.lstrip("_")):
                return True
    return False


def defined_in(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]


def all_of_them() -> list[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    return [(path, test) for path in files_of("tests") for test in defined_in(path)]


def test_every_test_asserts_something() -> None:
    silent = [shown(path, test) for path, test in all_of_them() if not claims(test)]

    assert silent == []


def test_a_silent_test_would_be_seen() -> None:
    silent = ast.parse("def test_x():\n    print(1)").body[0]

    assert isinstance(silent, ast.FunctionDef)
    assert not claims(silent)


def test_no_async_test_is_collected_and_never_awaited() -> None:
    lost = [shown(p, t) for p, t in all_of_them() if isinstance(t, ast.AsyncFunctionDef)]

    assert lost == []


def test_nothing_of_ours_is_replaced_by_a_mock() -> None:
    mocked = [
        shown(path, node)
        for path in files_of("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and any("mock" in alias.name for alias in node.names)
    ]

    assert mocked == []


def test_what_a_test_proves_is_a_requirement() -> None:
    form = re.compile(r"^(?:[A-Z]{2,3}-\d{1,2}|[PX]\d{1,2})$")
    odd = [
        f"{shown(path, node)} {argument.value!r}"
        for path in files_of("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "proves"
        for argument in node.args
        if isinstance(argument, ast.Constant) and not form.match(str(argument.value))
    ]

    assert odd == []


# --- the properties: each a law of its name, and an example beside it ---

PROPERTIES = frozenset({*(f"P{n}" for n in range(1, 48)), *(f"X{n}" for n in range(1, 11))})
SEEN_TO_FAIL = "Seen to fail with "


def laws() -> dict[str, list[ast.FunctionDef]]:
    """Give the laws of each property: tests that are named after it and draw."""
    found: dict[str, list[ast.FunctionDef]] = {}
    for _, test in all_of_them():
        named = re.match(r"test_([px])(\d\d)_", test.name)
        if named and isinstance(test, ast.FunctionDef) and draws(test):
            found.setdefault(f"{named[1].upper()}{int(named[2])}", []).append(test)
    return found


def draws(test: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether Hypothesis draws what *test* is about."""
    called = {ast.unparse(node.func) for node in ast.walk(test) if isinstance(node, ast.Call)}
    return not called.isdisjoint({"given", "run_state_machine_as_test"})


def proven_by(test: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Name what *test* says that it proves."""
    return {
        str(argument.value)
        for node in test.decorator_list
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.proves")
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }


def test_each_property_has_a_law_of_its_name_that_says_what_it_proves() -> None:
    marked = {each for each, of in laws().items() if any(each in proven_by(law) for law in of)}

    assert marked == PROPERTIES


def test_each_property_has_a_plain_example() -> None:
    shown_by_one = {each for _, t in all_of_them() if not draws(t) for each in proven_by(t)}

    assert PROPERTIES - shown_by_one == set()


def test_each_law_was_seen_to_fail_with_a_bug() -> None:
    """The docstring of one law of each property names a bug of ours on which it fails."""
    planted = {
        each
        for each, of in laws().items()
        if any(SEEN_TO_FAIL in (ast.get_docstring(law) or "") for law in of)
    }

    assert PROPERTIES - planted == set()


def test_pytest_lets_no_warning_pass() -> None:
    options = project()["tool"]["pytest"]["ini_options"]

    assert options["strict"] is True
    assert options["filterwarnings"][0] == "error"
    assert (ROOT / "tests" / "conftest.py").exists()

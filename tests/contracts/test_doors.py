"""A package is entered by its door: `__all__` says what one may rely on."""

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

import runtime
from tests.contracts.source import ROOT, shown, tree_of

PACKAGES = ("eventstore", "runtime", "debugger")


def doors() -> list[str]:
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("__init__.py"))]
    return [
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in files
        if any(isinstance(node, ast.ImportFrom) for node in tree_of(path).body)
    ]


def in_order(name: str) -> tuple[int, str]:
    """Order names as the linter does: CONSTANTS, Classes, functions."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


@pytest.mark.parametrize("door", doors())
def test_a_door_lists_what_it_opens_in_order(door: str) -> None:
    module = importlib.import_module(door)
    listed = list(module.__all__)

    assert listed == sorted(set(listed), key=in_order)
    assert [name for name in listed if not hasattr(module, name)] == []


def on_demand() -> list[str]:
    return [door for door in doors() if hasattr(importlib.import_module(door), "_ROOMS")]


@pytest.mark.parametrize("door", on_demand())
def test_a_door_that_loads_on_demand_tells_the_type_checker_the_same(door: str) -> None:
    rooms = importlib.import_module(door)._ROOMS
    source = tree_of(ROOT / Path(*door.split(".")) / "__init__.py")
    told = {
        alias.asname or alias.name: node.module
        for block in source.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert rooms == told
    # Python sets the name of a room as soon as it is imported: it would hide what is called so.
    assert [name for name in rooms if importlib.util.find_spec(f"{door}.{name}")] == []


def test_a_name_that_a_door_does_not_have_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'runtime' has no attribute 'Nothing'"):
        getattr(runtime, "Nothing")  # noqa: B009 - the type checker knows that it is not there


def test_every_package_is_typed_and_says_what_it_is() -> None:
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").exists()
        assert ast.get_docstring(tree_of(ROOT / package / "__init__.py"))


def test_no_file_name_hides_behind_an_underscore_or_says_nothing() -> None:
    empty = {"utils", "common", "helpers", "base", "manager", "service", "types", "models"}
    named = [
        shown(path, 1)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.stem in empty or (path.stem.startswith("_") and not path.stem.startswith("__"))
    ]

    assert named == []

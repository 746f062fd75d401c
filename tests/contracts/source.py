"""The project's own source, as the contract tests read it."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ("eventstore", "runtime", "debugger", "migrations")


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def files_of(room: str) -> list[Path]:
    """Give the files of a module or package, such as `eventstore.values`."""
    place = ROOT.joinpath(*room.split("."))
    if place.is_dir():
        return sorted(place.rglob("*.py"))
    return [place.with_suffix(".py")]


def tracked(*patterns: str) -> list[Path]:
    """Give the files that belong to the project; all of them where git is not there (an sdist)."""
    try:
        said = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [ROOT / name for name in said if (ROOT / name).is_file()]


def shown(path: Path, node: ast.AST | int) -> str:
    line = node if isinstance(node, int) else getattr(node, "lineno", 0)
    return f"{path.relative_to(ROOT)}:{line}"


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Give every module that *tree* imports from, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno

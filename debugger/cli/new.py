"""`timescape new`: a running app with a test, to begin with."""

import argparse
import importlib.resources
import keyword
import sys
from pathlib import Path

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Output
from debugger.errors import BadInputError, WriteRefusedError

_NAME = "__NAME__"
_FILES = {
    "app.py.txt": "__NAME__.py",
    "test_app.py.txt": "test___NAME__.py",
    "readme.md.txt": "README.md",
}
_IGNORED = "*.db\n*.db-*\n*.db.*\n__pycache__/\n"
"""A store with all that lies beside it: the key that seals it, too, is nobody else's."""


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the app, and of its module")
    parser.add_argument("--out", metavar="FOLDER", help="where it is written (default: NAME)")


def new(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Write a new app."""
    name = _checked(arguments.name)
    folder = Path(arguments.out or name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problem = f"{folder} is there, and not empty."
        raise WriteRefusedError(problem, "Choose another folder: --out FOLDER.")
    texts = {_named(file, name): _text(template, name) for template, file in _FILES.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in {**texts, ".gitignore": _IGNORED}.items():
            (folder / file).write_text(text, "utf-8")
    except OSError as error:
        problem = f"{folder} cannot be written: {error.strerror}."
        raise WriteRefusedError(problem, "Choose another folder: --out FOLDER.") from error
    if output.as_json:
        output.record("app", {"name": name, "folder": str(folder), "files": sorted(texts)})
    output.say(f"{folder} holds an app and its test. Now:\n  cd {folder}")
    output.say(f"  timescape serve {name}:app")
    return Exit.OK


def _checked(name: str) -> str:
    """Return a name that a module may have.

    Raises:
        BadInputError: it may not; says which name would do.
    """
    wanted = "".join(c if c.isalnum() and c.isascii() else "_" for c in name).strip("_").lower()
    if name in sys.stdlib_module_names or name in _TAKEN:
        problem = f"There is a module {name!r} already, which yours would hide."
        raise BadInputError(problem, f"Choose another name, such as {name}_app.")
    if name.isidentifier() and name.isascii() and not keyword.iskeyword(name):
        return name
    problem = f"{name[:80]!r} cannot be the name of a module of yours."
    near = wanted if wanted.isidentifier() and wanted != name else "my_app"
    raise BadInputError(problem, f"Use letters, digits and `_`, such as {near}.")


_TAKEN = frozenset({"runtime", "eventstore", "debugger", "migrations", "msgspec", "tests"})


def _named(file: str, name: str) -> str:
    return file.replace(_NAME, name)


def _text(template: str, name: str) -> str:
    folder = importlib.resources.files("debugger.cli.scaffold")
    return folder.joinpath(template).read_text("utf-8").replace(_NAME, name)


COMMAND = Command(
    "new",
    "write a new app with a test",
    """Write a folder with a small app that runs, a test of it that passes, and how to go on.

examples:
  timescape new my_app
  timescape new my_app --out services/my_app
""",
    _declare,
    new,
    (Exit.WRITE_REFUSED,),
)

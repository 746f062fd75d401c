"""The extension that lets VS Code start `timescape dap`: it declares a kind of debugger (BY-1)."""

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

from debugger.cli.exits import Exit
from debugger.cli.output import Output
from debugger.errors import WriteRefusedError

_NAME = "timescape"
_PROGRAM = "adapter.py"
_START = """import sys

from debugger.cli import main

sys.exit(main(["dap"]))
"""
_ATTRIBUTES: dict[str, tuple[Any, str]] = {
    "store": ("string", "address of a store, a file, or a .timescape file"),
    "requestId": ("string", "the request; without it the newest that `where` matches"),
    "where": ("string", "a filter of requests, such as status:500 route:/orders*"),
    "app": ("string", "module:app, whose code is run again to know each line and its locals"),
    "cwd": ("string", "where files and the app are looked for, as ${workspaceFolder}"),
    "source": (["string", "array"], "folders of the app's code"),
    "at": ("string", "a moment to begin at: 1729, 50%, failure, end, FILE:LINE"),
    "stopOnEntry": ("boolean", "begin at the first line, not at the first breakpoint or failure"),
    "lines": ("boolean", "false: from fact to fact, without running anything"),
}


def write_extension(folder: Path, output: Output) -> Exit:
    """Write the extension to *folder*; one that this wrote before is replaced.

    Raises:
        WriteRefusedError: there is another extension, or it cannot be written.
    """
    path = folder / "package.json"
    try:
        if path.exists() and not _is_ours(path):
            problem = f"{path} belongs to something else."
            raise WriteRefusedError(problem, "Name another folder.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _PROGRAM).write_text(_START, "utf-8")
        path.write_text(json.dumps(_package(), indent=2) + "\n", "utf-8")
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror or type(error).__name__}."
        raise WriteRefusedError(problem, "Name a folder of yours.") from error
    if output.as_json:
        output.record("extension", {"file": str(path), "python": sys.executable})
    else:
        output.line(str(path))
    output.flush()
    output.say("In VS Code: Developer: Install Extension from Location... and this folder.")
    return Exit.OK


def _is_ours(path: Path) -> bool:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        return False
    return isinstance(found, dict) and (found.get("publisher"), found.get("name")) == (_NAME, _NAME)


def _package() -> dict[str, Any]:
    properties = {
        name: {"type": kind, "description": text} for name, (kind, text) in _ATTRIBUTES.items()
    }
    first = {
        "type": _NAME, "request": "launch", "name": "Timescape: the newest failure",
        "cwd": "${workspaceFolder}", "store": "timescape.db", "where": "status:>=500",
    }  # fmt: skip
    return {
        "name": _NAME,
        "publisher": _NAME,
        "displayName": "Timescape",
        "description": "Recorded requests, debugged forwards and backwards.",
        "version": importlib.metadata.version("timescape"),
        "engines": {"vscode": "^1.75.0"},
        "categories": ["Debuggers"],
        "contributes": {
            "breakpoints": [{"language": "python"}],
            "debuggers": [
                {
                    "type": _NAME,
                    "label": "Timescape",
                    "languages": ["python"],
                    # This interpreter has the package; another that an editor finds may not.
                    "runtime": sys.executable,
                    "program": f"./{_PROGRAM}",
                    "configurationAttributes": {
                        kind: {"properties": properties} for kind in ("launch", "attach")
                    },
                    "initialConfigurations": [first],
                }
            ],
        },
    }

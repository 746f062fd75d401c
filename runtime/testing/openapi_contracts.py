"""A served app is held to its OpenAPI documents by programs of others (CT-5).

They are schemathesis, which asks the server whatever a document allows and forbids, and
openapi-python-client, which makes a client of it. Neither shares a line with us, so they find
what our reading of our own documents cannot. Both are programs beside this one:
`pipx install schemathesis openapi-python-client`.
"""

import importlib.metadata
import py_compile
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from runtime.app import App
from runtime.app.gathering import of_app
from runtime.codegen import render
from runtime.errors import ToolMissingError

TOOLS = ("schemathesis", "openapi-python-client")
LEFT_OUT = ("positive_data_acceptance", "unsupported_method")
"""Checks of schemathesis: that a whole number may be spelt 1.0, which no schema can say is
refused (GT-6), and that a method which HTTP does not know is answered 501 and not 405."""
_LIMIT_S = 300
_SHOWN = 4_000


def check_openapi(app: App, url: str, *, examples: int = 20) -> None:
    """Hold a served app to the OpenAPI document of each of its editions.

    Args:
        app: whose documents they are; it is not started here.
        url: where it is served, such as `http://127.0.0.1:8000`.
        examples: requests drawn for each operation.

    Raises:
        AssertionError: it answers otherwise than a document says, or no client can be made of
            one; says what the tool said.
        ToolMissingError: one of the programs is not on the path.
    """
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise ToolMissingError(
            problem=f"There is no {' and no '.join(missing)} on the path.",
            remedy=f"Install them in a place of their own: pipx install {' '.join(missing)}.",
        )
    declared, tool = of_app(app), importlib.metadata.version("timescape")
    for edition in editions_of(app):
        made = render("openapi", "python", declared=declared, tool=tool, at=edition)
        with TemporaryDirectory() as folder:
            path = Path(folder, "openapi.json")
            path.write_text(made.files[path.name], "utf-8")
            _made_a_client(path, edition)
            _asked_of(path, url, edition, examples)


def editions_of(app: App) -> list[str | None]:
    """Return the editions that callers can name; None where there are none."""
    editions = sorted({each.version for each in app.manifests if each.version})
    return [*editions] or [None]


def _made_a_client(path: Path, edition: str | None) -> None:
    out = path.parent / "client"
    words = ["openapi-python-client", "generate", "--path", path.name, "--output-path", out.name,
             "--meta", "none"]  # fmt: skip
    _run(words, path.parent, f"no client can be made of the document of {edition}")
    for each in sorted(out.rglob("*.py")):
        py_compile.compile(str(each), doraise=True)


def _asked_of(path: Path, url: str, edition: str | None, examples: int) -> None:
    words = ["schemathesis", "run", path.name, "--url", url, "--phases", "examples,fuzzing",
             "--exclude-checks", ",".join(LEFT_OUT), "--max-examples", str(examples),
             "--seed", "1", "--no-color", "--generation-database", "none"]  # fmt: skip
    words += [] if edition is None else ["-H", f"Timescape-Version: {edition}"]
    _run(words, path.parent, f"what is served is not what the document of {edition} says")


def _run(words: list[str], folder: Path, problem: str) -> None:
    done = subprocess.run(  # noqa: S603 - programs that the user installed
        words, cwd=folder, capture_output=True, check=False, text=True, timeout=_LIMIT_S
    )
    if done.returncode != 0:
        told = f"{problem}:\n{done.stdout[-_SHOWN:]}{done.stderr[-_SHOWN:]}"
        raise AssertionError(told)

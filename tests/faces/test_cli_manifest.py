"""`timescape manifest`: print, keep, compare and watch what an app declares."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from debugger.cli import Exit
from tests.contracts.source import ROOT
from tests.faces.command_line import Said, run

SHOP = '''"""A shop."""
import time
from runtime import App, Request

app = App("shop")


@app.handler("POST /orders")
async def place(req: Request[BODY], gctx) -> int:
    """Place an order."""
    at = time.time()
    return await gctx.modules.stock.left()
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an app in it, where commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    # A file of the same size, written in the same second, passes for the one that was compiled.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    written(tmp_path, "int")
    yield tmp_path
    sys.modules.pop("kept_shop", None)


def written(folder: Path, body: str) -> None:
    (folder / "kept_shop.py").write_text(SHOP.replace("BODY", body), "utf-8")


def manifest(*words: str) -> Said:
    """Run the command as in a new process."""
    sys.modules.pop("kept_shop", None)
    return run("manifest", "kept_shop:app", *words)


@pytest.mark.proves("MG-1", "MG-2")
def test_manifests_are_printed_and_what_would_not_happen_again_is_told(folder: Path) -> None:
    said = manifest()
    line = SHOP.splitlines().index("    at = time.time()") + 1

    assert said.status == Exit.OK
    assert said.out.splitlines()[0].split() == [
        "handler", "version", "route", "contract", "fingerprint", "needs",
    ]  # fmt: skip
    assert "post-orders  -        POST /orders" in said.out
    assert said.out.rstrip().endswith("stock.left")
    assert f"POST /orders: kept_shop.py:{line}: time.time reads a clock. Take" in said.err


@pytest.mark.proves("MG-1")
def test_as_json_a_manifest_is_whole(folder: Path) -> None:
    finding, whole = manifest("--json").records

    assert (finding["kind"], finding["place"]) == ("finding", "kept_shop.py:11")
    assert (whole["kind"], whole["handler"], whole["doc"]) == (
        "manifest",
        "post-orders",
        "Place an order.",
    )


@pytest.mark.proves("MG-1")
@pytest.mark.parametrize(
    ("text", "told"),
    [("1/0", "ZeroDivisionError"), ("from runtime import App\nApp('')", "no name")],
    ids=["raises", "refused"],
)
def test_an_app_that_cannot_be_imported_ends_with_app_error_and_its_traceback(
    folder: Path, text: str, told: str
) -> None:
    (folder / "kept_shop.py").write_text(text, "utf-8")
    said = manifest()

    assert (said.status, said.out) == (Exit.APP_ERROR, "")
    assert "Traceback" in said.err
    assert 'kept_shop.py", line' in said.err
    assert told in said.err


@pytest.mark.proves("MG-9")
def test_files_are_kept_beside_the_code(folder: Path) -> None:
    said, again = manifest("--out", "kept"), manifest("--out", "kept")

    assert (said.status, said.out, again.out) == (Exit.OK, "", "")
    assert "2 of 2 files changed." in said.err
    assert "0 of 2 files changed." in again.err
    listed = json.loads((folder / "kept" / "app.json").read_text("utf-8"))
    assert [each["file"] for each in listed["handlers"]] == ["post-orders.json"]


@pytest.mark.proves("MG-11")
@pytest.mark.parametrize(
    ("body", "status", "verdict"),
    [("int", Exit.OK, "same"), ("float", Exit.CHANGED, "changed"),
     ("str", Exit.BREAKING, "breaking")],
)  # fmt: skip
@pytest.mark.parametrize("file", ["app.json", "post-orders.json"])
def test_a_kept_manifest_is_compared(
    folder: Path, body: str, status: Exit, verdict: str, file: str
) -> None:
    manifest("--out", "kept")
    written(folder, body)

    said = manifest("--check", f"kept/{file}", "--json")

    assert said.status == status
    assert f"{verdict}." in said.err
    told = [r["verdict"] for r in said.records if r["kind"] == "change"]
    assert told == ([] if verdict == "same" else [verdict])


@pytest.mark.proves("MG-11")
def test_what_cannot_be_compared_with_is_bad_input(folder: Path) -> None:
    (folder / "odd.json").write_text("{", "utf-8")

    assert manifest("--check", "nowhere.json").status == Exit.BAD_INPUT
    assert manifest("--check", "odd.json").status == Exit.BAD_INPUT
    assert manifest("--watch").status == Exit.BAD_INPUT


@contextmanager
def watching(folder: Path) -> Iterator[Iterator[str]]:
    """Watch in a process of its own; give the lines it says."""
    words = ["-m", "debugger", "manifest", "kept_shop:app", "--out", "kept", "--watch"]
    with subprocess.Popen(
        [sys.executable, "-u", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield iter(process.stdout)
        finally:
            process.terminate()


def said_until(lines: Iterator[str], words: str) -> str:
    """Read on until a line holds *words*."""
    read = []
    for line in lines:
        read.append(line)
        if words in line:
            return "".join(read)
    raise AssertionError("".join(read))


@pytest.mark.proves("MG-10")
def test_watching_writes_what_changes_and_keeps_the_last_good(folder: Path) -> None:
    kept = folder / "kept" / "post-orders.json"
    with watching(folder) as lines:
        said_until(lines, "2 of 2 files changed.")
        first = kept.read_bytes()

        (folder / "kept_shop.py").write_text("1/0", "utf-8")
        assert "ZeroDivisionError" in said_until(lines, "stay as they were")
        assert kept.read_bytes() == first

        written(folder, "list[str]")
        told = said_until(lines, "2 of 2 files changed.")
        assert "breaking" in told
        assert "(root): it is of another kind (int → list of str)" in told
        assert kept.read_bytes() != first

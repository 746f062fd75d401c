"""`pytest --timescape-contract`: an app is held to its word without a line of test code (CT-7)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from debugger.cli.exits import Exit
from runtime.testing import Harness, check_recorded
from tests.faces.command_line import run

pytest_plugins = ["pytester"]

APP = """
from typing import Annotated

import msgspec

from runtime import App, Check, LocalContext, Module, ModuleContext, Parts, Request

app = App("promises")
stock = Module("stock")
app.module(stock)
Even = Annotated[int, Check(lambda n: n % 2 == 0, "even", "an even number")]


@stock.method(idempotent=True)
async def left(ctx: ModuleContext, sku: str) -> int:
    return len(sku)


@app.handler("POST /sums", version="2026-01-01")
async def first(req: Request[list[bool]], lctx: LocalContext) -> int:
    lctx.set("n", len(req.body))
    return len(req.body)


@app.handler("POST /sums", version="2026-02-01")
async def second(req: Request[list[bool]]) -> int:
    return FACTOR * len(req.body)


@app.handler("POST /even")
async def even(req: Request[Even]) -> int:
    return req.body


@app.handler("GET /none")
async def none() -> int:
    return NONE


def down(parts: Parts) -> Parts:
    parts.body = parts.body // 2
    return parts


app.transformer("POST /sums", "2026-01-01", "2026-02-01", response_down=down)
"""
WORDS = ["-p", "no:timescape", "-p", "debugger.pytest_plugin", "-p", "no:cacheprovider", "-v",
         "-p", "no:faker", "-p", "no:langsmith_plugin", "--timescape-examples", "10"]  # fmt: skip


@pytest.fixture
def promising(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The app in a file that can be imported."""
    monkeypatch.syspath_prepend(pytester.path)
    # Changed within a second to as many bytes, a file looks to Python like its bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield pytester.path / "promising.py"
    sys.modules.pop("promising", None)


@pytest.mark.proves("CT-7", "CT-1", "CT-2", "CT-4")
def test_an_app_is_held_to_its_word_without_a_test(
    pytester: pytest.Pytester, promising: Path
) -> None:
    promising.write_text(APP.replace("FACTOR", "2").replace("NONE", '"none"'), "utf-8")

    said = pytester.runpytest_inprocess(*WORDS, "-rs", "--timescape-contract", "promising:app")

    assert said.ret == pytest.ExitCode.TESTS_FAILED
    said.assert_outcomes(passed=4, failed=1, skipped=1)
    names = ("handler[POST /sums 2026-01-01]", "handler[POST /sums 2026-02-01]",
             "handler[POST /even]", "handler[GET /none]", "transformers[POST /sums]",
             "module[stock]")  # fmt: skip
    assert [n for n in names if f"promising:app::{n} " in said.stdout.str()] == list(names)
    said.stdout.fnmatch_lines(
        ["failed on a request that conforms: 500 response-invalid", "curl -X GET http://*/none"]
    )
    said.stdout.fnmatch_lines(["*overrides=*"])


@pytest.mark.proves("CT-7")
def test_it_ends_as_pytest_does(pytester: pytest.Pytester, promising: Path) -> None:
    promising.write_text(APP.replace("FACTOR", "2").replace("NONE", "1"), "utf-8")
    words = [*WORDS, "--timescape-contract"]

    fine = pytester.runpytest_inprocess(*words, "promising:app", "-k", "sums and 2026-01")
    lost = pytester.runpytest_inprocess(*words, "promising:shop")
    none = pytester.runpytest_inprocess(*WORDS, "--timescape-corpus", ".")
    empty = pytester.runpytest_inprocess(*words, "promising:app", "--timescape-corpus", ".")

    fine.assert_outcomes(passed=1, deselected=5)
    assert fine.ret == pytest.ExitCode.OK
    assert [each.ret for each in (lost, none, empty)] == [pytest.ExitCode.USAGE_ERROR] * 3
    lost.stderr.fnmatch_lines(["*promising has no 'shop'*"])
    empty.stderr.fnmatch_lines(["*holds no recorded requests*"])


@pytest.mark.proves("CT-7", "CT-3")
def test_recorded_requests_are_kept_beside_the_code(
    pytester: pytest.Pytester, promising: Path
) -> None:
    promising.write_text(APP.replace("FACTOR", "2").replace("NONE", "1"), "utf-8")
    folder = pytester.path / "corpus"
    import promising as code  # type: ignore[import-not-found]  # noqa: PLC0415 - made above

    harness = Harness(code.app, replayed=False)
    with harness as asked:
        kept = [asked.post("/sums", json=[True] * n).facts[0].stream.hex for n in (1, 2)]
    words = ["export", "--where", "status:200", "--as", "corpus", "--out", str(folder)]
    said = [run(*words, store=harness.store) for _ in range(2)]
    changed = next(folder.iterdir())
    content = changed.read_bytes()
    changed.write_bytes(b"{}")
    said += [run(*words, store=harness.store), run(*words, "--force", store=harness.store)]

    assert [each.status for each in said] == [Exit.OK, Exit.OK, Exit.WRITE_REFUSED, Exit.OK]
    assert changed.read_bytes() == content
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        f"req-{each}.jsonl" for each in kept
    )
    assert [each.verdict for each in check_recorded(folder, code.app)] == ["equal", "equal"]
    words = [*WORDS, "--timescape-contract", "promising:app", "--timescape-corpus", "corpus"]
    words += ["-k", "recorded"]
    pytester.runpytest_inprocess(*words).assert_outcomes(passed=2, deselected=6)

    promising.write_text(APP.replace("FACTOR", "3").replace("NONE", "1"), "utf-8")
    sys.modules.pop("promising")
    told = pytester.runpytest_inprocess(*words)
    told.assert_outcomes(failed=2, deselected=6)
    told.stdout.fnmatch_lines([f"req-{kept[0]} answer: #*is now response.sent*"])

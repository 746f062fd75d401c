"""`timescape versions diff` and `versions check`, and what the log shows of transformers."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from debugger.cli import Exit
from eventstore.memory import MemoryStore
from runtime.app import load_app
from runtime.testing import FakeClock, SeededIds
from tests.faces.asgi import ask, memory_store
from tests.faces.command_line import Said, run

SHOP = '''"""A shop."""
import msgspec
from runtime import App, Parts, Request

app = App("shop")


class Old(msgspec.Struct):
    sku: str


class New(msgspec.Struct):
    article: str


@app.handler("POST /orders", version="2026-03-01")
async def old(req: Request[Old]) -> str:
    return req.body.sku


@app.handler("POST /orders", version="2026-10-01")
async def new(req: Request[New]) -> str:
    return req.body.article


def up(parts: Parts) -> Parts:
    return Parts(parts.query, {"article": parts.body["sku"]})
'''
JOINED = '\n\napp.transformer("POST /orders", "2026-03-01", "2026-10-01", request_up=up)\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder where an app is imported from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    sys.modules.pop("joined_shop", None)


def check(folder: Path, source: str, *words: str, store: MemoryStore | None = None) -> Said:
    """Check an app as in a new process."""
    sys.modules.pop("joined_shop", None)
    (folder / "joined_shop.py").write_text(source, "utf-8")
    return run("versions", "check", "joined_shop:app", *words, store=store)


@pytest.mark.proves("DP-4")
def test_check_says_what_a_start_would_deploy_and_ends_breaking_without_a_transformer(
    folder: Path,
) -> None:
    breaks = check(folder, SHOP)
    joined = check(folder, SHOP + JOINED, "--json")

    assert breaks.status == Exit.BREAKING
    assert [line.split()[:3] for line in breaks.out.splitlines()[1:3]] == [
        ["post-orders", "2026-03-01", "now"],
        ["post-orders", "2026-10-01", "hold"],
    ]
    assert "BR-11  breaking  request  body /article" in breaks.out
    assert "without a transformer this breaks" in breaks.err
    assert joined.status == Exit.OK
    assert [record["activation"] for record in joined.records] == ["now", "now"]
    assert joined.records[1]["rules"] == ["BR-11"]


@pytest.mark.proves("DP-4", "TX-5", "AC-2")
def test_diff_check_resolve_and_log_of_an_app_that_ran(folder: Path) -> None:
    store = memory_store()
    check(folder, SHOP + JOINED)
    app = load_app("joined_shop:app")

    async def scenario() -> str:
        app.start(store, clock=FakeClock(), ids=SeededIds(1))
        reply = await ask(app, "POST", "/orders?v=2026-03-01", {"sku": "mug"})
        await app.stop()
        assert reply.json == "mug"
        return reply.request_id

    request = asyncio.run(scenario())
    rows = run("versions", "post-orders", "--json", store=store).records
    one, two = (row["version"] for row in rows)
    end = store.end()

    found = run("versions", "diff", one, two, store=store)
    assert found.status == Exit.BREAKING
    assert "Joined by 1 transformers." in found.err
    assert run("versions", "diff", one, one, store=store).status == Exit.OK
    assert run("versions", "diff", one, store=store).status == Exit.BAD_INPUT
    assert check(folder, SHOP + JOINED, store=store).status == Exit.OK
    resolved = run("resolve", "POST", "/orders", "--select", one, store=store)
    assert f"runs      {two}, by 1 transformer" in resolved.out
    told = run("log", request, store=store).out
    assert "transform.applied" in told
    assert store.end() == end


def test_an_app_that_cannot_be_imported_is_told(folder: Path) -> None:
    """As by every command that takes an app."""
    assert check(folder, "raise ValueError").status == Exit.APP_ERROR


@pytest.mark.proves("TS-7", "DP-4")
def test_an_operator_back_dates_from_the_command_line(folder: Path) -> None:
    dated = 'version="2026-03-01", effective_at="2001-01-01T00:00:00Z", backfill=True)'
    (folder / "joined_shop.py").write_text(SHOP.replace('version="2026-03-01")', dated), "utf-8")
    words = ("versions", "backfill", "joined_shop:app")

    with memory_store() as store:
        end = store.end()
        checked = run("versions", "check", "joined_shop:app", "--json", store=store)
        would = run(*words, "--by", "ann", "--dry-run", "--json", store=store)
        nothing = store.end()
        done = run(*words, "--by", "ann", "--json", store=store)
        again = run(*words, "--by", "eve", store=store)
        listed = run("versions", "post-orders", "--json", store=store)

    assert checked.records[0]["effective"].startswith("2001-01-01T00:00:00")
    assert (nothing, would.records[0]["type"]) == (end, "handler.deployed")
    assert done.records[0]["data"]["by"] == "ann"
    assert (again.status, again.out) == (0, "")
    assert [each["effective"][:10] for each in listed.records] == ["2001-01-01"]
    later = SHOP.replace(
        'version="2026-10-01")', 'version="2026-10-01", effective_at="@9000000000")'
    )
    assert "hold, from 2255-03-14T16:00:00Z" in check(folder, later).out

"""`timescape generate`, and what it wrote at work: a client talks to a served shop."""

import asyncio
import json
import shutil
import subprocess
import uuid
from decimal import Decimal
from pathlib import Path

import pytest

from debugger.cli import build_parser
from debugger.cli.exits import Exit
from debugger.cli.generate import words_again
from tests.faces.command_line import Said, run
from tests.faces.servers import Server
from tests.generated import timescape_demo_shop_client as shop
from tests.generated.timescape_demo_shop_client import types

APP = "debugger.demo.shop:app"


def generate(*words: str) -> Said:
    return run("generate", *words)


@pytest.mark.proves("CG-6", "CG-7", "CG-16")
def test_a_generated_client_talks_to_a_served_shop(tmp_path: Path) -> None:
    server = Server(f"sqlite:///{tmp_path / 'shop.db'}", app=APP)
    address = f"http://127.0.0.1:{server.port}"
    item = types.Item(sku="tea", quantity=2)

    async def browse() -> types.Shelf:
        async with shop.AsyncClient(address) as client:
            return await client.get_products(query={"category": "food"})

    try:
        with shop.Client(address) as client:
            priced = client.put_carts_cart("cart 1/2", types.Cart(items=[item]))
            receipt = client.raw.post_orders(types.Order(items=[item], customer="ann", card="4242"))
            with pytest.raises(shop.Conflict) as refused:
                client.post_refunds(types.Refund(order=uuid.UUID(int=1), cents=1_000_000))
            with pytest.raises(shop.NotFound) as missing:
                client.put_carts_cart("c", types.Cart(items=[types.Item(sku="no", quantity=1)]))
        shelf = asyncio.run(browse())
    finally:
        server.stop()

    assert priced == types.Priced(cart="cart 1/2", net=Decimal("16.00"))
    assert receipt.headers["timescape-version"].startswith("tsv:")
    assert isinstance(receipt.value.order, uuid.UUID)
    assert (refused.value.code, refused.value.request_id[:4]) == ("refund-needs-approval", "req-")
    assert missing.value.code == "product-not-found"
    assert [product.sku for product in shelf.products] == ["tea", "honey"]


@pytest.mark.proves("CG-10")
def test_a_generated_typescript_client_talks_to_a_served_shop(tmp_path: Path) -> None:
    tsc, node = shutil.which("tsc"), shutil.which("node")
    if tsc is None or node is None:
        pytest.skip("there is no TypeScript or no node here")
    generate("sdk", APP, "--out", str(tmp_path), "--lang", "typescript")
    typescript = Path(tsc).resolve().parents[1] / "lib" / "typescript.js"
    server = Server(f"sqlite:///{tmp_path / 'shop.db'}", app=APP)
    try:
        done = subprocess.run(
            [node, str(Path(__file__).with_name("talk.mjs")), str(typescript),
             str(tmp_path / "client.ts"), f"http://127.0.0.1:{server.port}"],
            capture_output=True, check=False, text=True, timeout=60,
        )  # fmt: skip
    finally:
        server.stop()

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["priced"] == {"cart": "cart 1/2", "net": "16.00"}
    assert said["version"].startswith("tsv:")
    assert (said["code"], said["known"]) == ("product-not-found", True)


@pytest.mark.proves("CG-1", "CG-3", "CG-15")
def test_an_app_and_its_kept_manifests_give_the_same_files(tmp_path: Path) -> None:
    run("manifest", APP, "--out", str(tmp_path / "kept"))
    out = str(tmp_path / "out")

    made = generate("openapi", APP, "--out", out)
    same = generate("openapi", str(tmp_path / "kept"), "--out", out, "--check")
    again = generate("openapi", str(tmp_path / "kept" / "app.json"), "--out", out, "--json")

    assert (made.status, same.status, again.status) == (Exit.OK, Exit.OK, Exit.OK)
    assert "openapi.json" in made.err
    assert "up to date" in same.err
    assert again.records == [
        {"kind": "generated", "changed": [], "removed": [], "refused": [], "out": out}
    ]


@pytest.mark.proves("CG-15")
def test_what_is_behind_is_shown_and_left_as_it_is(tmp_path: Path) -> None:
    generate("types", APP, "--out", str(tmp_path), "--at", "2026-03-01")
    before = (tmp_path / "types.py").read_text("utf-8")
    (tmp_path / "types.py").write_text(before + "x = 1\n", "utf-8")

    said = generate("types", APP, "--out", str(tmp_path), "--check", "--at", "2026-03-01")

    assert said.status == Exit.STALE
    assert "-x = 1" in said.err
    assert (tmp_path / "types.py").read_text("utf-8") == before + "x = 1\n"


@pytest.mark.proves("CG-1", "CG-3")
def test_what_cannot_be_generated_is_told_with_its_own_status(tmp_path: Path) -> None:
    out = str(tmp_path)
    (tmp_path / "types.py").write_text("mine", "utf-8")

    nothing = generate("types", APP, "--out", out, "--at", "2020-01-01")

    assert (nothing.status, "2020-01-01" in nothing.err) == (Exit.NOTHING_SELECTED, True)
    assert generate("types", APP, "--out", out).status == Exit.PARTIAL
    assert generate("types", APP, "--out", out).status == Exit.WRITE_REFUSED
    assert generate("types", APP, "--out", out, "--at", "soon").status == Exit.BAD_INPUT
    assert generate("types", APP, "--out", out, "--watch", "--check").status == Exit.BAD_INPUT
    assert generate("types", "nowhere:app", "--out", out).status == Exit.APP_ERROR
    assert generate("types", "nowhere.json", "--out", out).status == Exit.BAD_INPUT
    assert (tmp_path / "types.py").read_text("utf-8") == "mine"


@pytest.mark.proves("CG-15")
@pytest.mark.parametrize("more", [[], ["--at", "2026-03-01", "--force", "--json"]])
def test_watching_runs_the_same_command_again(more: list[str]) -> None:
    words = ["generate", "types", APP, "--out", "web", "--lang", "typescript", *more]
    parser = build_parser()
    watching = parser.parse_args([*words, "--watch"])

    again = parser.parse_args(words_again(watching))

    assert vars(again) == {**vars(watching), "watch": False}

"""Callers of an older version, served by later code: over HTTP, in the log, and run again."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest

from runtime import App, GlobalContext, HttpError, LocalContext, Parts, Request, Sensitive
from runtime.testing import FakeClock, SeededIds
from tests.faces.asgi import Reply, ask, facts_of, memory_store

MARCH, JUNE, OCTOBER = "2026-03-01", "2026-06-01", "2026-10-01"
NAME = "post-orders"


class Old(msgspec.Struct, forbid_unknown_fields=True):
    sku: str
    qty: Annotated[int, msgspec.Meta(ge=1)]


class OldReceipt(msgspec.Struct):
    ordered: str


class New(msgspec.Struct):
    items: dict[str, int]


class NewReceipt(msgspec.Struct):
    lines: list[str]
    by: str


def up(parts: Parts) -> Parts:
    parts.body = {"items": {parts.body["sku"]: parts.body["qty"]}}
    return parts


async def down(parts: Parts) -> Parts:
    parts.body = {"ordered": ",".join(parts.body["lines"])}
    return parts


def shop(
    request_up: Callable[..., Any] | None = up,
    response_down: Callable[..., Any] | None = down,
    **more: Any,
) -> App:
    app = App("shop")
    own = more.pop("run", "newest")

    @app.handler("POST /orders", version=MARCH, run=own)
    async def old(req: Request[Old]) -> OldReceipt:
        return OldReceipt(f"old {req.body.sku}")

    @app.handler("POST /orders", version=JUNE)
    async def new(req: Request[New], lctx: LocalContext) -> NewReceipt:
        lctx.compensate(undone.append, req.raw.decode())
        if "bomb" in req.body.items:
            raise HttpError(409, "no-bombs", "Not here.")
        lctx.set("items", req.body.items)
        return NewReceipt([f"{n} {sku}" for sku, n in req.body.items.items()], "june")

    undone: list[str] = []
    app.register(New)
    if request_up or response_down:
        app.transformer(
            "POST /orders", MARCH, JUNE, request_up=request_up, response_down=response_down, **more
        )
    return app


ORDER = {"sku": "mug", "qty": 2}
ASKED = ("POST", f"/orders?version={MARCH}", ORDER)


def asked(app: App, *words: tuple[Any, ...], store: Any = None) -> tuple[list[Reply], list[Any]]:
    """Ask; give the answers, and the facts of the last request."""
    store = memory_store() if store is None else store

    async def scenario() -> list[Reply]:
        app.start(store, clock=FakeClock(), ids=SeededIds(7))
        try:
            return [await ask(app, *each) for each in words or (ASKED,)]
        finally:
            await app.stop()

    replies = asyncio.run(scenario())
    return replies, facts_of(store, replies[-1])


def told(facts: list[Any], name: str) -> list[Any]:
    return [fact for fact in facts if fact.type == name]


@pytest.mark.proves("TX-1", "TX-5", "TR-6", "TR-7", "TR-9", "DP-1", "P17")
def test_an_older_caller_is_served_by_the_newer_code() -> None:
    (reply,), facts = asked(shop())

    assert (reply.status, reply.json) == (200, {"ordered": "2 mug"})
    ran, spoken = reply.header("timescape-version"), reply.header("timescape-contract")
    assert (ran or "").endswith(f"{NAME}-002")
    assert (spoken or "").endswith(f"{NAME}-001")
    (resolved,) = told(facts, "version.resolved")
    assert (resolved.key, resolved.data.contract, resolved.data.edition) == (ran, spoken, JUNE)
    hops = told(facts, "transform.applied")
    assert [(h.data.side, h.data.source, h.key) for h in hops] == [
        ("request", spoken, ran),
        ("response", ran, spoken),
    ]
    assert all(h.data.digest.startswith("sha256:") for h in hops)
    assert all((h.site or "").startswith("tests/faces/test_http_transformers.py:") for h in hops)
    assert facts[-1].data.body == reply.json
    assert facts[0].data.body == ORDER

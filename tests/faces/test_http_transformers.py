"""Callers of an older version, served by later code: over HTTP, in the log, and run again."""

import asyncio
from collections.abc import Callable
from threading import Event, get_ident
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest

from eventstore import StreamId
from runtime import App, HttpError, LocalContext, Parts, Request, Sensitive
from runtime.testing import FakeClock, SeededIds, check_app
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


def fails(parts: Parts) -> Parts:
    parts.body["sku"] = "changed"
    raise ValueError


def gives_a_dict(parts: Parts) -> Any:
    return {"body": parts.body}


def gives_an_object(parts: Parts) -> Parts:
    parts.body = object()
    return parts


def gives_too_much(parts: Parts) -> Parts:
    parts.body = {"items": {"x" * 4_000_000: 1}, "more": "y" * 300_000}
    return parts


def gives_an_odd_query(parts: Parts) -> Parts:
    parts.query["n"] = 7
    return parts


def fits_no_version(parts: Parts) -> Parts:
    parts.body = {"items": 7}
    return parts


async def late(parts: Parts) -> Parts:
    await asyncio.sleep(60)
    return up(parts)


def blocks(parts: Parts) -> Parts:
    Event().wait(0.05)
    return up(parts)


FAULTY = [
    fails, gives_a_dict, gives_an_object, gives_too_much, gives_an_odd_query, fits_no_version,
    late, blocks,
]  # fmt: skip


@pytest.mark.proves("TX-3", "TX-6", "TX-7", "P17")
@pytest.mark.parametrize("faulty", FAULTY)
def test_a_request_that_cannot_be_brought_up_runs_its_own_version(faulty: Any) -> None:
    """What a hop did to its parts is seen by nobody."""
    (reply,), facts = asked(shop(faulty, timeout=0.01))

    assert (reply.status, reply.json) == (200, {"ordered": "old mug"})
    assert reply.header("timescape-contract") is None
    own = reply.header("timescape-version") or ""
    assert own.endswith(f"{NAME}-001")
    (placed,) = told(facts, "version.placed")
    assert (placed.key, placed.data.reason) == (own, "transform-failed")
    (hop,) = told(facts, "transform.applied")
    assert (hop.data.error is None) == (faulty is fits_no_version)
    assert [fact.type for fact in facts].count("handler.started") == 1


@pytest.mark.proves("TX-6")
def test_a_function_that_takes_long_may_do_so_in_a_thread() -> None:
    threads: list[int] = []

    def where(parts: Parts) -> Parts:
        threads.append(get_ident())
        return up(parts)

    (reply,), _ = asked(shop(where, blocking=True))

    assert reply.json == {"ordered": "2 mug"}
    assert threads != [get_ident()]


@pytest.mark.proves("TX-7", "TX-8")
@pytest.mark.parametrize("faulty", [fails, gives_a_dict, gives_an_object, late])
def test_an_answer_that_cannot_be_brought_down_fails_the_request(faulty: Any) -> None:
    (reply,), facts = asked(shop(up, faulty, timeout=0.01))

    assert (reply.status, reply.code) == (500, "transform-failed")
    assert (reply.header("timescape-version") or "").endswith(f"{NAME}-002")
    assert [fact.type for fact in facts][-2:] == ["compensation.ran", "response.sent"]


@pytest.mark.proves("TX-5", "TX-7")
def test_an_answer_that_is_none_of_the_callers_version_fails_the_request() -> None:
    def other(parts: Parts) -> Parts:
        parts.body = {"unknown": 1}
        return parts

    (reply,), facts = asked(shop(up, other))

    assert (reply.status, reply.code) == (500, "response-invalid")
    assert told(facts, "validation.failed")[0].key == "response"


@pytest.mark.proves("TX-5")
def test_callers_are_held_to_their_own_version() -> None:
    (reply,), facts = asked(shop(), ("POST", f"/orders?version={MARCH}", {"sku": "mug", "qty": 0}))

    assert (reply.status, reply.code) == (400, "validation-failed")
    assert reply.json["issues"][0]["path"] == "/qty"
    assert not told(facts, "transform.applied")


@pytest.mark.proves("TX-8")
def test_a_problem_is_not_transformed() -> None:
    (reply,), facts = asked(shop(), ("POST", f"/orders?v={MARCH}", {"sku": "bomb", "qty": 1}))

    assert (reply.status, reply.code) == (409, "no-bombs")
    assert [hop.data.side for hop in told(facts, "transform.applied")] == ["request"]


@pytest.mark.proves("TR-7", "TX-1")
@pytest.mark.parametrize(
    ("request_up", "response_down", "run"),
    [(None, None, "newest"), (up, None, "newest"), (None, down, "newest"), (up, down, "own")],
)
def test_callers_get_their_own_version_where_something_is_missing(
    request_up: Any, response_down: Any, run: str
) -> None:
    (reply,), facts = asked(shop(request_up, response_down, run=run))

    assert reply.json == {"ordered": "old mug"}
    assert not told(facts, "transform.applied")


@pytest.mark.proves("DP-2", "P16")
def test_without_a_transformer_those_who_name_nothing_stay() -> None:
    (unnamed, new), _ = asked(
        shop(None, None), ("POST", "/orders", ORDER), ("POST", f"/orders?v={JUNE}", NEW)
    )

    assert unnamed.json == {"ordered": "old mug"}
    assert new.json == {"lines": ["2 mug"], "by": "june"}


@pytest.mark.proves("DP-1")
def test_with_one_those_who_name_nothing_move() -> None:
    (unnamed,), _ = asked(shop(), ("POST", "/orders", NEW))

    assert unnamed.json == {"lines": ["2 mug"], "by": "june"}


NEW = {"items": {"mug": 2}}


@pytest.mark.proves("TX-5", "P45")
@pytest.mark.parametrize("way", [(up, down), (fails, down), (late, down), (up, fails)])
def test_it_runs_again_as_it_ran(way: tuple[Any, Any]) -> None:
    app, store = shop(*way, timeout=0.01), memory_store()
    replies, _ = asked(app, ASKED, ("POST", f"/orders?v={MARCH}", BOMB), store=store)

    streams = [StreamId(UUID(each.request_id.removeprefix("req-"))) for each in replies]
    assert check_app(shop(*way, timeout=0.01), store, streams) == 2


BOMB = {"sku": "bomb", "qty": 1}


class Card(msgspec.Struct):
    sku: str
    qty: int
    card: Annotated[str, Sensitive]


@pytest.mark.proves("TX-5")
def test_no_digest_tells_of_what_is_kept_out_of_records() -> None:
    app = App("shop")

    @app.handler("POST /orders", version=MARCH)
    async def old(req: Request[Card]) -> OldReceipt:
        return OldReceipt(req.body.card)

    @app.handler("POST /orders", version=JUNE)
    async def new(req: Request[New]) -> NewReceipt:
        return NewReceipt(list(req.body.items), "june")

    app.transformer("post-orders", MARCH, JUNE, request_up=up, response_down=down)
    (reply,), facts = asked(app, ("POST", f"/orders?v={MARCH}", {**ORDER, "card": "4111"}))

    assert reply.json == {"ordered": "mug"}
    assert [hop.data.digest == "" for hop in told(facts, "transform.applied")] == [True, False]
    assert facts[0].data.body["card"] != "4111"


@pytest.mark.proves("PL-5", "X5", "TX-2")
def test_a_request_keeps_its_version_whatever_is_moved_meanwhile() -> None:
    app, store = App("shop"), memory_store()

    async def scenario() -> tuple[Reply, Reply]:
        entered, go = asyncio.Event(), asyncio.Event()

        @app.handler("GET /a", version=MARCH, tags=["stable"])
        async def one() -> int:
            entered.set()
            await go.wait()
            return 1

        @app.handler("GET /a", version=JUNE)
        async def two() -> int:
            return 2

        app.start(store)
        running = asyncio.ensure_future(ask(app, "GET", "/a?v=stable"))
        await entered.wait()
        old, new = (str(version.id) for version in app.versions.table.handlers["get-a"].line)
        app.versions.tag("stable", new, expected=old)
        app.versions.deactivate(old, force=True)
        later = await ask(app, "GET", "/a?v=stable")
        go.set()
        first = await running
        await app.stop()
        return first, later

    first, later = asyncio.run(scenario())

    assert (first.json, later.json) == (1, 2)
    assert (first.header("timescape-version") or "").endswith("get-a-001")

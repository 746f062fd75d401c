"""The harness of an app: the real runtime, with doubles, faults and virtual time."""

import asyncio
import datetime as dt
import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.demo.shop import Item, Order
from debugger.demo.shop import app as shop
from eventstore import Event
from runtime import App, GlobalContext, HttpError, LocalContext, Request
from runtime.authentication import ApiKey, ApiKeys, Principal, key_digest
from runtime.errors import FakeModuleError, MissingModuleError, SignatureError, UnusedFaultError
from runtime.testing import Deadlock, FakeModule, Harness, Result, calls, run_virtual
from runtime.testing.patterns import first_gap

ORDER = Order(items=[Item("tea", 2)], customer="ann", card="4242")
QUOTE = {
    "unit_net": Decimal("8.00"), "rate": Decimal("0.07"), "category": "food",
    "shelf": Decimal("8.56"),
}  # fmt: skip


@pytest.mark.proves("TH-1", "TH-3", "TH-8")
def test_an_app_is_asked_and_everything_it_did_is_there() -> None:
    with Harness(shop) as harness:
        result = harness.post("/orders", json=ORDER)

    result.assert_status(200).assert_state(customer="ann")
    result.assert_facts("request.received", ..., "response.sent")
    result.assert_effects("pricing.quote", "stock.reserve", "bank.charge")
    assert result.json["total"] == "17.12"
    assert result.state["totals"]["gross"] == Decimal("17.12")
    assert list(result.snapshots) == ["reserved"]
    assert "debugger.demo.shop.price_lines" in result.hooks
    assert result.explain().splitlines()[0].startswith("#1 request.received")
    assert result.moment(1).phase != result.moment(len(result.facts)).phase


@pytest.mark.proves("TH-4")
def test_equal_seeds_and_requests_write_equal_logs() -> None:
    def run(seed: int) -> list[tuple[str, str | None, Any]]:
        with Harness(shop, seed=seed) as harness:
            result = harness.post("/orders", json=ORDER)
        return [(each.stream.hex, each.key, each.data) for each in result.facts]

    assert run(3) == run(3)
    assert run(3) != run(4)


@pytest.mark.proves("TH-6", "TH-8")
def test_doubles_answer_and_keep_what_they_were_asked() -> None:
    pricing = FakeModule(quote=[QUOTE])
    stock = FakeModule(reserve=True, release=None)
    bank = FakeModule(charge=lambda card, amount: amount > 100)

    with Harness(shop, modules={"pricing": pricing, "stock": stock, "bank": bank}) as harness:
        refused = harness.post("/orders", json=ORDER)
        failed = harness.post("/orders", json=ORDER)

    refused.assert_status(402).assert_compensated("stock.release")
    first = calls(pricing, "quote")[0]
    assert (first.args, first.result) == (("tea",), QUOTE)
    assert first.at_us == refused.facts[0].at_us
    assert [line["fields"]["error"] for line in refused.logs] == ["HttpError"]
    assert calls(stock, "release")[0].args == ("tea", 2)
    failed.assert_status(500)
    assert failed.failure is not None
    assert failed.failure.error == "FakeModuleError"
    assert isinstance(failed.error, FakeModuleError)


@pytest.mark.proves("TH-6")
def test_a_double_that_no_module_could_be_is_refused() -> None:
    with pytest.raises(FakeModuleError, match="prices"):
        Harness(shop, modules={"pricing": FakeModule(prices=1)}).__enter__()
    with pytest.raises(FakeModuleError, match="no method 'quote'"):
        calls(FakeModule(ask=1), "quote")

    app = App("odd")

    class Stock:
        async def left(self, sku: str) -> int:
            return len(sku)

    @app.handler("GET /left")
    async def left(gctx: GlobalContext) -> int:
        found: int = await gctx.modules.stock.left("tea", 2)
        return found

    app.module("stock", Stock())
    with Harness(app, modules={"stock": FakeModule(left=2)}) as harness:
        result = harness.get("/left")
    assert result.status == 500
    assert str(result.error) == "stock.left: too many positional arguments"


@pytest.mark.proves("TH-10", "TH-5")
def test_faults_are_met_and_those_that_are_not_are_told() -> None:
    app = App("faulty")

    class Stock:
        async def left(self) -> int:
            return 7

    @app.handler("GET /left", timeout=10.0)
    async def left(lctx: LocalContext, gctx: GlobalContext) -> int:
        before = lctx.now()
        found: int = await gctx.modules.stock.left()
        lctx.set("took_s", (lctx.now() - before).total_seconds())
        return found

    app.module("stock", Stock())
    with Harness(app) as harness:
        harness.fail("stock.left", TimeoutError("no"))
        harness.delay("stock.left", 3.0)
        broken, late = harness.get("/left"), harness.get("/left")
        begun, now = harness.harness.now_us, harness.now
        harness.advance(3_600)

        broken.assert_status(500)
        late.assert_status(200).assert_state(took_s=3.0)
        assert harness.harness.now_us - begun == 3_600_000_000
        assert (now.tzinfo, harness.now - now) == (dt.UTC, dt.timedelta(hours=1))

    with (
        pytest.raises(UnusedFaultError, match=r"stock\.left \(fail, 1 left\)"),
        Harness(app) as h,
    ):
        h.fail("stock.left", TimeoutError())


@pytest.mark.proves("TH-7")
def test_requests_are_put_together_step_by_step() -> None:
    app = App("steps")

    @app.handler("PUT /a/{name}/{n:int}", version="2026-01-01")
    async def show(req: Request[list[int]]) -> dict[str, Any]:
        return {"name": req.path.name, "n": req.path.n, "q": req.query["q"], "body": req.body}

    async def scenario() -> Result:
        async with Harness(app) as harness:
            asking = harness.request("PUT", "/a/{name}/{n:int}").with_path(name="x/y", n=7)
            full = asking.with_query(q="a&b").with_body([1]).version("2026-01-01")
            assert asking.body == b""
            return await full.send()

    result = run_virtual(scenario())

    result.assert_status(200).assert_body({"name": "x/y", "n": 7, "q": "a&b", "body": [1]})
    with Harness(app) as harness:
        asking = harness.run(show).with_path(name="x/y", n=7).with_query(q="a&b").with_body([1])
        assert harness.send(asking).body == result.body
        with pytest.raises(SignatureError, match="asks for the parameter work"):
            harness.run(run_virtual)
    with pytest.raises(TypeError, match="no parameter 'nam'"):
        Harness(app).request("GET", "/a/{name}").with_path(nam=1)
    with pytest.raises(TypeError, match="needs 'name'"):
        _ = Harness(app).request("GET", "/a/{name}").target


@pytest.mark.proves("TH-8")
def test_a_claim_that_fails_says_what_was_and_where() -> None:
    with Harness(shop) as harness:
        result = harness.post("/orders", json={"items": []})

    with pytest.raises(AssertionError, match="expected 200, got 400 `validation-failed`"):
        result.assert_status(200)
    with pytest.raises(AssertionError, match=r"expected hook.started, got .*\n#\d+ "):
        result.assert_facts("request.received", "hook.started", ...)
    with pytest.raises(AssertionError, match="expected customer = 'ann', got nothing"):
        result.assert_state(customer="ann")
    with pytest.raises(AssertionError, match="expected the effects"):
        result.assert_effects("pricing.quote")
    with pytest.raises(AssertionError, match="to be undone"):
        result.assert_compensated("stock.release")
    with pytest.raises(AssertionError, match="expected the body 1"):
        result.assert_body(1)


@pytest.mark.proves("TH-9", "TH-3")
def test_what_would_not_happen_again_is_found() -> None:
    app = App("again")
    numbers = iter(range(9))

    @app.handler("GET /n")
    async def count(lctx: LocalContext) -> int:
        lctx.set("n", next(numbers))
        return 0

    with Harness(app, replayed=False) as harness:
        result = harness.get("/n")
        replay = harness.replay(result)

    assert replay.divergence is not None


@pytest.mark.proves("TH-5")
def test_a_request_that_waits_for_ever_is_told() -> None:
    app = App("waits")

    @app.handler("GET /waits", timeout=3_600)
    async def waits() -> None:
        await asyncio.Event().wait()

    async def scenario() -> int:
        async with Harness(app) as harness:
            return (await harness.get("/waits")).status

    assert run_virtual(scenario()) == 504
    with pytest.raises(Deadlock, match=r"\n- Task-\d+, Event.wait, waits at .*locks.py:\d+"):
        run_virtual(asyncio.Event().wait())


@pytest.mark.proves("TH-5")
def test_the_next_timer_is_told() -> None:
    async def scenario() -> list[float | None]:
        async with Harness(shop) as harness:
            before = harness.next_timer()
            alarm = asyncio.get_running_loop().call_later(5.0, print)
            then = harness.next_timer()
            alarm.cancel()
            return [before, then]

    before, then = run_virtual(scenario())

    assert then == (5.0 if before is None else min(before, 5.0))


@pytest.mark.proves("TH-1")
def test_config_and_secrets_are_those_of_the_test() -> None:
    app = App("set", config={"limit": 1})

    @app.handler("GET /limit")
    async def limit(gctx: GlobalContext) -> int:
        secret = await gctx.secrets.get("key")
        with secret.reveal() as value:
            if value != "s3":
                raise HttpError(409, "no-key", "It is another one.")
        found: int = gctx.config["limit"]
        return found

    with Harness(app, config={"limit": 9}, secrets={"key": "s3"}) as harness:
        harness.get("/limit").assert_status(200).assert_body(9)
    with Harness(app) as harness:
        harness.get("/limit").assert_status(503)


@pytest.mark.proves("TH-8")
@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from(["a", "b", ...]), max_size=6))
def test_a_pattern_with_gaps_is_matched_as_a_regular_expression_would(
    names: list[str], pattern: list[Any]
) -> None:
    text = "".join(".*" if each is ... else each for each in pattern)

    assert (first_gap(names, pattern) is None) == bool(re.fullmatch(text, "".join(names)))


def test_facts_are_those_of_the_log() -> None:
    with Harness(shop) as harness:
        result = harness.get("/products")

    assert all(isinstance(each, Event) for each in result.facts)
    assert msgspec.json.decode(result.body) == result.json


@pytest.mark.proves("TH-1")
def test_a_module_that_nobody_gave_is_told_before_the_first_request() -> None:
    app = App("lacks")

    @app.handler("GET /left")
    async def left(gctx: GlobalContext) -> int:
        found: int = await gctx.modules.stock.left("tea")
        return found

    with pytest.raises(MissingModuleError, match="'lacks' uses modules that nobody gave: stock"):
        Harness(app).__enter__()
    with Harness(app, modules={"stock": FakeModule(left=2)}) as h:
        h.get("/left").assert_status(200).assert_body(2)


# --- runs without HTTP ---

AUTH_KEY = "shop_k1_" + "4f1c" * 11


def guarded() -> App:
    app = App("guarded", auth=[ApiKeys("shop", [ApiKey("k1", key_digest(AUTH_KEY), "ann")])])

    @app.before
    def stamp(lctx: LocalContext) -> None:
        lctx.set("stamped", 1)

    def check(lctx: LocalContext) -> None:
        lctx.set("checked", 1)

    @app.handler("POST /orders/{n:int}", version="2026-01-01", roles={"customer"}, before=[check])
    async def order(req: Request[int], lctx: LocalContext) -> list[Any]:
        lctx.compensate(lctx.set, "undone", 1)
        if req.body < 0:
            raise HttpError(409, "no", "No.")
        before = lctx.get("count", 0)
        lctx.set("count", before + req.body)
        return [req.path.n, req.principal.id, lctx.now().isoformat(), lctx.get("count")]

    app.order = order  # type: ignore[attr-defined]
    return app


@pytest.mark.proves("TH-2", "TH-7")
def test_a_handler_runs_without_http_by_the_same_controller() -> None:
    app = guarded()
    with Harness(app, replayed=True) as h:
        order = app.order  # type: ignore[attr-defined]
        asking = h.run(order).with_path(n=7).with_state(count=40)
        result = h.send(asking.with_body(2).at(dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)))
        failed = h.send(asking.with_body(-1))
        bad = h.send(asking.with_body("x"))

    result.assert_status(200).assert_body([7, "anonymous", "2026-10-01T12:00:00+00:00", 42])
    result.assert_state(stamped=1, checked=1, count=42)
    assert result.types[0] == "request.received"
    assert result.left_out == ()
    failed.assert_status(409).assert_compensated("runtime.lifecycle.local_context.LocalContext.set")
    bad.assert_status(400)
    assert "handler.started" not in bad.types


@pytest.mark.proves("TH-2", "TH-3")
def test_hooks_are_left_out_and_the_result_says_which() -> None:
    app = guarded()
    with Harness(app, replayed=True) as h:
        asking = h.run(app.order, hooks=False)  # type: ignore[attr-defined]
        result = h.send(asking.with_path(n=7).with_body(2))

    result.assert_status(200)
    assert [each.rpartition(".")[2] for each in result.left_out] == ["stamp", "check"]
    assert (result.hooks, list(result.state)) == ([], ["count"])
    assert result.explain().startswith("without the hooks ")


@pytest.mark.proves("TH-2")
def test_a_handler_that_the_app_does_not_have_is_registered_for_its_run() -> None:
    async def double(req: Request[int], lctx: LocalContext) -> int:
        lctx.set("of", req.path.n)
        return 2 * req.body

    app = guarded()
    with Harness(app, replayed=True) as h:
        asking = h.run(double, route="PUT /double/{n:int}").with_path(n=3)
        result = h.send(asking.with_body(21))
        refused = h.send(asking.with_body("x"))
        unknown = h.request("PUT", "/double/3")

        result.assert_status(200).assert_body(42).assert_state(of=3, stamped=1)
        refused.assert_status(400)
        h.send(unknown).assert_status(404)
    assert [each.template.text for each in app.parts.declared] == ["POST /orders/{n:int}"]


@pytest.mark.proves("TH-7")
def test_the_plain_form_is_the_fluent_one() -> None:
    ann = Principal("ann", roles=("customer",))
    app = guarded()
    with Harness(app, replayed=False) as h:
        plain = h.post("/orders/7", json=2, as_=ann, version="2026-01-01", query={"a": 1},
                       headers={"x": "y"})  # fmt: skip
        asking = h.request("POST", "/orders/{n:int}").with_path(n=7).with_body(2).as_(ann)
        asking = asking.version("2026-01-01").with_query(a=1).with_header("x", "y")
        fluent = h.send(asking)
        nobody = h.post("/orders/7", json=2)
        stranger = h.post("/orders/7", json=2, as_=Principal("bob"))
        proven = h.post("/orders/7", json=2, headers={"x-api-key": AUTH_KEY})

        plain.assert_status(200)
        assert plain.json[1] == "ann"
        assert plain.json[3] == fluent.json[3] == 2
        assert sorted(plain.facts[0].data.headers) == sorted(fluent.facts[0].data.headers)
        assert [each.status for each in (nobody, stranger, proven)] == [401, 403, 403]
        with pytest.raises(TypeError, match="with_state is for"):
            h.send(asking.with_state(a=1))
        with pytest.raises(ValueError, match="no time zone"):
            asking.at(dt.datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
        with pytest.raises(ValueError, match="has passed"):
            h.send(asking.at(dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))

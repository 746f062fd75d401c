"""What stands in for modules, and contexts that a test makes up (TH-6)."""

import asyncio
import datetime as dt
import functools
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore.errors import FrozenValueError
from runtime import App, GlobalContext, HttpError, LocalContext, Request, Response, Sensitive
from runtime.errors import (
    ContextClosedError,
    FakeModuleError,
    ModuleContractError,
    NotStartedError,
    RequestTimedOutError,
    SignatureError,
    UnrecordedEffectError,
    UnsupportedValueError,
)
from runtime.principals import ANONYMOUS, Principal
from runtime.testing import FakeContext, FakeModule, Harness, calls, run_virtual


class Taken(Exception):
    """Of a user."""


def double(n: int) -> int:
    return 2 * n


async def doubled(n: int) -> int:
    await asyncio.sleep(n)
    return 2 * n


class Doubling:
    def __call__(self, n: int) -> int:
        return 2 * n

    async def later(self, n: int) -> int:
        return await doubled(n)


CALLED: list[Any] = [
    double, doubled, Doubling(), Doubling().__call__, Doubling().later,
    functools.partial(double), functools.partial(doubled),
]  # fmt: skip
RAISED: list[Any] = [Taken("it"), Taken]
PLAIN: list[Any] = [0, None, "x", {"a": 1}]


async def _ask(module: FakeModule, n: int) -> Any:
    try:
        found = vars(module)["ask"](n)
        return await found if asyncio.iscoroutine(found) else found
    except (Taken, FakeModuleError) as error:
        return error


@pytest.mark.proves("TH-6")
@given(st.lists(st.sampled_from([*CALLED, *RAISED, *PLAIN]), max_size=4), st.integers(0, 5))
def test_each_item_of_a_list_is_used_once_also_by_calls_at_one_time(
    answers: list[Any], asked: int
) -> None:
    """Seen to fail with the next item taken by how many calls have ended."""
    module = FakeModule(ask=answers)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(_ask(module, n) for n in range(asked)))

    said = run_virtual(all_at_once())

    for n, found in enumerate(said):
        if n >= len(answers):
            assert isinstance(found, FakeModuleError)
        elif answers[n] in RAISED:
            assert isinstance(found, Taken)
        else:
            assert found == (2 * n if answers[n] in CALLED else answers[n])
    kept = calls(module, "ask")
    assert [each.args for each in kept] == [(n,) for n in range(asked)]
    assert [each.error or each.result for each in kept] == said
    event(f"exhausted: {asked > len(answers)}")


class Card(msgspec.Struct):
    number: str


class Bank:
    async def charge(self, card: Annotated[str, Sensitive], amount: int) -> bool:
        return bool(card) and amount < 9

    async def refund(self, amount: int) -> bool:
        return amount > 0


def shop() -> App:
    app = App("bank")
    app.module("bank", Bank())

    @app.handler("POST /charge")
    async def charge(req: Request[Card], gctx: GlobalContext) -> bool:
        done: bool = await gctx.modules.bank.charge(req.body.number, 3)
        return done

    @app.handler("POST /refund")
    async def refund(gctx: GlobalContext) -> bool:
        done: bool = await gctx.modules.bank.refund(3)
        return done

    return app


@pytest.mark.proves("TH-6", "EF-5")
def test_a_double_takes_gives_and_hides_what_its_module_declares() -> None:
    """Seen to fail with doubles that know nothing of what they stand for."""
    bank = FakeModule(charge=[True, "yes"])
    with Harness(shop(), modules={"bank": bank}, replayed=False) as asked:
        good = asked.post("/charge", json={"number": "4242"})
        wrong = asked.post("/charge", json={"number": "4242"})
        lacking = asked.post("/refund")

    good.assert_status(200).assert_body(True)  # noqa: FBT003 - it is the body
    assert good.effects[0].args["amount"] == 3
    assert "4242" not in repr(good.effects[0].args)
    assert isinstance(wrong.error, ModuleContractError)
    assert isinstance(lacking.error, FakeModuleError)
    assert "bank.refund" in lacking.error.problem
    assert [each.args for each in calls(bank, "charge")] == [("4242", 3)] * 2


# --- contexts ---


async def price(req: Request[Any], lctx: LocalContext, gctx: GlobalContext) -> int:
    found: int = await gctx.modules.pricing.quote(req.body["sku"])
    lctx.set("price", found * gctx.config.get("factor", 1))
    return found


def note(lctx: LocalContext, res: Response, gctx: GlobalContext) -> None:
    res.header("x-price", str(gctx.modules.pricing.quote("salt")))
    with lctx.edit("notes", default=list) as notes:
        notes.append(lctx.now().isoformat())


@pytest.mark.proves("TH-6", "LC-1")
def test_every_field_of_a_made_up_request_has_its_stated_default() -> None:
    with FakeContext() as fake:
        req, lctx, gctx = fake.req, fake.lctx, fake.gctx

        assert (req.method, req.url_path, req.body, req.raw) == ("POST", "/", None, b"")
        assert (dict(req.path), dict(req.query), dict(req.headers)) == ({}, {}, {})
        assert req.principal == ANONYMOUS
        assert (fake.res.status, fake.res.headers, fake.res.written) == (None, (), False)
        assert (lctx.client.ip, lctx.client.user_agent, lctx.client.region) == ("unknown",) * 3
        assert (lctx.version, lctx.phase, lctx.keys()) == ("tsv:1790000000-fake-001",
                                                           "authorized", [])  # fmt: skip
        assert (lctx.remaining(), lctx.is_timed_out, lctx.is_aborted) == (30.0, False, False)
        assert lctx.deadline - lctx.meta.received_at == dt.timedelta(seconds=30)
        assert (lctx.meta.flags, lctx.meta.route, lctx.meta.region) == ((), "POST /", "unknown")
        assert (list(gctx.modules), dict(gctx.config)) == ([], {})
        assert len(lctx.trace_id) == 32
    with FakeContext(seed=0) as same, FakeContext(seed=1) as other:
        assert same.lctx.request_id == lctx.request_id != other.lctx.request_id


@pytest.mark.proves("TH-6")
def test_functions_are_called_with_the_contexts_that_a_test_makes_up() -> None:
    quote = FakeModule(quote=len)
    ann = Principal("ann", roles=("customer",))
    with FakeContext(
        {"sku": "tea"}, method="PUT", path="/a/7", params={"n": 7}, query={"q": "x"}, principal=ann,
        headers={"X-A": "b"}, modules={"pricing": quote}, timeout=2.0, flags=("new",),
        config={"factor": 2}, secrets={"key": "hunter2-hunter2"}, state={"at": 1},
    ) as fake:  # fmt: skip
        assert fake.call(price) == 3
        fake.call(note)
        assert fake.lctx.get("price") == 6
        assert fake.lctx.get("notes") == [fake.lctx.meta.received_at.isoformat()]
        assert fake.res.headers == (("x-price", "4"),)
        assert (fake.req.path.n, fake.req.query.q, fake.req.headers["x-a"]) == (7, "x", "b")
        assert (fake.req.principal.id, fake.lctx.meta.flags) == ("ann", ("new",))
        assert fake.call(lambda lctx: lctx.remaining()) == 2.0
        kinds = [each.type for each in fake.facts]
        assert kinds.count("effect.requested") == 3
        assert [e.key for e in fake.facts if e.type == "context.set"] == ["at", "price"]

    assert [each.args for each in calls(quote, "quote")] == [("tea",), ("salt",)]
    with pytest.raises(ContextClosedError):
        fake.lctx.set("late", 1)


@pytest.mark.proves("TH-6")
def test_what_a_made_up_context_is_misused_for_is_refused_as_in_a_request() -> None:
    async def reads(lctx: LocalContext) -> None:
        lctx.set("at", dt.datetime.now().isoformat())  # noqa: DTZ005, TID251 - it is the fault

    async def on_error(error: BaseException, result: Any) -> tuple[BaseException, Any]:
        return error, result

    async def waits(lctx: LocalContext) -> dt.datetime:
        await lctx.sleep(3_600)
        return lctx.now()

    with FakeContext(timeout=3_000) as late, pytest.raises(RequestTimedOutError):
        late.call(waits)
    with FakeContext(timeout=4_000) as fake:
        with pytest.raises(UnrecordedEffectError):
            fake.call(reads)
        with pytest.raises(SignatureError):
            fake.call(lambda other: other)
        with pytest.raises(UnsupportedValueError):
            fake.lctx.set("a", object())
        with pytest.raises(FrozenValueError):
            fake.gctx.config = {}
        problem = HttpError(409, "taken")
        assert fake.call(on_error, error=problem, result=7) == (problem, 7)
        before = fake.lctx.now()
        assert fake.call(waits) - before == dt.timedelta(hours=1)
    with pytest.raises(NotStartedError):
        _ = FakeContext().lctx


@pytest.mark.proves("TH-6")
def test_contexts_are_made_up_on_an_event_loop_too() -> None:
    async def scenario() -> tuple[int, list[str]]:
        modules = {"pricing": FakeModule(quote=5)}
        async with FakeContext({"sku": "tea"}, modules=modules) as fake:
            found: int = await fake.acall(price)
            assert await fake.gctx.modules.pricing.quote("more") == 5
            with pytest.raises(NotStartedError, match="acall"):
                fake.call(price)
            return found, fake.lctx.keys()

    assert run_virtual(scenario()) == (5, ["price"])

"""A request that waits for what a subscriber answers."""

import asyncio
from typing import Any

import pytest

from runtime import App, GlobalContext, Request
from runtime.errors import (
    ContextError,
    MessageTypeError,
    Reject,
    RequestStoppedError,
    ResultTimeoutError,
)
from runtime.telemetry.spans import spans_of
from runtime.testing import check_app, run_virtual
from runtime.trace_context import is_sampled
from tests.builders import version_of
from tests.controlled import Controlled
from tests.faces.asgi import ask
from tests.queues import World, settled, until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Rates:
    """An app that asks a subscriber for what something costs."""

    def __init__(self, timeout: float = 30.0) -> None:
        self.world = World()
        self.timeout = timeout
        self.takes_s = 0.0
        self.failures: list[Exception] = []
        self.headers: list[dict[str, str]] = []

    def declare(self, app: App) -> None:
        app.topic("price.asked", str)
        app.topic("sold", str)

        @app.subscriber("price.asked", name="rates")
        async def rate(req: Request[str]) -> dict[str, Any]:
            self.headers.append(dict(req.headers))
            await asyncio.sleep(self.takes_s)
            if self.failures:
                raise self.failures.pop(0)
            return {"of": req.body, "cents": 250, "$ref": None}

        @app.subscriber("sold", name="books")
        async def book(req: Request[str]) -> None:
            self.headers.append(dict(req.headers))

        @app.handler("POST /price")
        async def price(req: Request[str], gctx: GlobalContext) -> dict[str, Any]:
            asked = gctx.request("price.asked", req.body, timeout=self.timeout)
            found: dict[str, Any] = await asked
            return found

        @app.handler("POST /sell")
        async def sell(req: Request[str], gctx: GlobalContext) -> None:
            await gctx.publish("sold", req.body)

    def live(self, scenario: Any) -> Any:
        return self.world.live(self.declare, scenario)

    def replayed(self) -> int:
        """Run all again; say how many, and see that nothing was written."""
        again = App("shop")
        self.declare(again)
        streams = list(dict.fromkeys(e.stream for e in self.world.facts("request.received")))
        before = self.world.store.end()
        done: int = check_app(again, self.world.store, streams)
        assert self.world.store.end() == before
        return done


@pytest.mark.proves("QF-12", "QF-3", "EF-1")
def test_a_request_gets_what_a_subscriber_answers_and_replay_reads_it_back() -> None:
    rates = Rates()
    rates.failures = [ValueError()]

    async def scenario(app: App) -> Any:
        return await ask(app, "POST", "/price", "tea")

    reply = rates.live(scenario)
    heard = list(rates.headers)

    assert (reply.status, reply.json) == (200, {"of": "tea", "cents": 250, "$ref": None})
    (asked,) = rates.world.facts("message.published")
    by = asked.data.reply_to
    assert (by.request, by.effect, by.handler) == (reply.request_id, 1, "post-price")
    assert heard[1]["message-reply-to"] == f"{reply.request_id}/1"
    assert heard[1]["message-request"] == reply.request_id
    assert heard[1]["message-version"] == by.version
    assert [each["message-attempt"] for each in heard] == ["1", "2"]
    (returned,) = rates.world.facts("effect.returned")
    (acknowledged,) = rates.world.facts("message.acknowledged")
    assert asked.position < acknowledged.position < returned.position
    rates.failures = [ValueError()]
    assert rates.replayed() == 3
    assert len(rates.headers) == len(heard) + 2, "the deliveries ran again, and nobody was asked"


@pytest.mark.proves("QF-12")
def test_a_result_that_comes_too_late_stays_in_the_log() -> None:
    rates = Rates(timeout=2.0)
    rates.takes_s = 3.0

    async def scenario(app: App) -> Any:
        reply = await ask(app, "POST", "/price", "tea")
        await settled(app, "rates")
        return reply

    reply = rates.live(scenario)

    assert reply.status == 500
    (failed,) = rates.world.facts("effect.failed")
    assert failed.data.failure.error == "ResultTimeoutError"
    assert failed.data.failure.message == (
        "No subscriber of price.asked answered within 2 s."
        " Wait longer, or see with `timescape queue` what keeps them."
    )
    (acknowledged,) = rates.world.facts("message.acknowledged")
    delivery = list(rates.world.store.read(acknowledged.stream))
    assert delivery[-1].data.body["of"] == "tea"
    assert acknowledged.position > failed.position
    assert rates.replayed() == 2


@pytest.mark.proves("QF-12")
def test_what_no_subscriber_can_answer_ends_with_the_time() -> None:
    rates = Rates(timeout=2.0)
    rates.failures = [Reject("no price")]

    async def scenario(app: App) -> int:
        reply = await ask(app, "POST", "/price", "tea")
        await settled(app, "rates")
        status: int = reply.status
        return status

    assert rates.live(scenario) == 500
    assert [e.data.failure.error for e in rates.world.facts("effect.failed")] == [
        "ResultTimeoutError"
    ]


@pytest.mark.proves("QF-12", "QF-14")
def test_who_still_waits_when_the_app_stops_is_sent_away() -> None:
    rates = Rates()
    rates.takes_s = 60.0

    async def scenario(app: App) -> int:
        asked = asyncio.create_task(ask(app, "POST", "/price", "tea"))
        await until(lambda: rates.headers)
        await app.stop()
        status: int = (await asked).status
        return status

    assert rates.live(scenario) == 503
    (failed,) = rates.world.facts("effect.failed")
    assert failed.data.failure.error == RequestStoppedError.__name__


@pytest.mark.proves("QF-12")
def test_where_nobody_subscribes_nobody_answers() -> None:
    async def nobody(gctx: GlobalContext) -> str:
        with pytest.raises(MessageTypeError):
            await gctx.request("t", 1, timeout=0)
        with pytest.raises(ResultTimeoutError) as late:
            await gctx.request("t", 1, timeout=4)
        return f"{late.value.topic} {late.value.seconds}"

    gctx = GlobalContext(topics={"t": App("shop").topic("t", int)})
    told = run_virtual(Controlled(version_of(nobody), gctx=gctx).send())

    assert told.json == "t 4"
    with pytest.raises(ContextError):
        gctx.request("t", 1)


@pytest.mark.proves("OB-5", "QF-3", "QF-12")
@pytest.mark.parametrize("flags", ["00", "01"])
def test_a_delivery_goes_on_with_the_publishers_trace_and_decision(flags: str) -> None:
    rates = Rates()
    headers = (("traceparent", f"00-{TRACE}-{PARENT}-{flags}"),)

    async def scenario(app: App) -> None:
        await ask(app, "POST", "/price", "tea", headers=headers)
        await ask(app, "POST", "/sell", "tea", headers=headers)
        await until(lambda: len(rates.headers) == 2)
        await settled(app, "books")

    rates.live(scenario)

    received = rates.world.facts("request.received")
    price, sell = (e for e in received if e.data.method == "POST")
    rate, book = (e for e in received if e.data.method == "MESSAGE")
    (effect,) = [
        span
        for span in spans_of(list(rates.world.store.read(price.stream)), {})
        if span.name == "request price.asked"
    ]
    assert rate.data.parent_span_id == effect.span_id
    assert book.data.parent_span_id == sell.data.span_id
    told = [each["traceparent"] for each in rates.headers]
    assert told == [
        f"00-{TRACE}-{effect.span_id}-{flags}", f"00-{TRACE}-{sell.data.span_id}-{flags}",
    ]  # fmt: skip
    kept = {is_sampled(each.data, ratio) for each in received for ratio in (0.0, 1.0)}
    assert kept == {flags == "01"}, "the caller decides for all of it"

"""Topics and subscribers of an app, from a publication to its acknowledgement."""

import asyncio
from collections import Counter
from typing import Annotated, Any

import msgspec
import pytest

from runtime import App, GlobalContext, LocalContext, Request, Sensitive
from runtime.errors import (
    AlreadyStartedError,
    CapabilityError,
    ContextError,
    MessageTypeError,
    QueueFullError,
    RegistrationError,
    RegistrationWarning,
    Reject,
    RequestStoppedError,
    TopicError,
    UnknownTopicError,
)
from runtime.queue import Options, Subscriber
from runtime.testing import check_app, run_virtual
from tests.faces.asgi import Reply, ask
from tests.queues import Mortal, Small, World, settled, shape, topic, until


class Placed(msgspec.Struct):
    n: int
    customer: str = "ann"


class Shop:
    """An app whose subscriber does as it is told, and what came of it."""

    def __init__(self, **topic: Any) -> None:
        self.world = World()
        self.topic = topic
        self.of_subscriber: dict[str, Any] = {}
        self.heard: list[tuple[int, int]] = []
        self.gate: asyncio.Event | None = None
        self.fails: dict[int, list[Exception]] = {}

    def declare(self, app: App) -> None:
        app.topic("orders.placed", Placed, **self.topic)

        @app.subscriber("orders.placed", name="mailer", **self.of_subscriber)
        async def mail(req: Request[Placed], lctx: LocalContext) -> None:
            self.heard.append((req.body.n, int(req.headers["message-attempt"])))
            if self.gate is not None:
                await self.gate.wait()
            if errors := self.fails.get(req.body.n):
                raise errors.pop(0)
            lctx.set("mailed", req.body.n)

        @app.handler("POST /orders")
        async def place(req: Request[list[int]], gctx: GlobalContext) -> None:
            for n in req.body:
                await gctx.publish("orders.placed", Placed(abs(n)))
                if n < 0:
                    raise ValueError(n)

    def live(self, scenario: Any, **how: Any) -> Any:
        return self.world.live(self.declare, scenario, **how)


def order(app: App, *numbers: int) -> Any:
    return ask(app, "POST", "/orders", list(numbers))


@pytest.mark.proves("QF-2", "QF-5", "QF-9")
def test_what_a_request_publishes_is_delivered_once_it_ended_well() -> None:
    shop = Shop()

    async def scenario(app: App) -> Reply:
        reply: Reply = await order(app, 1, 2)
        assert shop.heard == []
        await until(lambda: len(shop.heard) >= 2)
        return reply

    reply = shop.live(scenario)

    assert reply.status == 204
    assert shop.heard == [(1, 1), (2, 1)]
    acknowledged = shop.world.facts("message.acknowledged")
    delivery = list(shop.world.store.read(acknowledged[0].stream))
    assert [each.type for each in delivery[-4:]] == [
        "context.set", "handler.ended", "message.acknowledged", "response.sent",
    ]  # fmt: skip
    row = next(row for row in shop.world.rows() if row.stream == delivery[0].stream)
    assert (len(row.events), row.closes) == (len(delivery), True), "one commit for all of it"
    claimed = shop.world.facts("message.claimed")
    assert claimed[0].position < delivery[0].position


@pytest.mark.proves("QF-3")
def test_a_delivery_knows_where_its_message_comes_from() -> None:
    shop = Shop()

    async def scenario(app: App) -> Reply:
        reply: Reply = await order(app, 7)
        await until(lambda: shop.heard)
        return reply

    reply = shop.live(scenario)

    published = shop.world.facts("message.published")[0]
    received = shop.world.facts("request.received")[1]
    told = dict(received.data.headers)
    assert told["message-id"] == f"{published.stream.hex}@{published.revision}"
    assert told["message-request"] == reply.request_id
    assert told["message-handler"] == "post-orders"
    assert told["message-version"].startswith("tsv:")
    assert (told["message-topic"], told["message-priority"]) == ("orders.placed", "5")
    assert int(told["message-published"]) == published.at_us
    first = next(iter(shop.world.store.read(published.stream))).data
    assert (received.data.trace_id, received.data.parent_span_id) == (
        first.trace_id, first.span_id,
    )  # fmt: skip


@pytest.mark.proves("QF-2")
def test_a_failed_request_has_published_nothing_but_what_is_always_meant() -> None:
    shop, told = Shop(), []

    def declare(app: App) -> None:
        shop.declare(app)

        @app.handler("POST /fails")
        async def fails(gctx: GlobalContext) -> None:
            await gctx.publish("orders.placed", Placed(1))
            await gctx.publish("orders.placed", Placed(2), when="always")
            raise ValueError

    async def scenario(app: App) -> None:
        told.append((await order(app, 3, -4)).status)
        told.append((await ask(app, "POST", "/fails")).status)
        await until(lambda: shop.heard)
        await settled(app, "mailer")

    shop.world.live(declare, scenario)

    assert told == [500, 500]
    assert shop.heard == [(2, 1)]


@pytest.mark.proves("QF-10")
def test_what_fails_is_tried_again_and_given_up_at_last() -> None:
    shop = Shop(attempts=2)
    shop.fails = {1: [ValueError()], 2: [ValueError(), KeyError()], 3: [Reject("no three")]}

    async def scenario(app: App) -> None:
        await order(app, 1, 2, 3)
        await until(lambda: len(shop.heard) >= 5)
        await settled(app, "mailer")

    shop.live(scenario)

    assert Counter(shop.heard) == Counter([(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
    dead = {e.key: e.data for e in shop.world.facts("message.dead_lettered")}
    told = [(each.attempts, each.reason, each.error, each.message) for each in dead.values()]
    assert sorted(told) == [
        (1, "message-rejected", "Reject", "no three"), (2, "handler-error", "KeyError", None),
    ]  # fmt: skip
    failed = [(e.data.attempt, e.data.will_retry) for e in shop.world.facts("message.failed")]
    assert sorted(failed) == [(1, False), (1, True), (1, True), (2, False)]


@pytest.mark.proves("QF-10")
def test_what_cannot_be_decoded_is_dead_at_once() -> None:
    world = World()

    def declare(app: App) -> None:
        app.topic("t", dict[str, int])

        @app.subscriber("t", name="strict", key=lambda body: body.n)
        async def take(req: Request[Placed]) -> None: ...

    async def scenario(app: App) -> None:
        await app.publish("t", {"m": 1})
        await until(lambda: world.facts("message.dead_lettered"))

    world.live(declare, scenario)

    (dead,) = world.facts("message.dead_lettered")
    assert (dead.data.reason, dead.data.attempts) == ("validation-failed", 1)


@pytest.mark.proves("QF-8")
def test_messages_of_one_key_come_one_at_a_time_and_in_order() -> None:
    shop = Shop(attempts=3)
    shop.of_subscriber = {"key": lambda body: body.n % 2, "concurrency": 4}
    shop.fails = {1: [ValueError(), ValueError()]}

    async def scenario(app: App) -> None:
        await order(app, 1, 2, 3, 4, 5)
        await until(lambda: len(shop.heard) >= 7)
        await settled(app, "mailer")

    shop.live(scenario)

    assert [each for each in shop.heard if each[0] % 2] == [
        (1, 1), (1, 2), (1, 3), (3, 1), (5, 1),
    ]  # fmt: skip
    assert [each for each in shop.heard if each[0] % 2 == 0] == [(2, 1), (4, 1)]
    assert shop.heard.index((4, 1)) < shop.heard.index((1, 2)), "other keys go on"


@pytest.mark.proves("QF-6", "P43")
def test_a_full_queue_refuses_with_503_and_the_request_cleans_up() -> None:
    shop = Shop(depth=2)
    undone: list[str] = []

    def declare(app: App) -> None:
        shop.declare(app)

        @app.handler("POST /careful")
        async def careful(lctx: LocalContext, gctx: GlobalContext) -> None:
            lctx.compensate(undone.append, "undone")
            lctx.on_cleanup(lambda: undone.append("clean"))
            await gctx.publish("orders.placed", Placed(9))

    async def scenario(app: App) -> list[Any]:
        shop.gate = asyncio.Event()
        one = (await order(app, 1)).status
        three = (await order(app, 2, 3)).status
        freed = (await order(app, 2)).status
        refused = await ask(app, "POST", "/careful")
        app.queues.scale("orders.placed", 0.5)
        with pytest.raises(QueueFullError) as error:
            await app.publish("orders.placed", Placed(5))
        shop.gate.set()
        await settled(app, "mailer")
        return [one, three, freed, refused, error.value, app.queues.desk.refused]

    one, three, freed, refused, error, count = shop.world.live(declare, scenario) or []

    assert [one, three, freed] == [204, 503, 204]
    assert (refused.status, refused.json["code"]) == (503, "queue-full")
    assert dict(refused.headers)["retry-after"] == "1"
    assert undone == ["undone", "clean"]
    assert (error.topic, error.depth, error.limit, error.percent) == ("orders.placed", 2, 1, 200)
    assert count == 3
    assert shop.heard == [(1, 1), (2, 1)]


@pytest.mark.proves("QF-6", "AD-2", "CP-2")
def test_a_full_topic_closes_the_door_of_handlers_that_say_they_publish_on_it() -> None:
    shop = Shop(depth=1)
    begun: list[str] = []

    def declare(app: App) -> None:
        shop.declare(app)

        @app.handler("POST /declared", publishes={"orders.placed"})
        async def declared(gctx: GlobalContext) -> None:
            begun.append("declared")
            await gctx.publish("orders.placed", Placed(9))

        @app.handler("POST /other")
        async def other() -> None:
            begun.append("other")

    async def scenario(app: App) -> list[Any]:
        shop.gate = asyncio.Event()
        first = await ask(app, "POST", "/declared")
        refused = await ask(app, "POST", "/declared")
        other = await ask(app, "POST", "/other")
        await until(lambda: bool(shop.heard))
        shop.gate.set()
        await settled(app, "mailer")
        return [first, refused, other, await ask(app, "POST", "/declared")]

    first, refused, other, later = shop.world.live(declare, scenario) or []

    assert [each.status for each in (first, refused, other, later)] == [204, 503, 204, 204]
    assert (refused.json["code"], refused.json["topic"]) == ("queue-full", "orders.placed")
    assert dict(refused.headers)["retry-after"] == "1"
    assert begun == ["declared", "other", "declared"]


@pytest.mark.proves("CP-2")
def test_a_topic_that_is_not_named_is_refused_where_it_shows_and_denied_where_it_does_not() -> None:
    shop = Shop()

    def declare(app: App) -> None:
        shop.declare(app)

        async def order(gctx: GlobalContext) -> None:
            await gctx.publish("orders.placed", Placed(1))

        with pytest.raises(CapabilityError, match=r"publishes on orders\.placed"):
            app.handler("POST /seen", publishes=set())(order)
        with pytest.raises(RegistrationError, match="is no list of names"):
            app.handler("POST /seen", publishes="orders.placed")(order)

        @app.handler("POST /unseen", publishes=())
        async def unseen(gctx: GlobalContext) -> None:
            await gctx.publish(".".join(["orders", "placed"]), Placed(1))

    async def scenario(app: App) -> Any:
        return await ask(app, "POST", "/unseen")

    reply = shop.world.live(declare, scenario)

    assert (reply.status, reply.json["code"]) == (500, "capability-denied")
    assert shop.heard == []


@pytest.mark.proves("CP-2")
def test_a_topic_that_is_not_declared_stops_the_start() -> None:
    shop = Shop()

    def declare(app: App) -> None:
        shop.declare(app)

        @app.handler("POST /lost", publishes={"orders.lost"})
        async def lost() -> None: ...

    async def scenario(_: App) -> None:
        pytest.fail("it started")

    with (
        pytest.warns(RegistrationWarning, match=r"publishes= names orders\.lost"),
        pytest.raises(UnknownTopicError, match=r"orders\.lost .*test_fabric"),
    ):
        shop.world.live(declare, scenario)


@pytest.mark.proves("QF-6")
def test_who_may_wait_gets_the_next_place_in_order_of_arrival_or_503_or_504() -> None:
    shop = Shop(depth=1, full="wait")

    def declare(app: App) -> None:
        shop.declare(app)

        @app.handler("POST /hurried", timeout=1.0)
        async def hurried(gctx: GlobalContext) -> None:
            await gctx.publish("orders.placed", Placed(9))

    async def scenario(app: App) -> list[int]:
        shop.gate = asyncio.Event()
        first = await order(app, 1)
        late = await asyncio.gather(order(app, 2), ask(app, "POST", "/hurried"))
        waiting = []
        for n in (3, 4):
            waiting.append(asyncio.create_task(order(app, n)))
            await asyncio.sleep(0.5)
        shop.gate.set()
        rest = await asyncio.gather(*waiting)
        await settled(app, "mailer")
        return [each.status for each in (first, *late, *rest)]

    assert shop.world.live(declare, scenario) == [204, 503, 504, 204, 204]
    assert shop.heard == [(1, 1), (3, 1), (4, 1)]


@pytest.mark.proves("QF-1", "QF-6", "QF-9")
def test_a_topic_that_is_not_durable_may_drop_its_oldest_and_forgets_at_the_end() -> None:
    shop = Shop(depth=2, full="drop_oldest", durable=False)
    shop.of_subscriber = {"concurrency": 1}

    async def scenario(app: App) -> None:
        shop.gate = asyncio.Event()
        for n in (1, 2, 3):
            await order(app, n)
            await asyncio.sleep(1)
        shop.gate.set()
        await settled(app, "mailer")
        shop.gate = asyncio.Event()
        await order(app, 4, 5)
        await asyncio.sleep(1)

    shop.live(scenario)
    (displaced,) = shop.world.facts("message.dead_lettered")

    async def rest(app: App) -> None:
        await asyncio.sleep(1)

    shop.gate = None
    shop.live(rest)

    assert displaced.data.reason == "displaced"
    assert [n for n, _ in shop.heard] == [1, 3, 4]
    assert shop.world.facts("message.claimed") == [], "nothing to remember"


@pytest.mark.proves("QF-11")
def test_an_expired_message_is_not_delivered_and_is_counted() -> None:
    shop = Shop(ttl=1.0)
    shop.of_subscriber = {"concurrency": 1}

    async def scenario(app: App) -> Any:
        shop.gate = asyncio.Event()
        await order(app, 1, 2)
        await asyncio.sleep(2)
        shop.gate.set()
        await settled(app, "mailer")
        return app.queues.inboxes["mailer"].counts

    counts = shop.live(scenario)

    assert shop.heard == [(1, 1)]
    assert (counts.accepted, counts.acknowledged, counts.expired) == (2, 1, 1)
    (expired,) = shop.world.facts("message.expired")
    assert len(expired.data.messages) == 1


@pytest.mark.proves("QF-4")
def test_a_subscriber_lives_on_and_catches_up_and_a_new_one_begins_now() -> None:
    world = World()
    heard: list[tuple[str, int]] = []

    def declared(*names: str) -> Any:
        def declare(app: App) -> None:
            app.topic("a.b", int)
            for name in names:
                app.subscriber("a.*", name=name)(taking(name))

        return declare

    def taking(name: str) -> Any:
        async def take(req: Request[int]) -> None:
            heard.append((name, req.body))

        return take

    async def publish(app: App, *numbers: int) -> None:
        for n in numbers:
            await app.publish("a.b", n)

    async def settle_all(app: App) -> None:
        await settled(app, *app.queues.inboxes)

    world.live(declared("old"), lambda app: publish(app, 1))
    world.live(declared(), lambda app: publish(app, 2))
    world.live(declared("old", "new"), settle_all)

    async def both(app: App) -> None:
        await publish(app, 3)
        await asyncio.sleep(1)
        await settle_all(app)

    world.live(declared("old", "new"), both)

    assert Counter(heard) == Counter([("old", 1), ("old", 2), ("old", 3), ("new", 3)])


@pytest.mark.proves("QF-14")
def test_at_its_stop_an_app_refuses_publications_and_lets_deliveries_end_for_a_second() -> None:
    shop = Shop()
    shop.gate = asyncio.Event()
    refused: list[Any] = []

    async def scenario(app: App) -> None:
        await order(app, 1)
        await until(lambda: shop.heard)
        queues = app.queues
        await app.stop()
        with pytest.raises(RequestStoppedError):
            await queues.publish("orders.placed", Placed(2), Options())
        refused.append(True)

    async def again(app: App) -> None:
        await settled(app, "mailer")

    shop.live(scenario)
    (failed,) = shop.world.facts("message.failed")
    shop.gate = None
    shop.live(again)

    assert refused == [True]
    assert (failed.data.will_retry, failed.data.counted) == (True, False)
    assert shop.heard == [(1, 1), (1, 1)], "being stopped uses up no attempt"


@pytest.mark.proves("QF-9", "QF-13")
def test_a_restart_goes_on_where_the_log_says_and_counts_the_same() -> None:
    shop = Shop()
    shop.fails = {2: [ValueError()]}

    async def scenario(app: App) -> Any:
        await order(app, 1, 2, 3)
        await asyncio.sleep(0.01)
        await settled(app, "mailer")
        return app.queues.inboxes["mailer"].counts

    counts = shop.live(scenario)
    (advanced,) = shop.world.facts("subscription.advanced")

    assert advanced.data.position > shop.world.facts("message.published")[-1].position
    assert shop.world.folded("mailer")["mailer"].counts == counts
    assert shop.world.folded("mailer", from_start=True)["mailer"].counts == counts


@pytest.mark.proves("QF-9")
def test_a_message_that_kills_the_process_has_used_its_attempts() -> None:
    shop = Shop(attempts=2)

    async def until_claimed(app: App) -> None:
        await order(app, 1)
        await until(lambda: shop.world.facts("message.claimed"))
        await asyncio.sleep(1)

    async def wait(app: App) -> None:
        await asyncio.sleep(3)

    # deployments, config, the subscription; the request; the claim; then it is dead.
    shop.live(until_claimed, appends=4)
    shop.live(wait, appends=2)
    assert [fact.data.reason for fact in shop.world.facts("message.failed")] == ["crash"]
    shop.live(wait)

    attempts = [each for fact in shop.world.facts("message.claimed") for each in fact.data.messages]
    assert [attempt for _, attempt in attempts] == [1, 2]
    (dead,) = shop.world.facts("message.dead_lettered")
    assert (dead.data.reason, dead.data.attempts) == ("crash", 2)
    assert shop.world.facts("message.acknowledged") == []


@pytest.mark.proves("QF-1")
def test_what_cannot_be_published_is_refused_where_it_is_tried() -> None:
    shop = Shop()

    async def scenario(app: App) -> None:
        with pytest.raises(UnknownTopicError, match=r"orders\.placed"):
            await app.publish("orders.paid", Placed(1))
        for payload in ({"n": "one"}, 3, None):
            with pytest.raises(MessageTypeError, match=r"type of orders\.placed"):
                await app.publish("orders.placed", payload)
        for wrong in ({"priority": 11}, {"priority": True}, {"ttl": 0}, {"key": ""}, {"key": "\0"}):
            with pytest.raises(MessageTypeError):
                await app.publish("orders.placed", Placed(1), **wrong)
        with pytest.raises(MessageTypeError, match="1048576"):
            await app.publish("orders.placed", Placed(1, "x" * 1_048_576))
        with pytest.raises(ContextError, match=r"app\.publish"):
            app.controller.surroundings.gctx.publish("orders.placed", Placed(1))
        with pytest.raises(AlreadyStartedError):
            app.topic("late", int)

    shop.live(scenario)

    assert shop.world.facts("message.published") == []


@pytest.mark.proves("QF-1", "QF-6")
def test_a_topic_or_subscriber_that_cannot_be_is_refused_and_nothing_is_declared() -> None:
    class Paid(msgspec.Struct):
        card: Annotated[str, Sensitive]

    app = App("shop")
    app.topic("t", int)
    wrong: list[dict[str, Any]] = [
        {"name": "t", "of": int}, {"name": "u", "of": Paid}, {"name": "u", "of": int, "depth": 0},
        {"name": "u", "of": int, "priority": 11}, {"name": "u", "of": int, "ttl": -1},
        {"name": "u", "of": int, "full": "drop_oldest"}, {"name": "u", "of": int, "full": "x"},
    ]  # fmt: skip
    for each in wrong:
        with pytest.raises(TopicError):
            app.topic(**each)

    async def take(req: Request[int]) -> None: ...

    app.subscriber("t", name="s")(take)
    for given in ({"name": "s"}, {"name": "a b"}, {"name": "u", "concurrency": 0}):
        with pytest.raises(TopicError):
            app.subscriber("t", **given)
    with pytest.raises(RegistrationError):
        app.subscriber("t", name="u")(lambda wrong: None)
    assert (list(app._topics), list(app._subscribers)) == (["t"], ["s"])


@pytest.mark.proves("QF-13")
def test_what_lives_is_what_the_log_folds_to() -> None:
    shop = Shop()
    shop.of_subscriber = {"concurrency": 2}

    async def scenario(app: App) -> Any:
        shop.gate = asyncio.Event()
        await order(app, 1, 2, 3)
        await asyncio.sleep(1)
        live = shape(app.queues.inboxes["mailer"])
        folded = shape(shop.world.folded("mailer")["mailer"])
        shop.gate.set()
        return live, folded

    live, folded = shop.live(scenario)

    assert live == folded
    assert [attempts for _, attempts in live] == [1, 1, 0]


@pytest.mark.proves("QF-5", "RX-2", "RX-3")
def test_deliveries_and_publications_say_the_same_when_they_are_run_again() -> None:
    shop = Shop(depth=3, attempts=2)
    # The errors are not the code's own: only runs that end well may be run again by another app.
    shop.fails = {}

    def declare(app: App) -> None:
        shop.declare(app)

        @app.handler("POST /tries")
        async def tries(lctx: LocalContext, gctx: GlobalContext) -> None:
            try:
                for n in range(5):
                    await gctx.publish("orders.placed", Placed(n), priority=n)
            except QueueFullError as error:
                lctx.set("refused", str(error))

        @app.subscriber("orders.*", name="picky")
        async def picky(req: Request[Placed], lctx: LocalContext) -> None:
            lctx.set("n", req.body.n)
            if req.body.n == 1:
                reason = "not one"
                raise Reject(reason)
            if req.body.n == 2:
                raise ValueError

    async def scenario(app: App) -> int:
        status: int = (await ask(app, "POST", "/tries")).status
        await until(lambda: len(shop.world.facts("message.dead_lettered")) == 2)
        await settled(app, "picky", "mailer")
        return status

    status = shop.world.live(declare, scenario)
    again = App("shop")
    declare(again)
    streams = list(dict.fromkeys(e.stream for e in shop.world.facts("request.received")))
    before = shop.world.store.end()

    assert status == 204
    (refused,) = shop.world.facts("effect.failed")
    assert refused.data.failure.error == "QueueFullError"
    assert check_app(again, shop.world.store, streams) == len(streams) == 1 + 3 + 4
    assert shop.world.store.end() == before, "nothing is published again"


@pytest.mark.proves("QF-9", "QF-14")
def test_while_the_log_refuses_nothing_begins_and_afterwards_all_goes_on() -> None:
    world, heard, gate = World(), [], asyncio.Event()

    async def take(req: Request[int], lctx: LocalContext) -> None:
        heard.append(req.body)
        await gate.wait()

    small = Small([topic("t")], {Subscriber("s", "t", lambda message: "one"): take})
    store = Mortal(world.store, 1 << 30)

    async def scenario() -> None:
        small.start(store, clock=world.clock, ids=world.ids)
        await small.begin()
        await small.queues.publish("t", 1, Options())
        await small.queues.publish("t", 2, Options())
        await until(lambda: heard)
        store.left = 0
        gate.set()
        await asyncio.sleep(3)
        assert heard == [1]
        store.left = 1 << 30
        await settled(small, "s")
        await small.stop()

    run_virtual(scenario())

    assert heard == [1, 1, 2]
    assert len(world.facts("message.acknowledged")) == 2

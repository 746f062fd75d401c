"""What a runtime measures of its queues, of data between versions, of modules and of checks."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from eventstore import NewEvent
from runtime import App, Parts, Request
from runtime.app.gauges import Gauges
from runtime.app.queue_gauges import QueueGauges
from runtime.errors import QueueFullError, Reject
from runtime.facts import Fact, Failure, RequestReceived, ResponseSent, ValidationFailed
from runtime.gtype import UNEXPLAINED, check
from runtime.isolation.desk import module_stream
from runtime.isolation.telling import Teller
from runtime.module_facts import ModuleRestarted
from runtime.queue import Counts, Inbox, Message
from runtime.telemetry import Metrics, RequestMetrics, exposition
from runtime.testing import FakeClock, SeededIds
from runtime.transform_facts import TransformApplied
from tests.faces.asgi import ask, memory_store
from tests.queues import World, settled, until

Figures = dict[str, dict[tuple[tuple[str, str], ...], float]]
MARCH, JUNE = "2026-03-01", "2026-06-01"


def shown(metrics: Metrics) -> Figures:
    """Read what is shown of them as Prometheus does."""
    found: Figures = {}
    for family in text_string_to_metric_families(exposition(metrics).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def of(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def posting(app: App) -> None:
    app.topic("orders.placed", int, depth=2)

    @app.subscriber("orders.*", name="mailer")
    async def mail(req: Request[int]) -> None:
        await asyncio.sleep(1)
        if req.body == 13:
            raise Reject("unlucky")


@pytest.mark.proves("OB-3", "OB-2", "QF-13")
def test_figures_of_queues_are_what_the_inboxes_say() -> None:
    world, seen = World(), list[Figures]()

    async def scenario(app: App) -> Counts:
        metrics = Metrics()
        gauges = QueueGauges(metrics)
        await app.publish("orders.placed", 1)
        await app.publish("orders.placed", 13)
        with pytest.raises(QueueFullError):
            await app.publish("orders.placed", 2)
        await until(lambda: len(app.queues.inboxes["mailer"]) == 2)
        for _ in range(3):
            gauges.look(app.queues)
            seen.append(shown(metrics))
            await settled(app, "mailer")
        return app.queues.inboxes["mailer"].counts

    counts = world.live(posting, scenario)
    before, found, again = seen

    depth = of(subscriber="mailer", topic="orders.placed")
    assert before["timescape_queue_depth"] == {depth: 2}
    messages = found["timescape_queue_messages_total"]
    for outcome in ("accepted", "acknowledged", "expired", "dead"):
        assert messages[of(outcome=outcome, subscriber="mailer")] == getattr(counts, outcome)
    assert (counts.accepted, counts.acknowledged, counts.dead) == (2, 1, 1)
    assert messages[of(outcome="refused")] == 1
    assert found["timescape_queue_depth"] == {depth: 0}
    assert again["timescape_queue_messages_total"] == messages, "looking counts nothing twice"


class _Queues:
    """As much of a fabric as figures are read off."""

    def __init__(self, inboxes: Mapping[str, Any]) -> None:
        self.inboxes = inboxes
        self.desk = self
        self.refused = 0


@pytest.mark.proves("OB-3", "P30")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]), st.sampled_from(["accept", "acknowledged", "dead", "look"])
        )
    )
)
def test_counts_only_grow_and_depths_are_what_is_queued(steps: list[tuple[str, str]]) -> None:
    metrics, inboxes = Metrics(), {"one": Inbox()}
    gauges = QueueGauges(metrics)
    messages = metrics.counter("timescape_queue_messages_total")
    depth = metrics.gauge("timescape_queue_depth")
    queued: dict[str, list[str]] = {"a": [], "b": []}
    done = dict.fromkeys(["accepted", "acknowledged", "dead"], 0)
    for n, (topic, what) in enumerate([*steps, ("a", "look")]):
        if what == "look":
            gauges.look(_Queues(inboxes))  # type: ignore[arg-type]
            told = {each: messages.read(outcome=each, subscriber="one") for each in done}
            assert told == done
            for name, ids in queued.items():
                assert (depth.read(topic=name, subscriber="one") or 0) == len(ids)
        elif what == "accept":
            inboxes["one"].accept(Message(f"{n}@1", topic, b"1", n, n, 0))
            queued[topic].append(f"{n}@1")
            done["accepted"] += 1
        elif queued[topic]:
            inboxes["one"].settle(queued[topic].pop(), what)  # type: ignore[arg-type]
            done[what] += 1


@pytest.mark.proves("OB-3")
def test_data_between_versions_is_counted_and_timed() -> None:
    world, metrics = World(), Metrics()

    def declare(app: App) -> None:
        def up(parts: Parts) -> Parts:
            if parts.body == 2:
                raise ValueError
            return parts

        @app.handler("POST /orders", version=MARCH, run="newest")
        async def old(req: Request[int]) -> int:
            return req.body

        @app.handler("POST /orders", version=JUNE)
        async def new(req: Request[int]) -> int:
            return req.body

        app.transformer(
            "POST /orders", MARCH, JUNE, request_up=up, response_down=lambda parts: parts
        )

    async def scenario(app: App) -> None:
        app.controller.finishing.measured = RequestMetrics(metrics)
        for n in (1, 2, 3):
            await ask(app, "POST", f"/orders?version={MARCH}", n)

    world.live(declare, scenario)
    found = shown(metrics)
    counted = found["timescape_transforms_total"]

    labels = {"handler": "post-orders"}
    assert counted == {
        of(**labels, side="request", outcome="applied"): 2,
        of(**labels, side="request", outcome="failed"): 1,
        of(**labels, side="response", outcome="applied"): 2,
    }
    took = found["timescape_transform_duration_seconds_count"]
    assert took == {of(**labels, side="request"): 3, of(**labels, side="response"): 2}


def measured(*told: tuple[int, Fact]) -> Metrics:
    metrics = Metrics()
    requests = RequestMetrics(metrics)
    events = [NewEvent(fact.type, fact, None, at_us) for at_us, fact in told]
    requests.end(requests.begin(0, 0), events)
    return metrics


_FIRST = 0, RequestReceived("GET", "GET /a", "get-a", "/a", "0" * 32)
_LAST = 9_000_000, ResponseSent(200)


@pytest.mark.proves("OB-3")
def test_a_step_of_data_takes_the_time_since_the_fact_before() -> None:
    failed = TransformApplied("v1", "request", error=Failure("ValueError"))
    metrics = measured(
        _FIRST, (2_000_000, TransformApplied("v1", "request")), (5_000_000, failed), _LAST
    )

    took = metrics.histogram("timescape_transform_duration_seconds")
    assert took.read(handler="get-a", side="request") == (2, 5.0)


@pytest.mark.proves("OB-3", "GT-15")
def test_what_a_decoder_refuses_and_nobody_can_explain_is_counted() -> None:
    unexplained = check(int).explain(b"1").issues
    explained = check(int).explain(b'"a"').issues
    metrics = measured(_FIRST, (1, ValidationFailed((*unexplained, *explained))), _LAST)

    assert [each.actual for each in unexplained] == [UNEXPLAINED]
    assert metrics.counter("timescape_validation_disagreements_total").read() == 1


@pytest.mark.proves("OB-3")
def test_modules_that_take_calls_again_are_counted_by_why_they_had_not() -> None:
    store, metrics = memory_store(), Metrics()
    teller = Teller(store, module_stream("shop"), FakeClock(), SeededIds(1))
    gauges = Gauges(metrics, RequestMetrics(metrics))
    restarts = metrics.counter("timescape_module_restarts_total")

    for reason in ("crash", "crash", "health"):
        teller.tell(ModuleRestarted(1, 1, reason), "stock")
        gauges.look_at_modules(teller.restarts)

    assert restarts.read(module="stock", reason="crash") == 2
    assert restarts.read(module="stock", reason="health") == 1

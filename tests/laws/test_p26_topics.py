"""P26: what a request publishes is heard in that request, and nowhere else."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from runtime import LocalContext
from runtime.errors import (
    ContextClosedError,
    ContextKeyError,
    ReservedKeyError,
    SignatureError,
    SubscriberOverflowError,
    WaitTimeoutError,
)
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told

Step = tuple[Any, ...]
TOPICS = ("t", "u", "log")
steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from(TOPICS)),
    st.tuples(st.just("hear and raise"), st.sampled_from(TOPICS)),
    st.tuples(st.just("read"), st.sampled_from(TOPICS)),
    st.just(("hear both",)),
    st.tuples(st.just("echo"), st.just("t")),
    st.tuples(st.just("publish"), st.sampled_from(["t", "u"]), st.integers(0, 99)),
    st.tuples(st.just("publish"), st.sampled_from(["t", "u"]), st.integers(0, 99)),
    st.tuples(st.just("log"), st.text("xyz", max_size=3)),
    st.just(("pause",)),
    st.just(("stop",)),
)


class Listening:
    """What one request heard, and what the simplest model says that it should have."""

    def __init__(self) -> None:
        self.heard: list[list[Any]] = []
        self.expected: list[list[Any]] = []
        self.open: list[tuple[str, int]] = []
        self.echoes: list[int] = []

    def new(self, *topics: str) -> list[Any]:
        self.open += [(topic, len(self.heard)) for topic in topics]
        self.heard.append([])
        self.expected.append([])
        return self.heard[-1]

    def published(self, topic: str, payload: Any) -> None:
        """Say who hears it; what echoes publish comes after all have heard what they heard."""
        for of, number in self.open:
            if of == topic:
                self.expected[number].append(payload)
        if topic == "t":
            for _ in self.echoes:
                self.published("u", {"echo": payload})


def raising(heard: list[Any]) -> Callable[[Any], None]:
    def hear(payload: Any) -> None:
        heard.append(payload)
        raise ZeroDivisionError

    return hear


async def listen(  # noqa: C901 - a table of steps
    program: list[Step], lctx: LocalContext, model: Listening
) -> None:
    readers: list[tuple[Any, list[Any]]] = []
    subscriptions = []
    for step in program:
        match step:
            case ("hear", topic):
                subscriptions.append(lctx.subscribe(topic, model.new(topic).append))
            case ("hear and raise", topic):
                heard = model.new(topic)
                subscriptions.append(lctx.subscribe(topic, raising(heard)))
            case ("hear both",):
                heard = model.new("t", "u")
                subscriptions += [lctx.subscribe(topic, heard.append) for topic in ("t", "u")]
            case ("read", topic):
                readers.append((lctx.subscribe(topic), model.new(topic)))
            case ("echo", topic):
                model.echoes.append(1)
                lctx.subscribe(topic, lambda p: lctx.publish("u", {"echo": p}))
            case ("publish", topic, payload):
                model.published(topic, payload)
                lctx.publish(topic, payload)
            case ("log", text):
                model.published("log", {"level": "info", "message": text})
                lctx.log(text)
            case ("stop",):
                for subscription in subscriptions:
                    subscription.close()
                kept = {id(heard) for _, heard in readers}
                model.open = [o for o in model.open if id(model.heard[o[1]]) in kept]
            case _:
                await asyncio.sleep(0)
    for reader, heard in readers:
        reader.close()
        heard.extend([payload async for payload in reader])


@pytest.mark.proves("P26", "LC-11", "LC-12")
@example(drawn=[[("echo", "t"), ("hear both",), ("publish", "t", 1)]], schedule=[])
@given(
    drawn=st.lists(st.lists(steps, max_size=12), min_size=1, max_size=3),
    schedule=st.lists(st.integers(0, 5), max_size=12),
)
def test_p26_each_hears_what_its_own_request_published_since_in_order(
    drawn: list[list[Step]], schedule: list[int]
) -> None:
    """Seen to fail with an echo that is delivered before all have heard what it answers."""
    models = [Listening() for _ in drawn]
    contexts: list[LocalContext] = []

    async def one(i: int, harness: Controlled) -> Told:
        async def handle(lctx: LocalContext) -> None:
            contexts.append(lctx)
            await listen(drawn[i], lctx, models[i])

        return await harness.send(version=version_of(handle))

    async def scenario() -> list[Told]:
        harness = Controlled()
        return await asyncio.gather(*[one(i, harness) for i in range(len(drawn))])

    told = run_virtual(scenario(), schedule)

    for model, each in zip(models, told, strict=True):
        assert each.answer.status == 204
        assert plain(model.heard) == model.expected
        event(f"heard something: {any(model.heard)}")
        event(f"some raised: {'listener.failed' in each.types}")
    before = plain([model.heard for model in models])
    for lctx in contexts:
        with pytest.raises(ContextClosedError):
            lctx.publish("t", 1)
        with pytest.raises(ContextClosedError):
            lctx.log("x")
    assert plain([model.heard for model in models]) == before


def plain(heard: Any) -> Any:
    if isinstance(heard, list):
        return [plain(each) for each in heard]
    return dict(heard) if hasattr(heard, "keys") else heard


def sent(handle: Any) -> Told:
    harness = Controlled(version_of(handle))
    told = run_virtual(harness.send())
    harness.controller.close()
    return told


@pytest.mark.proves("P26", "LC-11")
def test_a_callback_that_raises_is_recorded_and_disturbs_nobody() -> None:
    heard: list[Any] = []

    async def handle(lctx: LocalContext) -> list[Any]:
        lctx.publish("paid", 0)
        lctx.subscribe("paid", lambda payload: 1 / 0)
        lctx.subscribe("paid", heard.append)
        lctx.subscribe("Paid", heard.append)
        lctx.publish("paid", 1)
        return heard

    told = sent(handle)

    assert told.json == [1]
    failed = next(fact for fact in told.facts if fact.type == "listener.failed")
    assert (failed.data.kind, failed.data.failure.error) == ("topic", "ZeroDivisionError")
    assert failed.key is not None
    assert failed.key.startswith("tests/laws/test_p26_topics.py:")


@pytest.mark.proves("LC-11")
def test_waiting_hears_what_comes_and_gives_up_in_time() -> None:
    async def handle(lctx: LocalContext) -> Any:
        async def pay() -> None:
            await lctx.sleep(3)
            lctx.publish("paid", {"total": 7})

        paying = asyncio.create_task(pay())
        paid = await lctx.wait_for("paid")
        await paying
        started = lctx.now()
        with pytest.raises(WaitTimeoutError) as caught:
            await lctx.wait_for("shipped", timeout=5.0)
        error = caught.value
        return [paid["total"], error.topic, error.seconds, (lctx.now() - started).seconds]

    assert sent(handle).json == [7, "shipped", 5.0, 5]


@pytest.mark.proves("LC-11", "HW-5")
def test_a_sync_handler_waits_without_await_and_publishes_from_its_thread() -> None:
    def handle(lctx: LocalContext) -> Any:
        heard: list[Any] = []
        lctx.subscribe("t", heard.append)
        lctx.publish("t", 1)
        with pytest.raises(WaitTimeoutError):
            lctx.wait_for("t", timeout=2.0)
        return heard

    assert sent(handle).json == [1]


@pytest.mark.proves("LC-11")
def test_a_reader_that_reads_nothing_overflows_and_nobody_else_does() -> None:
    heard: list[int] = []

    async def handle(lctx: LocalContext) -> Any:
        lctx.subscribe("t", heard.append)
        slow = lctx.subscribe("t")
        for n in range(1_001):
            lctx.publish("t", n)
        read = [await anext(slow) for _ in range(1_000)]
        with pytest.raises(SubscriberOverflowError, match="1000"):
            await anext(slow)
        return [read[0], read[-1], len(heard)]

    assert sent(handle).json == [0, 999, 1_001]


@pytest.mark.proves("LC-12", "LC-11")
def test_log_lines_are_publications_that_nobody_else_may_make() -> None:
    lines: list[Any] = []

    async def handle(lctx: LocalContext) -> Any:
        lctx.subscribe("log", lambda line: lines.append(dict(line)))
        lctx.log("sold", sku="a")
        lctx.log("out", level="warning")
        with pytest.raises(ReservedKeyError):
            lctx.publish("log", {"message": "forged"})
        with pytest.raises(ValueError, match="level"):
            lctx.log("x", level="loud")
        return None

    told = sent(handle)

    assert lines == [
        {"level": "info", "message": "sold", "fields": {"sku": "a"}},
        {"level": "warning", "message": "out"},
    ]
    published = [fact for fact in told.facts if fact.type == "event.published"]
    assert [fact.key for fact in published] == ["log", "log"]
    assert published[0].data.payload["fields"] == {"sku": "a"}


@pytest.mark.proves("LC-11")
@pytest.mark.parametrize("topic", ["", "x" * 129, "a\0b", 7])
def test_what_is_no_topic_is_refused(topic: Any) -> None:
    async def heard(payload: object) -> None: ...

    async def handle(lctx: LocalContext) -> None:
        with pytest.raises(ContextKeyError):
            lctx.subscribe(topic)
        with pytest.raises(ContextKeyError):
            lctx.publish(topic)
        with pytest.raises(SignatureError, match="coroutine"):
            lctx.subscribe("t", heard)
        assert lctx.subscribe("x" * 128).topic == "x" * 128

    assert sent(handle).types.count("event.published") == 0

"""X8: no message is lost to a healthy subscriber, or counts twice, and topics keep their order."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import Request
from runtime.queue import Options, Subscriber
from tests.queues import Small, World, settled, topic

TOPICS = ("orders.placed", "orders.sent")
messages = st.lists(
    st.tuples(
        st.sampled_from(TOPICS),
        st.sampled_from([0.0, 0.0, 0.0, 1.0]),  # seconds until it is published
        st.sampled_from([0.0, 0.0, 1.0, 3.0]),  # seconds that it takes
        st.sampled_from([0, 0, 0, 1, 2]),  # attempts that fail
    ),
    max_size=8,
)


class Taken:
    """Takes messages, some of which fail at first; notes which were done."""

    def __init__(self, drawn: list[tuple[str, float, float, int]]) -> None:
        self.drawn = drawn
        self.done: dict[str, list[int]] = {"all": [], "one": []}

    def app(self, at_once: int) -> Small:
        # Of one lane, the messages of a topic come one after the other, tried again or not.
        everything = Subscriber("all", "**", lambda message: message.topic, at_once)
        one = Subscriber("one", TOPICS[0], lambda message: None, at_once)
        topics = [topic(name, attempts=9) for name in TOPICS]
        return Small(topics, {each: self.taker(each.name) for each in (everything, one)})

    def taker(self, name: str) -> Any:
        async def take(req: Request[int]) -> None:
            _, _, takes_s, fails = self.drawn[req.body]
            await asyncio.sleep(takes_s)
            if int(req.headers["message-attempt"]) <= fails:
                raise ValueError
            self.done[name].append(req.body)

        return take

    async def publish(self, app: Small) -> bool:
        for number, (name, after_s, _, _) in enumerate(self.drawn):
            await asyncio.sleep(after_s)
            await app.queues.publish(name, number, Options())
        await asyncio.sleep(0.01)
        await settled(app, *self.done)
        return True

    def of(self, name: str) -> list[int]:
        return [n for n, each in enumerate(self.drawn) if each[0] == name]


@pytest.mark.proves("X8", "QF-4", "QF-8", "QF-9")
@given(drawn=messages, at_once=st.integers(1, 3), schedule=st.lists(st.integers(0, 5), max_size=8))
def test_x08_each_message_counts_once_and_topics_keep_their_order(
    drawn: list[tuple[str, float, float, int]], at_once: int, schedule: list[int]
) -> None:
    """Seen to fail with messages of one lane that are taken at once."""
    world, taken = World(), Taken(drawn)

    assert world.live_with(taken.app(at_once), taken.publish, schedule=schedule)

    event(f"some failed at first: {any(fails for *_, fails in drawn)}")
    event(f"more than one at once: {at_once > 1}")
    assert Counter(taken.done["all"]) == Counter(range(len(drawn))), "none lost, none twice"
    assert Counter(taken.done["one"]) == Counter(taken.of(TOPICS[0]))
    for name in TOPICS:
        assert [n for n in taken.done["all"] if drawn[n][0] == name] == taken.of(name)
    counted = Counter(each.data.subscriber for each in world.facts("message.acknowledged"))
    assert counted == Counter({name: len(done) for name, done in taken.done.items() if done})


@pytest.mark.proves("X8", "QF-8")
def test_what_fails_at_first_holds_up_its_topic_and_no_other() -> None:
    placed, sent = TOPICS
    taken = Taken([(placed, 0.0, 0.0, 1), (placed, 0.0, 0.0, 0), (sent, 0.0, 0.0, 0)])

    assert World().live_with(taken.app(3), taken.publish)

    assert taken.done == {"all": [2, 0, 1], "one": [1, 0]}

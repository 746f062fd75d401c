"""`timescape queue`: what subscribers have before them, and what they gave up."""

import asyncio
from typing import Any

import pytest

from runtime import App, Request
from runtime.errors import Reject
from tests.faces.command_line import Said, run
from tests.queues import World, settled, until


class Post:
    """An app with a mailer, and the commands that are given meanwhile."""

    def __init__(self) -> None:
        self.world = World()
        self.heard: list[int] = []
        self.broken = True
        self.gate = asyncio.Event()
        self.gate.set()

    def declare(self, app: App) -> None:
        app.topic("orders.placed", int)
        app.topic("orders.paid", int)

        @app.subscriber("orders.*", name="mailer", concurrency=1)
        async def mail(req: Request[int]) -> None:
            await self.gate.wait()
            self.heard.append(req.body)
            if req.body == 2 and self.broken:
                reason = "no such address\x1b[2J"
                raise Reject(reason)

    def said(self, *words: str) -> Said:
        return run("queue", *words, store=self.world.store)

    def live(self, scenario: Any) -> Any:
        return self.world.live(self.declare, scenario)


async def publish(app: App, *numbers: int, topic: str = "orders.placed") -> list[str]:
    return [await app.publish(topic, n) for n in numbers]


@pytest.mark.proves("QF-13", "QF-15")
def test_queue_says_what_each_subscriber_has_before_it_topic_by_topic() -> None:
    post = Post()

    async def scenario(app: App) -> tuple[Said, Said, Said, Said]:
        await publish(app, 1, 2)
        await until(lambda: post.world.facts("message.dead_lettered"))
        post.gate.clear()
        await publish(app, 3, 4)
        await publish(app, 5, topic="orders.paid")
        await asyncio.sleep(1)
        told = (
            post.said("--json"), post.said("orders.paid"), post.said("orders.lost.late"),
            post.said(),
        )  # fmt: skip
        post.gate.set()
        await settled(app, "mailer")
        return told

    every, one, nobody, table = post.live(scenario)

    paid, placed = sorted(every.records, key=lambda record: str(record["topic"]))
    assert (placed["depth"], placed["running"], placed["state"]) == (2, 1, "open")
    assert (paid["depth"], paid["running"], paid["size"]) == (1, 0, 1)
    assert placed["counts"] == {
        "accepted": 5, "acknowledged": 1, "expired": 0, "dead": 1, "retried": 0
    }  # fmt: skip
    assert "orders.paid" in one.out
    assert "orders.placed" not in one.out
    assert (nobody.status, nobody.out) == (3, "")
    assert "Nobody subscribes to 'orders.lost.late'." in nobody.err
    assert table.out.splitlines()[0].split()[:4] == ["subscriber", "topic", "state", "queued"]


@pytest.mark.proves("QF-10", "QF-15")
def test_a_dead_letter_is_listed_and_tried_again_under_its_id_or_dropped() -> None:
    post = Post()

    async def scenario(app: App) -> list[Said]:
        first, _ = await publish(app, 2, 2)
        await until(lambda: len(post.world.facts("message.dead_lettered")) == 2)
        listed = post.said("dead", "--json")
        second = listed.records[1]["id"]
        table = post.said("dead", "orders.placed")
        post.broken = False
        retried = post.said("retry", first, "--by", "ann")
        await until(lambda: len(post.heard) == 3)
        await settled(app, "mailer")
        dropped = post.said("drop", second, "--subscriber", "mailer")
        return [listed, table, retried, dropped, post.said("dead"), post.said("retry", first)]

    listed, table, retried, dropped, none, again = post.live(scenario)

    letter = listed.records[0]
    assert (letter["subscriber"], letter["topic"], letter["attempts"]) == (
        "mailer", "orders.placed", 1,
    )  # fmt: skip
    assert (letter["reason"], letter["error"]) == ("message-rejected", "Reject")
    assert "\x1b" not in table.out
    assert "no such address" in table.out
    assert (retried.status, dropped.status) == (0, 0)
    assert "mailer tries it again" in retried.err
    assert none.err == "There are no dead letters.\n"
    assert again.status == 3
    (fact,) = post.world.facts("message.retried")
    assert (fact.key, fact.data.by) == (letter["id"], "ann")
    claims = [each for e in post.world.facts("message.claimed") for each in e.data.messages]
    assert [attempt for id_, attempt in claims if id_ == letter["id"]] == [1, 1]
    for from_start in (False, True):
        counts = post.world.folded("mailer", from_start=from_start)["mailer"].counts
        assert (counts.accepted, counts.acknowledged, counts.dead) == (3, 1, 2)


@pytest.mark.proves("QF-15")
def test_who_is_paused_keeps_its_messages_over_a_restart_until_it_is_resumed() -> None:
    post = Post()

    async def pausing(app: App) -> list[Said]:
        told = [post.said("pause", "mailer"), post.said("pause", "mailer")]
        await asyncio.sleep(1)
        await publish(app, 1, 3)
        await asyncio.sleep(1)
        return [*told, post.said("--json")]

    async def resuming(app: App) -> Said:
        await asyncio.sleep(1)
        assert post.heard == []
        (first, *_) = app.queues.inboxes["mailer"].queued
        dropped = post.said("drop", first)
        post.said("resume", "mailer")
        await settled(app, "mailer")
        return dropped

    paused, twice, listed = post.live(pausing)
    dropped = post.live(resuming)

    assert (paused.err, twice.err) == ("mailer is paused.\n", "mailer is already paused.\n")
    assert (listed.records[0]["state"], listed.records[0]["depth"]) == ("paused", 2)
    assert dropped.status == 0
    assert post.heard == [3]
    assert len(post.world.facts("subscription.paused")) == 1


@pytest.mark.proves("QF-4", "QF-15")
def test_who_is_closed_gets_no_more_messages_until_an_app_opens_it_again() -> None:
    post = Post()

    async def closing(app: App) -> list[Said]:
        await publish(app, 1)
        await settled(app, "mailer")
        told = [post.said("close", "mailer", "--by", "ann"), post.said("close", "mailer")]
        await asyncio.sleep(1)
        await publish(app, 3)
        await asyncio.sleep(1)
        return [*told, post.said("--json")]

    async def opening(app: App) -> None:
        await publish(app, 4)
        await settled(app, "mailer")

    closed, twice, listed = post.live(closing)
    assert (closed.err, twice.err) == ("mailer is closed.\n", "mailer is already closed.\n")
    assert (listed.records[0]["state"], listed.records[0]["depth"]) == ("closed", 0)
    (fact,) = post.world.facts("subscription.closed")
    assert fact.data.by == "ann"

    post.live(opening)
    assert post.heard == [1, 4]


@pytest.mark.proves("QF-15")
def test_what_cannot_be_done_is_said_and_changes_nothing() -> None:
    post = Post()

    async def scenario(app: App) -> list[tuple[int, str]]:
        end = post.world.store.end()
        tried = [
            ("retry",), ("look", "x"), ("retry", "x"), ("retry", "0@1"), ("pause", "nobody"),
            ("drop", f"{'0' * 32}@1", "--subscriber", "mailer"),
        ]  # fmt: skip
        told = [(said.status, said.err) for said in (post.said(*words) for words in tried)]
        assert post.world.store.end() == end
        return told

    told = post.live(scenario)

    assert [status for status, _ in told] == [2, 2, 2, 3, 3, 3]
    assert "There are: mailer." in told[4][1]
    assert "of mailer" in told[5][1]


@pytest.mark.proves("QF-15")
def test_a_store_without_subscribers_says_so() -> None:
    post = World()
    told = run("queue", store=post.store)

    assert (told.status, told.out) == (0, "")
    assert told.err == "Nobody subscribes to anything in this store.\n"

"""What a subscriber takes next, held against the slowest inbox there is."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.queue import Inbox, Message
from runtime.queue.backoff import retry_after_us


def message(n: int, *, priority: int = 5, ttl_us: int | None = None, size: int = 1) -> Message:
    return Message(
        f"m{n}", "t", b"0" * size, n, n, published_us=0, priority=priority, ttl_us=ttl_us
    )


class Slow:
    """An inbox that looks through all it has, each time."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self.turn = 0
        self.settled: list[tuple[int, str]] = []

    def accept(self, new: Message, lane: str | None) -> None:
        if all(each["message"].id != new.id for each in self.all):
            self.all.append({"message": new, "lane": lane, "phase": "ready", "due": 0})

    def find(self, n: int) -> dict[str, Any] | None:
        return next((each for each in self.all if each["message"].id == f"m{n}"), None)

    def ready(self, now_us: int) -> list[dict[str, Any]]:
        lanes: set[str | None] = set()
        found = []
        for each in self.all:
            first = each["lane"] is None or each["lane"] not in lanes
            lanes.add(each["lane"])
            waits = each["phase"] == "waiting" and each["due"] > now_us
            if first and each["phase"] != "running" and not waits:
                found.append(each)
        return found

    def take(self, now_us: int, room: int) -> tuple[list[str], list[str]]:
        chosen: list[str] = []
        expired: list[str] = []
        while len(chosen) < room and (ready := self.ready(now_us)):
            if self.turn % 16 == 15:
                best = ready[0]
            else:
                highest = max(each["message"].priority for each in ready)
                best = next(each for each in ready if each["message"].priority == highest)
            best["phase"] = "running"
            if best["message"].is_expired(now_us):
                expired.append(best["message"].id)
                continue
            self.turn += 1
            chosen.append(best["message"].id)
        return chosen, expired

    def settle(self, n: int, outcome: str) -> None:
        found = self.find(n)
        if found is not None:
            self.all.remove(found)
            self.settled.append((found["message"].since, outcome))


numbers = st.integers(0, 30)
steps = st.one_of(
    st.tuples(st.just("accept"), st.integers(0, 10), st.sampled_from([None, None, "a", "b"]),
              st.sampled_from([None, None, 40])),
    st.tuples(st.just("accept"), st.integers(0, 10), st.sampled_from([None, None, "a", "b"]),
              st.sampled_from([None, None, 40])),
    st.tuples(st.just("take"), st.integers(0, 20)),
    st.tuples(st.just("settle"), numbers, st.sampled_from(["acknowledged", "dead"])),
    st.tuples(st.just("retry"), numbers, st.integers(0, 30)),
    st.tuples(st.just("put back"), numbers),
    st.tuples(st.just("wait"), st.integers(0, 30)),
)  # fmt: skip


@pytest.mark.proves("QF-7", "QF-8", "QF-11", "QF-13")
@given(program=st.lists(steps, max_size=60))
def test_an_inbox_does_what_the_slowest_one_does(program: list[tuple[Any, ...]]) -> None:
    inbox, slow, came, now_us = Inbox(), Slow(), 0, 0
    for step in program:
        match step:
            case ("accept", priority, lane, ttl_us):
                came += 1
                new = message(came, priority=priority, ttl_us=ttl_us)
                inbox.accept(new, lane)
                slow.accept(new, lane)
            case ("take", room):
                taken = inbox.take(now_us, room)
                chosen = [each.id for each in taken.chosen]
                event(f"takes any: {bool(chosen)}")
                assert (chosen, [each.id for each in taken.expired]) == slow.take(now_us, room)
            case ("settle", n, outcome):
                inbox.settle(f"m{n}", outcome)
                slow.settle(n, outcome)
            case ("retry", n, wait_us):
                # Only what is worked on can fail.
                if (found := slow.find(n)) and found["phase"] == "running":
                    found |= {"phase": "waiting", "due": now_us + wait_us}
                    inbox.retry(f"m{n}", now_us + wait_us)
            case ("put back", n):
                if (found := slow.find(n)) and found["phase"] == "running":
                    found["phase"] = "ready"
                inbox.put_back(f"m{n}")
            case (_, us):
                now_us += us
            case _:
                raise AssertionError(step)
        hold(inbox, slow, came)


def hold(inbox: Inbox, slow: Slow, came: int) -> None:
    counts = inbox.counts
    assert list(inbox.queued) == [each["message"].id for each in slow.all]
    assert counts.accepted == came
    assert counts.accepted == len(inbox) + counts.acknowledged + counts.expired + counts.dead
    assert inbox.size == sum(each["message"].size for each in slow.all)
    assert inbox.topics.get("t", [0, 0]) == [len(slow.all), inbox.size]
    assert inbox.reaches() == min((each["message"].since for each in slow.all), default=None)


@pytest.mark.proves("QF-13")
@given(
    lives=st.lists(
        st.tuples(st.sampled_from(["", "acknowledged", "expired", "dead"]), st.integers(0, 2)),
        max_size=30,
    )
)
def test_what_is_counted_up_to_a_position_and_what_comes_after_it_is_all(
    lives: list[tuple[Any, int]],
) -> None:
    inbox, ends = Inbox(), [outcome for outcome, _ in lives]
    for n, (_, retries) in enumerate(lives, 1):
        inbox.accept(message(n))
        for attempt in range(1, retries + 1):
            inbox.claim(f"m{n}", attempt)
            inbox.retry(f"m{n}", due_us=attempt)
    for n, outcome in reversed(list(enumerate(ends, 1))):
        if outcome:
            inbox.settle(f"m{n}", outcome)
    position = (inbox.reaches() or len(ends) + 1) - 1

    counts = inbox.counts_up_to(position)

    assert counts.accepted == position
    assert counts.retried == sum(retries for _, retries in lives[:position])
    assert inbox.counts.retried == sum(retries for _, retries in lives)
    for outcome in ("acknowledged", "expired", "dead"):
        assert getattr(counts, outcome) == ends[:position].count(outcome)


@pytest.mark.proves("QF-7")
def test_the_higher_priority_goes_first_and_the_longest_waiting_every_sixteenth_time() -> None:
    inbox = Inbox()
    inbox.accept(message(0, priority=0))
    for n in range(1, 21):
        inbox.accept(message(n, priority=9))

    taken = [each.id for each in inbox.take(0, 18).chosen]

    assert taken == [*(f"m{n}" for n in range(1, 16)), "m0", "m16", "m17"]


@pytest.mark.proves("QF-8", "QF-10")
def test_a_key_waits_for_the_retry_of_its_first_message_and_others_go_on() -> None:
    inbox = Inbox()
    inbox.accept(message(1), "ann")
    inbox.accept(message(2, priority=10), "ann")
    inbox.accept(message(3), "bob")
    assert [each.id for each in inbox.take(0, 9).chosen] == ["m1", "m3"]
    inbox.retry("m1", due_us=50)

    assert inbox.take(49, 9).chosen == ()
    assert [each.id for each in inbox.take(50, 9).chosen] == ["m1"]
    inbox.settle("m1", "dead")
    assert [each.id for each in inbox.take(50, 9).chosen] == ["m2"]


@pytest.mark.proves("QF-11")
def test_a_message_whose_time_is_over_is_not_taken() -> None:
    inbox = Inbox()
    inbox.accept(message(1, ttl_us=10))
    inbox.accept(message(2))

    taken = inbox.take(10, 1)

    assert [each.id for each in taken.chosen] == ["m2"]
    assert [each.id for each in taken.expired] == ["m1"]


@pytest.mark.proves("QF-15")
def test_who_is_paused_takes_nothing() -> None:
    inbox = Inbox()
    inbox.accept(message(1))
    inbox.is_paused = True

    assert inbox.take(0, 9).chosen == ()


@pytest.mark.proves("QF-10")
@pytest.mark.parametrize("attempt", [1, 2, 3, 6, 7, 8, 100])
def test_the_wait_is_anything_below_its_bound_and_always_the_same(attempt: int) -> None:
    most_us = min(60_000_000, 1_000_000 * 2 ** (attempt - 1))
    waits_us = [retry_after_us("s", f"m{n}", attempt) for n in range(64)]

    assert all(0 <= each < most_us for each in waits_us)
    assert waits_us == [retry_after_us("s", f"m{n}", attempt) for n in range(64)]
    assert {each // (most_us // 4) for each in waits_us} == {0, 1, 2, 3}


@pytest.mark.proves("QF-7")
def test_what_was_taken_the_other_way_is_not_kept_for_ever() -> None:
    inbox = Inbox()
    for n in range(1_000):
        inbox.accept(message(n, priority=n % 2 * 9))
        for each in inbox.take(0, 1).chosen:
            inbox.settle(each.id, "acknowledged")

    assert sum(map(len, inbox._lines.values())) < 150


@pytest.mark.proves("QF-13")
def test_an_inbox_of_which_nobody_takes_forgets_what_is_settled() -> None:
    """So it is with one that is only looked at, and one from which messages are carried away."""
    inbox = Inbox()
    for n in range(1_000):
        inbox.accept(Message(f"m{n}", "t", b"1", n, n, 0))
        inbox.settle(f"m{n}", "acknowledged")

    assert sum(map(len, inbox._lines.values())) <= 65

"""Refusals that strangers can bring about do not fill the log, and are counted."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import EventStoreError
from runtime import App
from runtime.ingress.counting import COUNTED, FIRST, Refusals
from runtime.ingress_facts import RefusalsCounted
from runtime.testing import Harness, run_virtual
from tests.faces.asgi import Reply, ask, facts_of
from tests.faces.guarded import Site, bearer, on

MINUTE_US = 60_000_000


def counts(site: Site) -> list[tuple[str | None, str, int]]:
    """Give code, handler and number of what was counted, as the log has it."""
    rows = site.store.read_log(kinds=["control"], limit=256)
    events = [event for row in rows for event in row.events]
    return [
        (event.key, event.data.handler, event.data.n)
        for event in events
        if isinstance(event.data, RefusalsCounted)
    ]


def recorded(site: Site) -> int:
    return site.store.count_streams("request")


@pytest.mark.proves("IN-16", "RM-3")
def test_the_first_twenty_of_a_minute_are_recorded_and_the_rest_are_counted() -> None:
    site = Site()
    site.handler()

    async def work(_: Site) -> None:
        replies = [await ask(site.app, "GET", f"/nowhere/{n}") for n in range(FIRST + 7)]
        wrong = [await ask(site.app, "PUT", "/things") for _ in range(FIRST + 1)]

        assert {(each.status, each.code) for each in replies} == {(404, "route-not-found")}
        assert {each.status for each in wrong} == {405}
        assert len({each.request_id for each in replies}) == FIRST + 7
        assert [len(facts_of(site.store, each)) > 0 for each in replies] == [True] * FIRST + [
            False
        ] * 7
        short = [event.type for event in facts_of(site.store, replies[0])]
        assert (short[0], short[-1]) == ("request.received", "response.sent")
        assert counts(site) == []
        await asyncio.sleep(60)
        assert counts(site) == [("route-not-found", "", 7), ("method-not-allowed", "", 1)]
        again = await ask(site.app, "GET", "/nowhere")
        assert facts_of(site.store, again)

    on(site, work)
    assert recorded(site) == 2 * FIRST + 1


@pytest.mark.proves("IN-16")
def test_what_was_not_told_yet_is_told_when_it_stops() -> None:
    site = Site()
    site.handler()

    async def work(_: Site) -> None:
        for _each in range(FIRST + 3):
            assert (await ask(site.app, "OPTIONS", "/things")).status == 204

    on(site, work)
    assert counts(site) == [("options", "", 3)]


@pytest.mark.proves("IN-16", "AU-2")
def test_what_is_accepted_is_recorded_however_often_it_is_refused() -> None:
    site = Site()
    site.handler(roles=["admin"])

    async def work(_: Site) -> list[Reply]:
        nobody = [await ask(site.app, "GET", "/things") for _ in range(FIRST + 2)]
        forged = [
            await ask(site.app, "GET", "/things", headers=bearer("x.y.z")) for _ in range(FIRST + 2)
        ]
        return [*nobody, *forged]

    replies = on(site, work)

    # Roles are decided for those who are known; credentials that are none are anybody's.
    assert [each.code for each in replies[:2]] == ["credentials-required"] * 2
    assert [each.code for each in replies[-2:]] == ["credentials-invalid"] * 2
    assert counts(site) == [("credentials-invalid", "", 2)]
    assert recorded(site) == FIRST + 2 + FIRST


@pytest.mark.proves("IN-16", "RL-4")
def test_too_many_requests_are_counted_with_their_handler() -> None:
    site = Site()
    site.handler(limits="1/hour")

    async def work(_: Site) -> None:
        for _each in range(1 + FIRST + 5):
            last = await ask(site.app, "GET", "/things")
        assert (last.status, last.header("retry-after")) == (429, "3600")

    on(site, work)
    assert counts(site) == [("rate-limited", "get-things", 5)]


@pytest.mark.proves("IN-16", "RL-5")
def test_a_refusal_that_was_charged_is_recorded_for_windows_are_made_of_such() -> None:
    site = Site()
    site.handler("POST /things", limits="50/hour", max_body=2)

    async def work(_: Site) -> set[int]:
        return {(await ask(site.app, "POST", "/things", [1, 2])).status for _ in range(FIRST + 5)}

    assert on(site, work) == {413}
    assert recorded(site) == FIRST + 5
    assert counts(site) == []


@pytest.mark.proves("IN-16", "TH-1")
def test_the_harness_records_all_of_them() -> None:
    with Harness(App("shop")) as asked:
        results = [asked.get("/nowhere") for _ in range(FIRST + 5)]

    assert all(each.facts[-1].type == "response.sent" for each in results)


@pytest.mark.proves("IN-16")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["route-not-found", "bad-path", "forbidden"]),
            st.sampled_from(["", "get-things"]),
            st.sampled_from([0, 1_000_000, 59_000_000, MINUTE_US, -3 * MINUTE_US]),
            st.integers(1, 45),
        ),
        max_size=8,
    )
)
def test_every_refusal_leaves_a_stream_or_is_counted_once(
    steps: list[tuple[str, str, int, int]],
) -> None:
    told: dict[tuple[str, str], int] = {}
    streams: dict[tuple[str, str], int] = {}
    asked: dict[tuple[str, str], int] = {}

    def tell(fact: RefusalsCounted, key: str) -> None:
        assert fact.n > 0
        told[key, fact.handler] = told.get((key, fact.handler), 0) + fact.n

    async def scenario() -> None:
        refusals, now_us = Refusals(tell), 1_790_000_000_000_000
        for code, handler, later_us, times in steps:
            now_us += later_us
            of = code, handler
            asked[of] = asked.get(of, 0) + times
            kept = sum(refusals.leaves_a_stream(code, handler, now_us) for _ in range(times))
            streams[of] = streams.get(of, 0) + kept
            assert kept == times if code not in COUNTED else kept <= FIRST
        refusals.end_minute()

    run_virtual(scenario())
    assert asked == {of: streams[of] + told.get(of, 0) for of in asked}


@pytest.mark.proves("IN-16")
def test_a_log_that_takes_nothing_keeps_no_refusal_from_its_answer() -> None:
    def tell(_fact: RefusalsCounted, _key: str) -> None:
        raise EventStoreError("store-full", "The disk is full.", "Make room.", {})

    async def scenario() -> list[bool]:
        refusals = Refusals(tell)
        said = [refusals.leaves_a_stream("bad-path", "", 0) for _ in range(FIRST + 1)]
        await asyncio.sleep(61)
        return [*said, refusals.leaves_a_stream("bad-path", "", 0)]

    said: Any = run_virtual(scenario())
    assert said == [True] * FIRST + [False, True]

"""The audit: every deed once, in order, with who, before and after; and its filters."""

from collections.abc import Iterator
from typing import Any

import pytest

from debugger.cli.exits import Exit
from debugger.session import Session
from debugger.session.auditing import audit
from debugger.timeline import ABSENT, Timeline
from debugger.timeline.auditing import is_deed, of_request, outcome_of
from eventstore import Store
from eventstore.memory import MemoryStore
from runtime import facts
from runtime.context import REQUEST_REDUCER, registry
from runtime.policy_facts import PolicyDecided
from runtime.testing import FakeClock, SeededIds
from tests.debugger.corpus.serving import serve
from tests.debugger.stores import Shop, Story, Ticks, memory_store, shop
from tests.faces.command_line import run
from tests.runtime.replay.shop import Pricing
from tests.runtime.replay.shop import shop as app_of
from tests.strategies import as_events


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[Store, Shop]]:
    store = memory_store()
    yield store, shop(store)
    store.close()


@pytest.mark.proves("AD-11", "OB-7")
def test_a_deed_is_told_with_who_did_it_and_what_stood_there(filled: tuple[Store, Shop]) -> None:
    store, made = filled
    for stream in made.all:
        timeline = Timeline(stream, tuple(store.read(stream)))
        for event in filter(is_deed, timeline.events):
            row = of_request(timeline, event.revision)
            before, after = (
                REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), timeline.events[:end])
                for end in (event.revision - 1, event.revision)
            )
            assert (row.what, row.position, row.at_us) == (event.type, event.position, event.at_us)
            assert row.who in (after.principal, "ann")
            if event.type == "context.set":
                key = event.key or ""
                assert row.before == before.values.get(key, ABSENT)
                assert row.after == after.values[key]


@pytest.mark.proves("AD-11", "OB-7")
def test_every_deed_in_the_log_is_told_once_in_its_order(filled: tuple[Store, Shop]) -> None:
    store, _ = filled
    rows = store.read_log(limit=9_999)
    deeds = [event.position for row in rows for event in row.events if is_deed(event)]

    assert [row.position for row in audit(Session(store), limit=9_999)] == deeds


@pytest.mark.proves("AD-11", "OB-7")
def test_outcomes_are_allowed_denied_or_failed(filled: tuple[Store, Shop]) -> None:
    store, made = filled
    what = "what:response.sent,validation.failed,request.aborted"
    told = audit(Session(store), what)
    outcomes = {(row.request[4:], row.what): row.outcome for row in told}

    assert outcomes[made.order.hex, "response.sent"] == "allowed"
    assert outcomes[made.invalid.hex, "response.sent"] == "denied"
    assert outcomes[made.invalid.hex, "validation.failed"] == "denied"
    assert outcomes[made.failing.hex, "response.sent"] == "failed"
    assert outcomes[made.aborted.hex, "request.aborted"] == "failed"


@pytest.mark.proves("OB-7")
def test_what_a_policy_refused_was_denied() -> None:
    story = Story(Ticks()).add(PolicyDecided(("roles",)), "allow")
    story.add(PolicyDecided(("roles",), "no role"), "deny")
    story.add(facts.CapabilityDenied("stock", "left", "read"), "stock.left")

    assert [outcome_of(event) for event in as_events(story.events)] == [
        "allowed", "denied", "denied",
    ]  # fmt: skip


@pytest.mark.proves("CL-8", "OB-7", "TM-7")
def test_the_command_filters_by_who_what_and_time(filled: tuple[Store, Shop]) -> None:
    store, made = filled
    asked = ("search", "--audit", "--json")
    eve = run(*asked, "--who", "eve", store=store).records
    request = f"req-{made.failing.hex}"

    assert {row["request"] for row in eve} == {request}
    sets = run(*asked, "--who", "eve", "--what", "context.*", store=store).records
    assert [(row["subject"], "before" in row, row["after"]) for row in sets] == [
        ("/total", False, {"$decimal": "118.00"})
    ]
    assert run(*asked, "subject:/total", "--who", "eve", store=store).records == sets
    since = eve[0]["time"]
    everything = run(*asked, "--limit", "9999", store=store).records
    later = run(*asked, "--since", since, "--limit", "9999", store=store).records
    earlier = run(*asked, "--until", since, "--limit", "9999", store=store).records
    assert later == [row for row in everything if row["time"] >= since]
    assert earlier == [row for row in everything if row["time"] <= since]
    assert run(*asked, "who:nobody", store=store).out == ""


@pytest.mark.proves("CL-8", "CL-2")
def test_the_command_refuses_what_cannot_be_meant(filled: tuple[Store, Shop]) -> None:
    store, _ = filled

    assert run("search", store=store).status == Exit.BAD_INPUT
    assert run("search", "atlas", "--who", "ann", store=store).status == Exit.BAD_INPUT
    unknown = run("search", "--audit", "status:500", store=store)
    assert (unknown.status, "who" in unknown.err) == (Exit.BAD_INPUT, True)


@pytest.mark.proves("OB-7")
def test_a_row_carries_the_chain_value_of_its_row_of_the_log(filled: tuple[Store, Shop]) -> None:
    store, _ = filled
    for told in audit(Session(store), limit=40):
        (row,) = store.read_log(before=told.position + 1, limit=1, newest_first=True)
        (mark,) = store.cursor_at(row.position + len(row.events) - 1).marks.values()
        assert told.chain == mark.chain.hex()


@pytest.mark.proves("AD-12", "AD-11")
def test_tags_splits_and_deployments_tell_who_and_what_stood_before() -> None:
    clock = FakeClock()
    with MemoryStore(registry(), clock, SeededIds(1)) as store:
        serve(app_of(Pricing()), store, clock, [])
        versions = [row["version"] for row in run("versions", "post-orders", "--json",
                                                  store=store).records]  # fmt: skip
        old, new = sorted(versions)[:2]
        tag = ("tag", "post-orders", "stable")
        assert run(*tag, old, "--by", "ann", store=store).status == Exit.OK
        assert run(*tag, new, "--move", "--by", "eve", store=store).status == Exit.OK
        told: list[dict[str, Any]] = run(
            "search", "--audit", "subject:stable", "--json", store=store
        ).records
        deployed = run("search", "--audit", "what:handler.deployed", "--json", store=store).records

    assert [(row["who"], row.get("before"), row["after"]) for row in told] == [
        ("ann", None, old), ("eve", old, new),
    ]  # fmt: skip
    assert [(row["subject"], row.get("before")) for row in deployed] == [
        ("post-orders", None), ("post-orders", old),
    ]  # fmt: skip
    assert all(row["manifest"].startswith("sha256:") for row in (*deployed, *told))

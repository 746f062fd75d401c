"""`timescape routes`, `versions`, `tag`, `untag`, `traffic` and `resolve`."""

from collections.abc import Iterator

import pytest

from eventstore import NEW, NewEvent, StreamId
from eventstore.memory import MemoryStore
from runtime.context import REQUEST
from runtime.control import change, control_stream, read_table
from runtime.effects import system_clock
from runtime.facts import Fact, RequestReceived, ResponseSent, VersionResolved
from runtime.policy_facts import PolicyDecided
from runtime.testing import FakeClock, SeededIds
from runtime.timescape.splits import bucket_of
from tests.faces.asgi import memory_store
from tests.faces.command_line import Said, run
from tests.routes import deployed, version_id

STREAM = control_stream("shop")
ONE, TWO = version_id(1), version_id(2)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    made = memory_store()
    new = [
        deployed(1, "2026-03-01", tags=("stable",)),
        deployed(2, "2026-10-01"),
        deployed(3, handler="get-cart"),
    ]
    # Long ago: nothing is young.
    change(made, STREAM, lambda *_: new, clock=FakeClock(1_600_000_000_000_000))
    yield made
    made.close()


def said(store: MemoryStore, *words: str) -> Said:
    return run(*words, store=store)


@pytest.mark.proves("TS-4")
def test_routes_lists_what_is_served(store: MemoryStore) -> None:
    told = said(store, "routes", "--json")

    assert told.status == 0
    assert [(r["handler"], r["versions"], r["current"]) for r in told.records] == [
        ("get-cart", 1, version_id(3, "get-cart")),
        ("post-orders", 2, TWO),
    ]
    assert told.records[1]["tags"] == {"stable": ONE}


@pytest.mark.proves("TS-5")
def test_routes_goes_back_to_a_position_or_a_time(store: MemoryStore) -> None:
    first = next(store.read(STREAM)).position

    then = said(store, "routes", "--at", str(first), "--json")
    before = said(store, "routes", "--at", "2019-01-01", "--json")
    beyond = said(store, "routes", "--at", str(store.end() + 1))
    wrong = said(store, "routes", "--at", "soon")

    assert [record["current"] for record in then.records] == [ONE]
    assert (before.status, before.out) == (0, "")
    assert (beyond.status, wrong.status) == (3, 2)
    assert f"from 0 to {store.end()}" in beyond.err


@pytest.mark.proves("TS-2")
def test_versions_lists_a_line_and_shows_what_holds_a_version(store: MemoryStore) -> None:
    listed = said(store, "versions", "post-orders")
    shown = said(store, "versions", "show", ONE, "--json")
    nearest = said(store, "versions", "post-order")

    assert [line.split()[:2] for line in listed.out.splitlines()[1:]] == [
        [ONE, "2026-03-01"],
        [TWO, "2026-10-01"],
    ]
    assert shown.records[0]["held"] == [
        "it is the last of edition 2026-03-01",
        "the tag 'stable' points to it",
    ]
    assert nearest.status == 3
    assert "Did you mean post-orders" in nearest.err


@pytest.mark.proves("TG-2", "TG-3")
def test_a_tag_is_set_moved_only_if_asked_and_taken_away(store: MemoryStore) -> None:
    end = store.end()
    kept = said(store, "tag", "post-orders", "stable", TWO)
    dry = said(store, "tag", "post-orders", "stable", TWO, "--move", "--dry-run")
    assert (kept.status, dry.status, store.end()) == (7, 0, end)
    assert "--move" in kept.err
    assert "Nothing was appended" in dry.err

    wrong = said(store, "tag", "post-orders", "stable", TWO, "--expected", TWO)
    moved = said(store, "tag", "post-orders", "stable", "2026-10-01", "--expected", ONE, "--json")
    again = said(store, "tag", "post-orders", "stable", TWO)
    new = said(store, "tag", "post-orders", "beta", ONE, "--by", "ann", "--json")
    assert (wrong.status, moved.status, again.status) == (7, 0, 0)
    assert moved.records[0]["type"] == "version.tagged"
    assert moved.records[0]["data"]["previous"] == ONE
    assert new.records[0]["data"] == {"tag": "beta", "by": "ann"}
    assert "already" in again.err

    assert said(store, "untag", "post-orders", "beta").status == 0
    gone = said(store, "untag", "post-orders", "beta")
    assert (gone.status, "no tag" in gone.err) == (0, True)
    assert read_table(store, STREAM).handlers["post-orders"].tags_now == {"stable": TWO}


@pytest.mark.proves("TG-1", "TG-2")
@pytest.mark.parametrize(
    ("words", "status", "hint"),
    [
        (("post-orders", "latest", ONE), 2, "another name"),
        (("post-orders", "STABLE", ONE), 2, "'stable'"),
        (("get-cart", "beta", ONE), 3, "Did you mean"),
        (("post-orders", "beta", version_id(9)), 3, "Did you mean"),
        (("post-orders", "beta", "unstable"), 3, "tsv:"),
    ],
)
def test_a_tag_that_cannot_be_is_refused(
    store: MemoryStore, words: tuple[str, ...], status: int, hint: str
) -> None:
    end = store.end()

    told = said(store, "tag", *words)

    assert (told.status, store.end()) == (status, end)
    assert hint in told.err


@pytest.mark.proves("VL-4", "VL-5", "VL-6")
def test_versions_are_retired_and_brought_back(store: MemoryStore) -> None:
    held = said(store, "versions", "deactivate", ONE)
    forced = said(store, "versions", "deactivate", ONE, "--force", "--note", "old", "--json")
    listed = said(store, "versions", "post-orders", "--json")
    back = said(store, "versions", "reactivate", ONE)
    again = said(store, "versions", "reactivate", ONE)
    current = said(store, "versions", "deactivate", TWO, "--force")
    soon = said(store, "versions", "deprecate", ONE, "--sunset", "2026-10-01")
    ends = said(store, "versions", "deprecate", ONE, "--sunset", "2036-10-01", "--json")

    assert (held.status, forced.status, back.status, again.status) == (7, 0, 0, 0)
    assert "last of edition" in held.err
    assert forced.records[0]["data"]["note"] == "old"
    assert [record["state"] for record in listed.records] == ["deactivated", "current"]
    assert "in service" in again.err
    assert (current.status, soon.status) == (7, 7)
    assert ends.records[0]["type"] == "version.deprecated"


@pytest.mark.proves("VL-4")
def test_a_version_whose_requests_run_is_not_taken_from_them_unless_that_is_meant(
    store: MemoryStore,
) -> None:
    free = version_id(3, "get-cart")
    change(store, STREAM, lambda *_: [deployed(4, handler="get-cart")], clock=FakeClock())
    runs = RequestReceived("GET", "GET /get-cart", "get-cart", "/get-cart", "0" * 32)
    facts = [(runs, "GET /get-cart"), (VersionResolved(), free)]
    new = [NewEvent(fact.type, fact, key, 1) for fact, key in facts]
    stream = StreamId(SeededIds(7).uuid7(1))
    store.append(stream, new, kind=REQUEST.name, expected=NEW).result()

    held = said(store, "versions", "deactivate", free)
    forced = said(store, "versions", "deactivate", free, "--force")

    assert (held.status, forced.status) == (7, 0)
    assert f"request req-{stream.hex} holds it" in held.err


@pytest.mark.proves("VL-4", "IK-3")
def test_a_version_whose_callers_may_repeat_themselves_goes_only_if_that_is_meant(
    store: MemoryStore,
) -> None:
    free = version_id(3, "get-cart")
    change(store, STREAM, lambda *_: [deployed(4, handler="get-cart")], clock=FakeClock())
    now_us = system_clock()
    runs = RequestReceived("POST", "POST /cart", "get-cart", "/cart", "0" * 32)
    facts: list[tuple[Fact, str]] = [
        (runs, "POST /cart"), (VersionResolved(), free),
        (PolicyDecided(("idempotency",)), "allow"), (ResponseSent(200), "200"),
    ]  # fmt: skip
    new = [NewEvent(fact.type, fact, key, now_us) for fact, key in facts]
    stream = StreamId(SeededIds(7).uuid7(now_us))
    store.append(stream, new, kind=REQUEST.name, expected=NEW, close=True).result()

    held = said(store, "versions", "deactivate", free)
    forced = said(store, "versions", "deactivate", free, "--force")

    assert (held.status, forced.status) == (7, 0)
    assert "idempotency keys" in held.err


@pytest.mark.proves("DP-5")
def test_traffic_is_split_promoted_and_taken_back(store: MemoryStore) -> None:
    shared = said(store, "traffic", "post-orders", f"{ONE}=9500", f"{TWO}=500", "--json")
    listed = said(store, "versions", "post-orders")
    short = said(store, "traffic", "post-orders", f"{ONE}=9500")
    odd = said(store, "traffic", "post-orders", ONE)
    back = said(store, "traffic", "post-orders", "--promote", "stable")

    assert shared.records[0]["data"]["parts"] == [[ONE, 9_500], [TWO, 500]]
    assert "95%" in listed.out
    assert (short.status, odd.status, back.status) == (7, 2, 0)
    current = read_table(store, STREAM).handlers["post-orders"].current(1 << 61)
    assert current is not None
    assert str(current.id) == ONE


@pytest.mark.proves("TR-4", "TR-5")
def test_resolve_prints_each_step_of_the_decision(store: MemoryStore) -> None:
    plain = said(store, "resolve", "POST", "/post-orders", "--json")
    two = said(store, "resolve", "POST", "/post-orders", "--select", "stable", "--select", TWO)
    nowhere = said(store, "resolve", "PUT", "/post-orders")
    said(store, "traffic", "post-orders", f"{ONE}=5000", f"{TWO}=5000")
    shared = said(store, "resolve", "POST", "/post-orders", "--client", "192.0.2.7", "--json")

    assert [record["step"] for record in plain.records] == [
        "route",
        "table",
        "named",
        "default",
        "current",
        "answer",
    ]
    assert plain.records[-1]["says"] == f"{TWO}, edition 2026-10-01, by latest"
    assert two.status == 3
    assert f"stable means {ONE}" in two.out
    assert "version-conflict" in two.out
    assert (nowhere.status, "POST" in nowhere.err) == (3, True)
    for words in (
        ("/post-orders",),
        ("GET", "/a", "b"),
        ("GET", "/a?v=1"),
        ("9f31c2", "--as", "x"),
    ):
        assert said(store, "resolve", *words).status == 2
    assert "bucket" in shared.records[3]["says"]
    assert shared.records[-1]["says"].endswith("by split")


@pytest.mark.proves("TG-4", "DP-6", "TR-5")
def test_resolve_says_what_a_caller_gets_who_is_pinned_or_placed_by_its_principal(
    store: MemoryStore,
) -> None:
    said(store, "pin", "post-orders", "tenant:acme", "2026-03-01")
    said(store, "traffic", "post-orders", f"{ONE}=5000", f"{TWO}=5000")
    routes = read_table(store, STREAM).handlers["post-orders"]
    assert routes.split is not None

    def steps(caller: str, *words: str) -> list[str]:
        told = said(store, "resolve", "POST", "/post-orders", "--as", caller, *words, "--json")
        return [record["says"] for record in told.records]

    assert steps("tenant:acme")[-2:] == [
        f"2026-03-01 means {ONE}", f"{ONE}, edition 2026-03-01, by pin",
    ]  # fmt: skip
    assert steps("tenant:acme", "--select", TWO)[-1].endswith("by query")
    place = bucket_of(routes.split.salt, "ann")
    assert steps("ann")[-2].endswith(f"bucket {place}")
    assert (ONE if place < 5_000 else TWO) in steps("principal:ann")[-1]

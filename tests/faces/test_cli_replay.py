"""`timescape replay`, `fork` and `compare`: verdicts, exit statuses, what they print."""

from collections.abc import Iterator

import pytest

from debugger.cli.exits import Exit
from eventstore import StreamId
from eventstore.memory import MemoryStore
from tests.faces.command_line import run
from tests.runtime.replay.shop import Pricing, record, shop

AS_RECORDED = ("--app", "tests.faces.replayed_app:app")
CHANGED = ("--app", "tests.faces.replayed_app:changed")


@pytest.fixture
def recorded() -> Iterator[tuple[MemoryStore, str]]:
    store, stream = record(shop(Pricing()), {"sku": "mug", "quantity": 2, "card": "4111 1111"})
    yield store, f"req-{stream.hex}"
    store.close()


def streams(store: MemoryStore) -> list[StreamId]:
    return [row.stream for row in store.read_log(kinds=("request",), first_rows_only=True)]


@pytest.mark.proves("RX-2", "RX-3", "CL-2")
def test_the_same_is_said_and_ends_well(recorded: tuple[MemoryStore, str]) -> None:
    store, request = recorded
    end = store.end()
    said = run("replay", request, *AS_RECORDED, "--json", store=store)

    assert said.status == Exit.OK
    assert said.records[0]["verdict"] == "same"
    assert said.records[0]["divergence"] is None
    assert store.end() == end


@pytest.mark.proves("RX-3", "CL-2")
def test_a_difference_is_shown_with_both_sides_and_lines(recorded: tuple[MemoryStore, str]) -> None:
    store, request = recorded
    said = run("replay", request, *CHANGED, store=store)
    told = run("replay", request, *CHANGED, "--json", store=store).records[0]["divergence"]

    assert (said.status, Exit.DIVERGED.label) == (Exit.DIVERGED, "different")
    assert '{"value": 800}' in said.err
    assert '{"value": 1600}' in said.err
    assert (told["kind"], told["recorded"]["data"], told["attempted"]["data"]) == (
        "value", {"value": 800}, {"value": 1600},
    )  # fmt: skip
    assert told["recorded"]["line"].startswith("tests/runtime/replay/shop.py:")
    assert told["recorded"]["fingerprint"] == told["attempted"]["fingerprint"]


@pytest.mark.proves("RX-4", "RX-8", "RX-6")
def test_a_kept_run_is_a_request_that_compares(recorded: tuple[MemoryStore, str]) -> None:
    store, request = recorded
    stub = ("--stub", "pricing.charge=true")
    kept = run("replay", request, *CHANGED, "--keep", *stub, "--json", store=store).records[0]
    compared = run("compare", request, kept["fork"], "--json", store=store)
    parts = {(each["part"], each["sign"]) for each in compared.records}

    assert len(streams(store)) == 2
    assert (kept["verdict"], kept["replayed"]) == ("diverged", 200)
    assert compared.status == Exit.DIFFERENT
    assert {("body", "~"), ("state", "~"), ("fact", "~")} <= parts
    assert run("compare", request, request, store=store).status == Exit.OK


@pytest.mark.proves("RX-5")
def test_a_fork_goes_on_with_what_was_set(recorded: tuple[MemoryStore, str]) -> None:
    store, request = recorded
    at = next(e.revision for e in store.read(streams(store)[0]) if e.key == "total")
    words = ("fork", request, *AS_RECORDED, "--at", str(at), "--set", "total=40")
    dry = run(*words, "--stub", "pricing.charge=true", "--dry-run", "--json", store=store)
    assert (dry.status, dry.records[0]["fork"], len(streams(store))) == (Exit.OK, None, 1)
    made = run(*words, "--stub", "pricing.charge=true", "--json", store=store)

    assert (made.status, made.records[0]["at"], len(streams(store))) == (Exit.OK, at, 2)
    state = run("state", made.records[0]["fork"], "--path", "/total", "--json", store=store)
    assert state.records[0]["value"] == 40


@pytest.mark.proves("RX-5", "CL-2")
def test_what_cannot_be_done_says_why_and_what_to_do(recorded: tuple[MemoryStore, str]) -> None:
    store, request = recorded
    curious = ("--app", "tests.faces.replayed_app:curious")
    ends = [
        (run("replay", request, store=store), Exit.BAD_INPUT, "--app module:app"),
        (run("replay", request, *curious, store=store), Exit.NOT_REPLAYABLE, "/card of the body"),
        (run("replay", "ffffffff", *AS_RECORDED, store=store), Exit.NOT_FOUND, "no request"),
        (run("replay", request, *AS_RECORDED, "--version", "2031-01-01", store=store),
         Exit.NOT_FOUND, "2026-01-01"),
        (run("fork", request, *AS_RECORDED, "--at", "3", "--set", "x", store=store),
         Exit.BAD_INPUT, "NAME=JSON"),
        (run("fork", request, *AS_RECORDED, "--answer", "99=1", "--answer", "2=1", store=store),
         Exit.BAD_INPUT, "2 edits"),
    ]  # fmt: skip

    for said, status, words in ends:
        assert (said.status, words in said.err) == (status, True), said.err
    assert len(streams(store)) == 1


@pytest.mark.proves("RX-11")
def test_a_traced_run_prints_its_lines(recorded: tuple[MemoryStore, str]) -> None:
    store, request = recorded
    said = run("replay", request, *AS_RECORDED, "--trace", "--json", store=store)
    lines = [each for each in said.records if each["kind"] == "line"]

    assert any(each["changed"].get("net") == "300" for each in lines)
    assert "4111" not in said.out


@pytest.mark.proves("CL-2")
def test_the_app_may_be_set_in_the_environment(recorded: tuple[MemoryStore, str]) -> None:
    store, request = recorded
    said = run("replay", request, store=store, environ={"TIMESCAPE_APP": AS_RECORDED[1]})

    assert said.status == Exit.OK

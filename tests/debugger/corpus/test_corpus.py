"""Many requests run again: verdicts, groups, several processes; and the search of a line."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.cli.exits import Exit
from debugger.corpus import Probe, Row, bisect, grouped
from debugger.corpus.verdicts import _parting
from eventstore import Store
from eventstore.memory import MemoryStore
from eventstore.sql import open_store
from runtime.context import registry
from runtime.testing import FakeClock, SeededIds
from tests.debugger.corpus.serving import serve
from tests.faces import bisected_app
from tests.faces.command_line import run
from tests.runtime.replay.shop import Pricing, shop

ASKED = [
    ("/orders?version=2026-01-01", {"sku": "mug", "quantity": 2, "card": "4111 1111"}),
    ("/orders?version=2026-01-01", {"sku": "tea"}),
    ("/orders?version=2026-01-01", {"sku": "tea", "quantity": 3}),
    ("/orders?version=2026-02-01", {"sku": "jar"}),
    ("/nowhere", {}),
]
APP = ("--app", "tests.faces.replayed_app:app")
CHANGED = ("--app", "tests.faces.replayed_app:changed")
CURIOUS = ("--app", "tests.faces.replayed_app:curious")


@pytest.fixture(scope="module")
def recorded() -> Iterator[tuple[Store, list[str]]]:
    clock = FakeClock()
    store = MemoryStore(registry(), clock, SeededIds(1))
    yield store, serve(shop(Pricing()), store, clock, ASKED)
    store.close()


def rows_of(said: Any, kind: str) -> list[dict[str, Any]]:
    return [record for record in said.records if record["kind"] == kind]


@pytest.mark.proves("RP-3", "CL-9", "RP-1")
def test_rows_come_in_the_order_of_the_selection(recorded: tuple[Store, list[str]]) -> None:
    store, names = recorded
    asked = [names[2], names[0], names[4], names[2]]

    said = run("replay", *asked, *APP, "--json", store=store)
    rows = rows_of(said, "replay")

    assert [row["request"] for row in rows] == [names[2], names[0], names[4]]
    assert [row["verdict"] for row in rows] == ["same", "same", "not-replayable"]
    assert (rows[0]["recorded"], rows[0]["replayed"]) == ("200", "200")
    assert said.status == Exit.PARTIAL
    assert "3 requests: 2 same, 1 not-replayable." in said.err


@pytest.mark.proves("RP-3", "RP-4", "CL-9")
def test_requests_that_part_in_one_way_are_one_group(recorded: tuple[Store, list[str]]) -> None:
    store, names = recorded
    end = store.end()

    said = run("replay", "--where", "status:200", *CHANGED, "--json", store=store)
    groups = rows_of(said, "group")

    assert said.status == Exit.DIVERGED
    assert [(each["count"], each["verdict"]) for each in groups] == [(3, "diverged"), (1, "same")]
    assert (groups[0]["difference"], groups[0]["fact"], groups[0]["name"], groups[0]["path"]) == (
        "value", "context.set", "total", "/value",
    )  # fmt: skip
    assert groups[0]["example"] == names[2]
    assert store.end() == end


@pytest.mark.proves("RP-1", "RP-2")
def test_other_versions_differ_and_what_needs_a_hidden_value_is_unknown(
    recorded: tuple[Store, list[str]],
) -> None:
    store, names = recorded
    other = run("replay", *names[:2], *APP, "--version", "2026-02-01", "--json", store=store)
    curious = run("replay", *names[:2], *CURIOUS, "--json", store=store)

    assert [row["verdict"] for row in rows_of(other, "replay")] == ["different", "different"]
    assert [row["verdict"] for row in rows_of(curious, "replay")] == ["unknown", "diverged"]
    assert "card" in rows_of(curious, "replay")[0]["problem"]


@pytest.mark.proves("RP-3", "CL-2")
def test_several_processes_give_the_rows_that_one_gives(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    clock = FakeClock()
    with open_store(
        url, durability="volatile", registry=registry(), clock=clock, ids=SeededIds(1)
    ) as store:
        serve(shop(Pricing()), store, clock, ASKED)
    words = ("replay", "--where", "path:*", *CHANGED, "--store", url, "--json")

    one, two = run(*words), run(*words, "--jobs", "2")

    assert (two.out, two.status) == (one.out, one.status)
    assert len(rows_of(two, "replay")) == len(ASKED)


@pytest.mark.proves("CL-2")
def test_what_cannot_be_meant_is_refused(recorded: tuple[Store, list[str]]) -> None:
    store, names = recorded
    for words in (
        (),
        (names[0], "--where", "status:200"),
        (*names[:2], "--keep"),
        (*names[:2], "--set", "a=1"),
    ):
        assert run("replay", *words, *APP, store=store).status == Exit.BAD_INPUT, words
    assert run("replay", *names[:2], store=store).status == Exit.BAD_INPUT
    none = run("replay", "--where", "status:418", *APP, store=store)
    assert none.status == Exit.NOT_FOUND


# --- groups ---

rows = st.builds(
    Row,
    request=st.uuids().map(str),
    verdict=st.sampled_from(["same", "diverged"]),
    recorded=st.sampled_from(["200", "500"]),
    replayed=st.sampled_from(["200", ""]),
    difference=st.sampled_from(["", "value"]),
    path=st.sampled_from(["", "/lines/*/net"]),
)


@pytest.mark.proves("RP-4", "TT-1")
@given(st.lists(rows, max_size=12, unique_by=lambda row: row.request))
def test_each_request_is_in_one_group_and_the_largest_is_first(found: list[Row]) -> None:
    def way(row: Row) -> tuple[Any, ...]:
        return row.verdict, row.difference, row.fact, row.name, row.path, row.recorded, row.replayed

    groups = grouped(found)

    assert Counter({way(each): each.count for each in groups}) == Counter(map(way, found))  # type: ignore[arg-type]
    assert [each.count for each in groups] == sorted((g.count for g in groups), reverse=True)
    for each in groups:
        assert each.example == next(r.request for r in found if way(r) == way(each))  # type: ignore[arg-type]


def test_indices_are_left_out_of_paths_and_keys_stay() -> None:
    one = {"value": {"lines": [{"net": 1}, {"net": 2}]}}
    other = msgspec.json.decode(msgspec.json.encode(one))
    other["value"]["lines"][1]["net"] = 3

    assert _parting(one, other) == ("value", "lines", "1", "net")


# --- bisect ---


@pytest.mark.proves("RP-5", "CL-10")
@given(size=st.integers(2, 80), first_bad=st.integers(1, 79), broken=st.sets(st.integers(1, 78)))
def test_the_first_bad_version_is_found_in_a_logarithm_of_runs(
    size: int, first_bad: int, broken: set[int]
) -> None:
    first_bad = min(first_bad, size - 1)
    broken -= {size - 1}
    tried: list[int] = []

    def probe(version: str) -> Probe:
        n = int(version)
        tried.append(n)
        if n in broken:
            return Probe(version, problem="no code")
        return Probe(version, "bad" if n >= first_bad else "good")

    found = bisect([str(n) for n in range(size)], probe)

    usable = [n for n in range(size) if n not in broken]
    expected = next(n for n in usable if n >= first_bad)
    assert (found.verdict, found.first_bad, found.monotone) == ("found", str(expected), True)
    assert found.last_good == str(max(n for n in usable if n < expected))
    runs = [n for n in tried if n not in broken]
    assert len(runs) <= 2 + math.ceil(math.log2(size))
    assert set(found.skipped) == {str(n) for n in tried if n in broken}


@pytest.mark.proves("RP-5")
def test_an_answer_of_a_third_kind_and_ends_that_agree_are_told() -> None:
    answers = {"a": "1", "b": "2", "c": "3"}
    third = bisect(["a", "b", "c"], lambda v: Probe(v, answers[v]))
    same = bisect(["a", "b"], lambda v: Probe(v, "1"))
    unusable = bisect(["a", "b"], lambda v: Probe(v, problem="no code"))

    assert (third.first_bad, third.monotone) == ("b", False)
    assert (same.verdict, unusable.verdict) == ("same", "unusable")


@pytest.mark.proves("RP-5", "CL-10", "CL-2")
def test_the_command_names_the_first_bad_version_and_skips_what_cannot_run() -> None:
    clock = FakeClock()
    app = ("--app", "tests.faces.bisected_app:app")
    with MemoryStore(registry(), clock, SeededIds(1)) as store:
        (request,) = serve(
            bisected_app.app, store, clock, [("/prices?version=2026-01-01", {"net": 5})]
        )
        said = run("bisect", request, *app, "--json", store=store)
        part = run("bisect", request, *app, "--bad", "2026-02-01", store=store)
        unknown = run("bisect", request, *app, "--bad", "2031-01-01", store=store)
        alone = run(
            "bisect", request, *app, "--good", "2026-02-01", "--bad", "2026-02-01", store=store
        )
    *probes, first = said.records

    assert said.status == Exit.DIFFERENT
    assert first["kind"] == "first-bad"
    versions = [each["version"] for each in probes]
    assert first["version"] in versions
    assert {each["verdict"] for each in probes} <= {"good", "bad", "skipped"}
    assert any("rates.tax" in (each["problem"] or "") for each in probes) == bool(first["skipped"])
    assert (part.status, "Both ends answer the same." in part.err) == (Exit.OK, True)
    assert (unknown.status, alone.status) == (Exit.NOT_FOUND, Exit.BAD_INPUT)

"""What new versions are called, and whether callers who name nothing move to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event
from runtime.timescape import HandlerRoutes, RouteTable, fold_table
from runtime.timescape.deploying import deployment, is_needed
from runtime.timescape.folding import TableFolding
from tests.routes import EDITIONS, HANDLER, MINUTE_US, histories

steps = st.tuples(st.sampled_from(EDITIONS), st.sampled_from("abc"), st.integers(0, 2**50))


def deploy(
    table: RouteTable, edition: str | None, code: str, now_us: int
) -> tuple[RouteTable, str]:
    key, fact = deployment(
        table.handlers.get(HANDLER),
        handler=HANDLER,
        route="POST /orders",
        edition=edition,
        fingerprint=code,
        now_us=now_us,
    )
    folding = TableFolding(table)
    folding.deploy(fact, key, now_us)
    return folding.table, key


def routes_of(table: RouteTable) -> HandlerRoutes:
    return table.handlers[HANDLER]


@pytest.mark.proves("TS-1", "TS-3")
@given(st.lists(steps, max_size=12))
def test_new_code_gets_a_later_and_higher_id_and_known_code_none(
    said: list[tuple[str | None, str, int]],
) -> None:
    table, last, count = RouteTable(), dict[str | None, str](), 0
    for edition, code, said_us in said:
        now_us = max(said_us, table.at_us)  # the log's time never goes back
        known = table.handlers.get(HANDLER)
        assert is_needed(known, edition, code) == (last.get(edition) != code)
        if last.get(edition) == code:
            continue
        before = list(known.versions.values()) if known else []
        table, key = deploy(table, edition, code, now_us)
        last[edition], count = code, count + 1

        new = routes_of(table).versions[key]
        assert new.id.sequence == count
        assert all(each.id < new.id for each in before)
        assert all(each.effective_us < new.effective_us for each in before)
        assert new.effective_us >= now_us


@pytest.mark.proves("TS-3")
def test_going_back_to_earlier_code_is_a_new_version() -> None:
    table = RouteTable()
    for code in ("a", "b", "a"):
        assert is_needed(table.handlers.get(HANDLER), None, code)
        table, _ = deploy(table, None, code, 0)

    assert list(routes_of(table).versions) == [
        f"tsv:0-{HANDLER}-001",
        f"tsv:0-{HANDLER}-002",
        f"tsv:0-{HANDLER}-003",
    ]


@pytest.mark.proves("DP-3")
def test_a_patch_of_an_older_edition_moves_nobody_who_names_nothing() -> None:
    table = RouteTable()
    for edition, code in (("2026-03-01", "a"), ("2026-10-01", "b"), ("2026-03-01", "c")):
        table, _ = deploy(table, edition, code, 5_000_000)

    current = routes_of(table).current(9_000_000)
    assert current is not None
    assert current.fingerprint == "b"
    assert [v.activation for v in routes_of(table).versions.values()] == ["now", "now", "edition"]
    assert [v.fingerprint for v in routes_of(table).line] == ["a", "c", "b"]


@pytest.mark.proves("TS-7", "TS-6")
@given(
    events=histories(most=10),
    ago_us=st.integers(0, 400 * MINUTE_US),
    edition=st.sampled_from(EDITIONS),
    ahead=st.booleans(),
)
def test_a_dated_version_changes_what_was_current_from_its_time_to_the_next_and_no_more(
    events: list[Event], ago_us: int, edition: str | None, *, ahead: bool
) -> None:
    table = fold_table(events)
    before, now_us = routes_of(table), table.at_us
    wanted_us = now_us + ago_us if ahead else now_us - ago_us
    key, fact = deployment(
        before, handler=HANDLER, route="POST /orders", edition=edition, fingerprint="new",
        now_us=now_us, effective_us=wanted_us, backfill=True,
    )  # fmt: skip
    folding = TableFolding(table)
    folding.deploy(fact, key, now_us)
    after = routes_of(folding.table)

    from_us = after.versions[key].effective_us
    edges = [entry.from_us for entry in before.timeline if entry.from_us > from_us]
    until_us = min(edges, default=1 << 62)
    assert from_us >= wanted_us
    assert from_us not in {each.effective_us for each in before.line}
    for at_us in {from_us - 1, from_us, until_us - 1, *edges, now_us, now_us + ago_us}:
        if fact.activation == "now" and from_us <= at_us < until_us:
            assert after.current(at_us) == after.versions[key]
        else:
            assert after.current(at_us) == before.current(at_us)

"""X6: a table that was kept, and the facts after it, give the table that all facts give."""

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event
from runtime.module_facts import ModuleRegistered
from runtime.timescape import TABLE_REDUCER, RouteTable, fold_table, fold_until
from runtime.version_facts import TrafficSplitChanged, VersionDeactivated, VersionDeprecated
from tests.routes import HANDLER, Naive, at, deployed, histories, history, version_id


@pytest.mark.proves("X6", "TS-4", "TS-9")
@given(events=histories(), data=st.data())
def test_x06_a_kept_table_goes_on_as_the_whole_fold(
    events: list[Event], data: st.DataObject
) -> None:
    """Seen to fail with a kept table that forgets which versions are out of service."""
    cut = data.draw(st.integers(0, len(events)))
    kept = TABLE_REDUCER.dump(fold_table(events[:cut]))

    went_on = fold_table(events[cut:], TABLE_REDUCER.load(kept))

    assert went_on == fold_table(events)
    assert TABLE_REDUCER.dump(went_on) == TABLE_REDUCER.dump(fold_table(events))


@pytest.mark.proves("X6", "TS-4")
@given(events=histories())
def test_x06_one_fact_after_the_other_is_all_at_once(events: list[Event]) -> None:
    table = RouteTable()
    for event in events:
        table = TABLE_REDUCER.apply(table, event)

    assert table == fold_table(events)


@pytest.mark.proves("TS-4", "TS-6")
@given(events=histories())
def test_the_table_is_what_a_naive_reading_gives(events: list[Event]) -> None:
    naive = Naive(events)
    routes = fold_table(events).handlers[HANDLER]

    ordered = sorted(naive.versions.items(), key=lambda each: each[1][:2])
    assert [str(version.id) for version in routes.line] == [key for key, _ in ordered]
    assert [(e.from_us, e.sequence, e.version) for e in routes.timeline] == sorted(naive.entries)
    assert (routes.split.parts if routes.split else None) == naive.split
    assert {tag: routes.tagged(tag) for tag in routes.tags} == {
        tag: naive.tagged(tag) for tag in routes.tags
    }


@pytest.mark.proves("TS-4")
def test_the_clock_of_a_fact_that_is_none_of_the_tables_counts_for_nothing() -> None:
    events = history(deployed(1), ("stock", ModuleRegistered(()), 9), (*deployed(2), 0))

    entries = fold_table(events).handlers[HANDLER].timeline

    assert [entry.from_us for entry in entries] == [at(0), at(0) + 1]


@pytest.mark.proves("TS-5")
@given(events=histories(), data=st.data())
def test_as_of_a_position_is_the_fold_of_what_was_there(
    events: list[Event], data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(events)))

    assert fold_until(events, position=position) == fold_table(events[:position])


@pytest.mark.proves("TS-5")
@given(events=histories(), data=st.data())
def test_as_of_an_instant_is_the_fold_of_what_was_recorded_by_then(
    events: list[Event], data: st.DataObject
) -> None:
    at_us = data.draw(st.sampled_from([event.at_us for event in events]))
    at_us += data.draw(st.sampled_from([-1, 0, 1]))
    known, latest = 0, 0
    for number, event in enumerate(events, 1):
        # An event whose clock stepped back counts as recorded with the one before it.
        latest = max(latest, event.at_us)
        if latest <= at_us:
            known = number

    seen("all" if known == len(events) else "some")
    assert fold_until(events, at_us=at_us) == fold_table(events[:known])


@pytest.mark.proves("X6", "TS-4")
def test_x06_everything_of_a_table_is_kept() -> None:
    table = fold_table(
        history(
            deployed(1, "2026-03-01", tags=("stable",)),
            deployed(2, activation="hold"),
            (HANDLER, TrafficSplitChanged(((version_id(1), 1), (version_id(2), 9_999)), "salt")),
            (version_id(2), VersionDeprecated(at(99), "https://shop.example")),
            (version_id(2), VersionDeactivated("security")),
        )
    )
    routes = table.handlers[HANDLER]

    assert TABLE_REDUCER.load(TABLE_REDUCER.dump(table)) == table
    assert (routes.split, len(routes.retired), len(routes.timeline)) != (None, 0, 0)


@pytest.mark.proves("TS-4")
def test_nothing_in_a_table_can_be_changed() -> None:
    table = fold_table(history(deployed(1, tags=("stable",))))
    routes = table.handlers[HANDLER]

    with pytest.raises(TypeError):
        routes.tags["beta"] = ()  # type: ignore[index]
    with pytest.raises(TypeError):
        table.handlers["other"] = routes  # type: ignore[index]
    with pytest.raises(AttributeError):
        table.position = 7  # type: ignore[misc]


@pytest.mark.proves("TS-5")
def test_before_the_first_fact_the_table_is_empty() -> None:
    events = history(deployed(1), deployed(2))

    assert fold_until(events, at_us=at(-1)) == RouteTable()
    assert fold_until(events, position=0) == RouteTable()
    assert str(fold_until(events, at_us=at(0.5)).handlers[HANDLER].line[-1].id) == version_id(1)

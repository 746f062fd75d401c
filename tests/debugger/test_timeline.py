"""Moments, steps, differences and watches of one request, each against a full scan."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import NoSuchMomentError
from debugger.timeline import ABSENT, StepKind, Timeline, differences
from debugger.timeline.pointers import join, lookup, parts, split
from eventstore import Event, fold
from eventstore.values import same
from runtime import facts
from runtime.context import REQUEST_REDUCER
from tests.debugger.stores import Story, order
from tests.strategies import STREAM, History, as_events, histories, small_trees

STRIDES = st.sampled_from([1, 2, 3, 7, 256])
STEPS: tuple[StepKind, ...] = ("event", "mutation", "hook", "effect", "phase", "failure")


def told(history: History, stride: int = 256) -> Timeline:
    return Timeline(STREAM, tuple(history.events), stride=stride)


def timeline_of(story: Story) -> Timeline:
    return Timeline(STREAM, tuple(as_events(story.events)))


def ordered() -> Timeline:
    """The example: a good order of 23 facts."""
    ticks = iter(range(1_000_000, 2_000_000, 1_000))
    return timeline_of(order(lambda: next(ticks)))


# --- moments (TM-1, SN-1) ---


@pytest.mark.proves("TM-1", "SN-1")
@given(history=histories(), stride=STRIDES, data=st.data())
def test_a_moment_is_the_fold_of_its_prefix_in_whatever_order_moments_are_asked(
    history: History, stride: int, data: st.DataObject
) -> None:
    timeline = told(history, stride)

    for revision in data.draw(st.lists(st.integers(0, timeline.last), min_size=1, max_size=8)):
        assert timeline.state_at(revision) == fold(REQUEST_REDUCER, history.events[:revision])
        assert dict(timeline.state_at(revision).values) == history.values_at[revision]


def test_the_moment_before_the_first_fact_is_the_initial_state() -> None:
    assert ordered().state_at(0) == REQUEST_REDUCER.initial()
    assert ordered().state_at(14).values["total"] == {"$decimal": "118.00"}
    assert ordered().state_at(23).values["total"] == {"$decimal": "121.50"}


@pytest.mark.parametrize("revision", [-1, 24, 10**9])
def test_a_moment_past_either_end_is_refused(revision: int) -> None:
    with pytest.raises(NoSuchMomentError, match="23 facts"):
        ordered().state_at(revision)


@pytest.mark.proves("TM-1")
@given(history=histories(), stride=STRIDES, data=st.data())
def test_a_growing_history_answers_as_one_read_whole(
    history: History, stride: int, data: st.DataObject
) -> None:
    events = tuple(history.events)
    cut = data.draw(st.integers(1, len(events)))
    early = Timeline(STREAM, events[:cut], stride=stride)
    early.state_at(cut)
    late = early.grown(events[cut:])

    assert late.last == len(events)
    states = [late.state_at(revision) for revision in range(late.last + 1)]
    assert states == [fold(REQUEST_REDUCER, events[:r]) for r in range(len(events) + 1)]


class Counting(Sequence[Event]):
    """Facts that count how many of them are taken."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = tuple(events)
        self.taken = 0

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        found = self._events[index]
        self.taken += len(found) if isinstance(found, tuple) else 1
        return found


@pytest.mark.proves("FD-2")
def test_fifty_thousand_facts_are_walked_by_folding_a_stretch_not_the_whole() -> None:
    """Counted, not timed: after one look at the end, any moment folds one stretch."""
    story = Story().received("POST /bulk", "/bulk").handler()
    for number in range(49_990):
        story.set("n", number)
    events = Counting(as_events(story.events))
    timeline = Timeline(STREAM, events)

    assert timeline.state_at(timeline.last).values["n"] == 49_989
    events.taken = 0
    for revision in (25_003, 49_000, 25_004, 49_001, 24_999):
        assert timeline.state_at(revision).values["n"] == revision - 7
    assert events.taken < 3 * 256


# --- steps (TM-2, TM-3) ---


def stops_at(event: Event, kind: StepKind) -> bool:
    """Say by a second reckoning whether a step stops after *event*."""
    name = event.type
    what, _, how = name.partition(".")
    match kind:
        case "event":
            return True
        case "mutation":
            return what == "context" and how != "snapshotted"
        case "hook":
            return what in ("hook", "handler") and how != "registered"
        case "effect":
            return what == "effect"
        case "phase":
            names = "request.received principal.established phase.changed handler.started"
            return name in [*names.split(), "response.sent", "request.aborted"]
        case "failure":
            bad = isinstance(event.data, facts.ResponseSent) and event.data.status >= 400
            return how == "failed" or name in ("request.timed_out", "request.aborted") or bad
        case "line":
            raise AssertionError


@pytest.mark.proves("TM-2", "TM-3")
@given(history=histories())
def test_a_step_goes_to_the_nearest_stop_that_a_full_scan_finds(history: History) -> None:
    timeline = told(history)
    for kind in STEPS:
        stops = [n for n, event in enumerate(history.events, 1) if stops_at(event, kind)]
        before = [0, *stops] if kind == "event" else stops

        for revision in range(timeline.last + 1):
            after = [stop for stop in stops if stop > revision]
            earlier = [stop for stop in before if stop < revision]
            assert timeline.next(revision, kind) == min(after, default=None), kind
            assert timeline.previous(revision, kind) == max(earlier, default=None), kind


@pytest.mark.proves("TM-3")
@given(history=histories())
def test_a_step_forward_and_back_by_event_is_where_one_was(history: History) -> None:
    timeline = told(history)

    for revision in range(timeline.last):
        forward = timeline.next(revision)
        assert forward == revision + 1
        assert timeline.previous(forward) == revision
    assert timeline.next(timeline.last) is None
    assert timeline.previous(0) is None


def test_steps_of_the_order_stop_where_one_expects() -> None:
    timeline = ordered()

    assert timeline.next(0, "mutation") == 11
    assert timeline.previous(23, "mutation") == 19
    assert timeline.next(12, "effect") == 13
    assert timeline.next(0, "failure") is None
    assert timeline.first_failure is None


# --- differences (TM-12) ---


def places(values: Mapping[str, Any]) -> list[str]:
    """Every path of a state, the whole among them."""

    def walk(tree: Any, at: tuple[str, ...]) -> Iterator[str]:
        yield join(at)
        inner = parts(tree)
        if isinstance(inner, list):
            for index, item in enumerate(inner):
                yield from walk(item, (*at, str(index)))
        elif inner is not None:
            for key, item in inner.items():
                yield from walk(item, (*at, key))

    return ["", *(path for key, tree in values.items() for path in walk(tree, (key,)))]


@pytest.mark.proves("TM-12", "SN-5", "SN-7")
@given(history=histories(), data=st.data())
def test_a_difference_is_empty_iff_the_states_are_the_same(
    history: History, data: st.DataObject
) -> None:
    timeline = told(history)
    a = data.draw(st.integers(0, timeline.last))
    b = data.draw(st.integers(0, timeline.last))

    equal = same(history.values_at[a], history.values_at[b])

    assert (timeline.diff(a, b) == []) == equal


@pytest.mark.proves("TM-12")
@given(history=histories(), data=st.data())
def test_each_row_of_a_difference_holds_what_is_at_its_path(
    history: History, data: st.DataObject
) -> None:
    timeline = told(history)
    a = data.draw(st.integers(0, timeline.last))
    b = data.draw(st.integers(0, timeline.last))
    before, after = history.values_at[a], history.values_at[b]

    for row in timeline.diff(a, b):
        old, new = lookup(before, split(row.path)), lookup(after, split(row.path))
        if row.sign == "~":
            assert same(old, row.before)
            assert same(new, row.after)
            assert not same(old, new)
        elif row.sign == "-":
            assert same(old, row.before)
        else:
            assert same(new, row.after)


def test_a_difference_steps_over_envelopes_and_shows_what_came_and_went() -> None:
    item = {"$obj": ["shop.Item@1", {"sku": "mug", "rates": {"$dict": [[2026, 1], [2027, 2]]}}]}
    other = {"$obj": ["shop.Item@1", {"sku": "cup", "rates": {"$dict": [[2026, 1], [2027, 3]]}}]}
    story = Story().set("item", item).set("list", [1, 2, 3]).set("note", None)
    story.set("item", other).set("list", [1, 9, 8, 3]).set("pair", {"$tuple": [1, 2]})
    story.add(facts.ContextDeleted(), "note")

    rows = [(row.sign, row.path, row.before, row.after) for row in timeline_of(story).diff(3, 7)]

    assert rows == [
        ("-", "/note", None, None),
        ("~", "/item/sku", "mug", "cup"),
        ("~", "/item/rates/2027", 2, 3),
        ("-", "/list/1", 2, None),
        ("+", "/list/1", None, 9),
        ("+", "/list/2", None, 8),
        ("+", "/pair", None, {"$tuple": [1, 2]}),
    ]


def test_one_and_one_point_nought_and_true_are_three_values() -> None:
    story = Story()
    for value in (1, 1.0, True, True):
        story.set("x", value)
    timeline = timeline_of(story)

    assert [len(timeline.diff(n, n + 1)) for n in (1, 2, 3)] == [1, 1, 0]


def test_a_key_that_was_set_again_later_stands_behind_and_is_told() -> None:
    story = Story().set("a", 1).set("b", 2).add(facts.ContextDeleted(), "a").set("a", 1)
    rows = [(row.sign, row.path) for row in timeline_of(story).diff(2, 4)]

    assert rows == [("-", "/a"), ("+", "/a")]


def test_objects_of_two_classes_differ_as_wholes() -> None:
    cat, dog = ({"$obj": [f"zoo.{name}@1", {"age": 3}]} for name in ("Cat", "Dog"))

    rows = differences({"pet": cat}, {"pet": dog})

    assert [(row.sign, row.path) for row in rows] == [("~", "/pet")]


@pytest.mark.proves("TM-12", "SN-5")
@given(items=st.lists(small_trees, min_size=1, max_size=6), new=small_trees, data=st.data())
def test_one_item_changed_in_a_list_shows_below_that_item_only(
    items: list[Any], new: Any, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    changed = [*items[:index], new, *items[index + 1 :]]
    rows = differences({"list": items}, {"list": changed})

    assert (rows == []) == same(items[index], new)
    assert all(split(row.path)[:2] == ("list", str(index)) for row in rows)


@pytest.mark.proves("TM-12", "SN-5")
@given(
    items=st.lists(small_trees, max_size=6), put=st.lists(small_trees, max_size=3), data=st.data()
)
def test_a_splice_shows_no_more_than_what_came_and_went(
    items: list[Any], put: list[Any], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(items)))
    gone = data.draw(st.integers(0, len(items) - start))
    changed = [*items[:start], *put, *items[start + gone :]]
    rows = differences({"list": items}, {"list": changed})

    if len(put) != gone:
        signs = [row.sign for row in rows]
        assert signs.count("-") <= gone
        assert signs.count("+") <= len(put)
        assert signs.count("+") - signs.count("-") == len(put) - gone
    assert (rows == []) == same(items, changed)


# --- reverse watch (TM-5) and last writes (TM-6) ---


def scanned_change(history: History, path: str, revision: int) -> int | None:
    """Find the last change by looking at every moment."""
    tokens = split(path)
    for at in range(revision, 0, -1):
        old, new = (lookup(history.values_at[n], tokens) for n in (at - 1, at))
        if (old is ABSENT) != (new is ABSENT) or (old is not ABSENT and not same(old, new)):
            return at
    return None


@pytest.mark.proves("TM-5")
@given(history=histories(), data=st.data())
def test_the_last_change_is_the_one_that_a_full_scan_finds(
    history: History, data: st.DataObject
) -> None:
    timeline = told(history)
    known = sorted({path for values in history.values_at for path in places(values)})
    for path in data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=6)):
        for revision in (timeline.last, data.draw(st.integers(0, timeline.last))):
            found = timeline.last_change(path, revision)

            assert (found.revision if found else None) == scanned_change(history, path, revision)
            assert found is None or found.changed


@pytest.mark.proves("TM-5")
@given(history=histories(), data=st.data())
def test_writes_tell_the_value_before_and_after_and_miss_no_change(
    history: History, data: st.DataObject
) -> None:
    timeline = told(history)
    known = sorted({path for values in history.values_at for path in places(values)})
    path = data.draw(st.sampled_from(known))
    tokens = split(path)
    writes = timeline.writes(path)

    for write in writes:
        before, after = (lookup(history.values_at[write.revision - n], tokens) for n in (1, 0))
        assert (write.before, write.after) == (before, after)
        assert write.by == running(timeline, write.revision)
        assert write.site == timeline.fact(write.revision).site
    changed = [write.revision for write in writes if write.changed]
    scanned = [r for r in range(1, timeline.last + 1) if scanned_change(history, path, r) == r]
    assert changed == scanned


def running(timeline: Timeline, revision: int) -> str:
    span = timeline.state_at(revision).span
    return span.id if span else ""


@pytest.mark.proves("TM-5")
@given(history=histories())
def test_whose_code_ran_is_known_at_every_moment(history: History) -> None:
    timeline = told(history)

    for revision in range(timeline.last + 1):
        assert timeline.by(revision) == running(timeline, revision)


@pytest.mark.proves("TM-5")
@given(history=histories())
def test_the_next_change_undoes_the_last(history: History) -> None:
    timeline = told(history)

    for key in timeline.keys:
        path = join((key,))
        last = timeline.last_change(path, timeline.last)
        if last is not None:
            found = timeline.next_change(path, last.revision - 1)
            assert found is not None
            assert found.revision == last.revision


@pytest.mark.proves("TM-6")
@given(history=histories(), data=st.data())
def test_every_key_there_has_a_last_write_that_left_it_as_it_is(
    history: History, data: st.DataObject
) -> None:
    timeline = told(history)
    revision = data.draw(st.integers(0, timeline.last))
    found = timeline.last_writes(revision)

    assert list(found) == list(history.values_at[revision])
    for key, write in found.items():
        assert write.revision <= revision
        assert write.by == running(timeline, write.revision)
        later = range(write.revision, revision + 1)
        assert all(
            same(history.values_at[r].get(key), history.values_at[revision][key]) for r in later
        )


def test_the_order_knows_who_wrote_its_total() -> None:
    timeline = ordered()
    last = timeline.last_change("/total", 23)
    first = timeline.last_change("total", 16)

    assert last is not None
    assert (last.revision, last.by, last.site) == (17, "shop.place_order", "shop.py:36")
    assert (last.before, last.after) == ({"$decimal": "118.00"}, {"$decimal": "121.50"})
    assert first is not None
    assert first.before is ABSENT
    assert timeline.last_change("/nothing", 23) is None


def test_an_element_that_a_splice_left_alone_keeps_its_write() -> None:
    timeline = ordered()

    left_alone = timeline.last_write("/items/0", 23)
    put_in = timeline.last_write("/items/1", 23)

    assert left_alone is not None
    assert left_alone.revision == 11
    assert put_in is not None
    assert put_in.revision == 16


def test_a_delete_and_a_clean_are_writes_and_none_is_not_absence() -> None:
    story = Story().set("a", None).add(facts.ContextDeleted(), "a").set("a", 1)
    story.add(facts.ContextCleaned())
    writes = timeline_of(story).writes("/a")

    assert [(w.type, w.before, w.after) for w in writes] == [
        ("context.set", ABSENT, None),
        ("context.deleted", None, ABSENT),
        ("context.set", ABSENT, 1),
        ("context.cleaned", 1, ABSENT),
    ]


def test_a_clean_is_no_write_of_what_was_gone_before() -> None:
    story = Story().set("a", 1).add(facts.ContextCleaned()).set("b", 1).add(facts.ContextCleaned())

    assert [w.revision for w in timeline_of(story).writes("/a")] == [1, 2]
    assert [w.revision for w in timeline_of(story).writes("/b")] == [3, 4]


def test_a_restore_of_the_whole_state_at_once_writes_every_key() -> None:
    story = Story().set("a", 1).set("b", 2)
    story.add(facts.ContextRestored(1, (facts.Change("replace", (), {"a": 1, "c": 3}),)), "s")
    timeline = timeline_of(story.set("c", 4).add(facts.ContextCleaned()))

    assert [(w.revision, w.before, w.after) for w in timeline.writes("/b")] == [
        (2, ABSENT, 2),
        (3, 2, ABSENT),
    ]
    assert [w.revision for w in timeline.writes("/c")] == [3, 4, 5]
    assert timeline.value_at(4, "/c") == 4


def test_an_edit_of_a_key_that_never_was_changes_nothing() -> None:
    story = Story().edit("a", facts.Change("replace", (0,), 1)).set("a", 5)
    story.edit("a", facts.Change("remove", ("x",)))
    writes = timeline_of(story).writes("/a")

    assert [(w.before, w.after, w.changed) for w in writes] == [
        (ABSENT, ABSENT, False),
        (ABSENT, 5, True),
        (5, 5, False),
    ]


def test_a_write_inside_a_dict_of_other_keys_is_found_by_its_path() -> None:
    rates = {"$dict": [[2026, {"$decimal": "0.19"}], [2027, {"$decimal": "0.19"}]]}
    change = facts.Change("replace", ("$dict", 1, 1), {"$decimal": "0.21"})
    timeline = timeline_of(Story().set("rates", rates).edit("rates", change))
    found = timeline.last_change("/rates/2027", 2)
    other = timeline.last_change("/rates/2026", 2)

    assert found is not None
    assert (found.revision, found.after) == (2, {"$decimal": "0.21"})
    assert other is not None
    assert other.revision == 1


def test_pairs_put_into_a_dict_of_other_keys_are_a_write_of_that_dict() -> None:
    change = facts.Change("splice", ("$dict", 0), [[0, None]], 2)
    story = Story().set("rates", {"$dict": [[1, "a"], [2, "b"]]}).edit("rates", change)
    timeline = timeline_of(story)

    assert [w.revision for w in timeline.writes("/rates")] == [1, 2]
    assert [w.after for w in timeline.writes("/rates/1")] == ["a", ABSENT]


# --- search (TM-11) ---


@pytest.mark.proves("TM-11")
@given(history=histories(), data=st.data())
def test_a_text_of_any_fact_is_found_in_order_in_any_letter_case(
    history: History, data: st.DataObject
) -> None:
    timeline = told(history)
    revision = data.draw(st.integers(1, timeline.last))
    event = timeline.fact(revision)
    text = data.draw(st.sampled_from([t for t in (event.type, event.key, event.site) if t]))
    found = timeline.search(text.upper() if text.isascii() else text)

    assert revision in found
    assert found == sorted(set(found))
    assert found == [
        n
        for n, e in enumerate(timeline.events, 1)
        if any(text.casefold() in part.casefold() for part in (e.type, e.key or "", e.site or ""))
        or n in timeline.search(text)
    ]


def test_search_looks_into_data_and_finds_nothing_for_nothing() -> None:
    story = Story().set("a", {"note": 'say "hi"\nthere'}).set("b", "tea")
    timeline = timeline_of(story)

    assert timeline.search('"hi"\nTHERE') == [1]
    assert timeline.search("tea") == [2]
    assert timeline.search("shop.py:30") == [1, 2]
    assert timeline.search("coffee") == []
    assert timeline.search("") == []
    assert timeline.search("\ud800") == []

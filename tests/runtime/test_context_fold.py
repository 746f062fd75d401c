"""The fold of a request: what each fact does, and the laws every fold must keep."""

import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event, Keepable, NewEvent, Reducer, UnknownEvent, fold
from runtime import facts, transform_facts
from runtime.context import (
    REQUEST_REDUCER,
    VOCABULARY,
    Compensation,
    Folding,
    PendingEffect,
    RequestState,
    Span,
    state_bytes,
    state_from_bytes,
)
from runtime.context.fold import EFFECTS
from runtime.facts import REQUEST_FACTS, Change, Fact, Failure
from runtime.gate_facts import GATE_FACTS
from runtime.policy_facts import POLICY_FACTS
from runtime.queue_facts import DELIVERY_FACTS
from runtime.transform_facts import TRANSFORM_FACTS
from runtime.undo_facts import UNDO_FACTS
from tests.strategies import FACTS, STREAM, History, as_events, histories, new_events

REDUCER: Reducer[RequestState] = REQUEST_REDUCER
INITIAL = REDUCER.initial()


def after(*steps: tuple[Fact, str | None]) -> RequestState:
    """Fold *steps*, each 10 µs after the one before."""
    drawn = [NewEvent(f.type, f, key, 10 * i) for i, (f, key) in enumerate(steps, 1)]
    return fold(REDUCER, as_events(drawn))


def steps_of(events: list[Event], start: RequestState = INITIAL) -> list[RequestState]:
    states = [start]
    for event in events:
        states.append(REDUCER.apply(states[-1], event))
    return states


# --- the vocabulary ---

OF_REQUESTS = (
    REQUEST_FACTS + UNDO_FACTS + POLICY_FACTS + TRANSFORM_FACTS + DELIVERY_FACTS + GATE_FACTS
)


def test_the_table_holds_every_fact_of_a_request() -> None:
    assert set(EFFECTS) == set(OF_REQUESTS)


def declared(cls: type[Fact] = Fact) -> set[type[Fact]]:
    found = {each for each in cls.__subclasses__() if each.__module__.startswith("runtime.")}
    return found.union(*map(declared, found)) if found else found


def test_every_fact_has_a_strategy_and_a_place_in_the_vocabulary() -> None:
    assert declared() == set(VOCABULARY) == set(FACTS)


def test_stored_names_are_dotted_past_tense_and_used_once() -> None:
    names = [fact.type for fact in VOCABULARY]

    assert len(set(names)) == len(names)
    for fact in VOCABULARY:
        subject, _, happened = fact.type.partition(".")
        told = {"ran", "set", "sent", "hit"}
        assert subject.isidentifier()
        particle = happened in {"timed_out", "rolled_back"}
        assert happened.endswith("ed") or happened in told or particle


@pytest.mark.proves("EF-7")
def test_no_payload_holds_a_time() -> None:
    for fact in OF_REQUESTS:
        hints = typing.get_type_hints(fact)
        assert not [n for n in hints if n.endswith(("_us", "_ms", "_at", "duration"))], fact


# --- laws ---


@pytest.mark.proves("FD-1", "SN-1")
@given(history=histories(), data=st.data())
def test_folding_on_from_anywhere_gives_the_whole_fold(
    history: History, data: st.DataObject
) -> None:
    events = history.events
    cut = data.draw(st.integers(0, len(events)))
    states = steps_of(events)

    assert fold(REDUCER, events) == states[-1]
    assert fold(REDUCER, events[:cut]) == states[cut]
    assert fold(REDUCER, events[cut:], start=states[cut]) == states[-1]


@pytest.mark.proves("FD-2", "FD-4")
@given(history=histories(), data=st.data())
def test_a_kept_state_folds_on_as_it_was(history: History, data: st.DataObject) -> None:
    events = history.events
    cut = data.draw(st.integers(0, len(events)))
    state = fold(REDUCER, events[:cut])
    kept = REQUEST_REDUCER.load(REQUEST_REDUCER.dump(state))

    assert isinstance(REDUCER, Keepable)
    assert kept == state
    assert REQUEST_REDUCER.dump(kept) == REQUEST_REDUCER.dump(state)
    assert fold(REDUCER, events[cut:], start=kept) == fold(REDUCER, events)


@pytest.mark.proves("FD-1")
@given(drawn=st.lists(new_events, max_size=12))
def test_the_fold_answers_for_every_order_of_facts(drawn: list[NewEvent]) -> None:
    """Total: also for histories that no runtime would write."""
    events = as_events(drawn)
    states = steps_of(events)

    assert fold(REDUCER, events) == states[-1]
    assert states[-1].revision == len(events)


@pytest.mark.proves("SN-1")
@given(history=histories())
def test_user_state_is_what_a_plain_dict_would_hold(history: History) -> None:
    """After every fact, keys in the same order."""
    for state, expected in zip(steps_of(history.events), history.values_at, strict=True):
        assert list(state.values.items()) == list(expected.items())


@pytest.mark.proves("SN-1")
@given(history=histories())
def test_a_state_never_changes_and_keeps_no_hold_of_the_fold(history: History) -> None:
    """States taken on the way are the same afterwards; taking them changes nothing."""
    folding = Folding()
    taken = [(folding.state, state_bytes(folding.state))]
    for e in history.events:
        folding.add(e.data, e.key, e.revision, e.at_us, e.site)
        taken.append((folding.state, state_bytes(folding.state)))

    assert all(state_bytes(state) == before for state, before in taken)
    assert folding.state == fold(REDUCER, history.events)
    assert folding.state is folding.state


@pytest.mark.proves("SN-1")
@given(drawn=st.lists(new_events, max_size=8))
def test_a_state_survives_its_bytes(drawn: list[NewEvent]) -> None:
    state = fold(REDUCER, as_events(drawn))

    again = state_from_bytes(state_bytes(state))

    assert again == state
    assert list(again.values) == list(state.values)
    assert state_bytes(again) == state_bytes(state)


@pytest.mark.proves("SN-1")
def test_a_state_refuses_to_be_changed() -> None:
    for state in (
        after((facts.ContextSet(1), "a")),
        state_from_bytes(state_bytes(after((facts.ContextSet(1), "a")))),
        INITIAL,
    ):
        frozen: Any = state
        with pytest.raises(TypeError):
            frozen.values["a"] = 2
        with pytest.raises(TypeError):
            frozen.pending[1] = None
        with pytest.raises(TypeError):
            frozen.snapshots["a"] = 1
        with pytest.raises(AttributeError):
            frozen.phase = "x"


def test_a_state_holds_plain_data_only() -> None:
    with pytest.raises(TypeError):
        state_bytes(msgspec.structs.replace(INITIAL, values={"a": object()}))


@pytest.mark.proves("UP-4")
def test_an_unknown_fact_only_moves_revision_and_line() -> None:
    known = after((facts.ContextSet(1), "a"))
    stranger = Event(9, STREAM, 9, "x.y", UnknownEvent({}), "k", 99, "new.py:1")  # type: ignore[arg-type]

    moved = REDUCER.apply(known, stranger)

    assert moved == msgspec.structs.replace(known, revision=9, site="new.py:1")


# --- what each fact does ---

RECEIVED = facts.RequestReceived("POST", "POST /orders", "post-orders", "/orders", "0" * 32)
OPENING: list[tuple[Fact, str | None]] = [
    (RECEIVED, "POST /orders"),
    (facts.VersionResolved("2026-10-01"), "tsv:1-post-orders-1"),
    (facts.PrincipalEstablished("user"), "ann"),
    (facts.PhaseChanged(), "authorized"),
    (facts.PhaseChanged(), "validated"),
]
STARTED: list[tuple[Fact, str | None]] = [*OPENING, (facts.HandlerStarted(), "post-orders")]


@pytest.mark.proves("LC-10")
def test_a_good_request_passes_all_its_phases() -> None:
    steps = [*STARTED, (facts.HandlerEnded(), "post-orders"), (facts.ResponseSent(200), "200")]

    assert [after(*steps[:n]).phase for n in range(len(steps) + 1)] == [
        "", "received", "received", "authenticated", "authorized", "validated",
        "processing", "processing", "completed",
    ]  # fmt: skip
    assert after(*steps) == RequestState(
        phase="completed", method="POST", route="POST /orders", handler="post-orders",
        version="tsv:1-post-orders-1", edition="2026-10-01", principal="ann",
        status=200, terminal=True, revision=8, started_us=10,
    )  # fmt: skip


@pytest.mark.proves("LC-10")
def test_a_failing_request_ends_failed_and_an_aborted_one_aborted() -> None:
    failing = [*STARTED, (facts.PhaseChanged(), "failing")]

    failed = after(*failing, (facts.ResponseSent(500), "500"))
    aborted = after(*failing, (facts.RequestAborted(), "crash"))

    assert (failed.phase, failed.status, failed.terminal) == ("failed", 500, True)
    assert (aborted.phase, aborted.status, aborted.terminal) == ("aborted", None, True)


@pytest.mark.proves("SN-1")
def test_a_refused_version_and_nobody_are_shown_so() -> None:
    state = after(
        (RECEIVED, None), (facts.VersionResolved(error="unknown"), None),
        (facts.PrincipalEstablished(), None),
    )  # fmt: skip

    assert (state.version, state.edition, state.principal) == (None, None, "anonymous")


@pytest.mark.proves("TX-7")
def test_a_request_that_fell_back_runs_its_own_version() -> None:
    placed = transform_facts.VersionPlaced("transform-failed", "2026-03-01")

    state = after(*OPENING, (placed, "tsv:1-post-orders-0"))

    assert (state.version, state.edition) == ("tsv:1-post-orders-0", "2026-03-01")


@pytest.mark.proves("SN-1")
def test_the_running_hook_or_handler_is_known_with_its_attempt() -> None:
    hook = facts.HookStarted("before", "route", 2)
    failed = facts.HookFailed("before", Failure("E1"), 1, 2, will_retry=True)

    assert after(*STARTED).span == Span("handler", "", "post-orders", 1, 6)
    assert after((hook, "auth.check")).span == Span("before", "route", "auth.check", 2, 1)
    assert after((hook, "a"), (facts.HookEnded("before"), "a")).span is None
    assert after((hook, "a"), (failed, "a")).span is None
    assert after(*STARTED, (facts.HandlerEnded(), "h")).span is None
    assert after(*STARTED, (facts.HandlerFailed(Failure("E")), "h")).span is None


@pytest.mark.proves("SN-1")
def test_the_first_failure_counts_and_one_that_is_retried_does_not() -> None:
    again = facts.HookFailed("after", Failure("Retried"), 1, 2, will_retry=True)
    first = facts.HookFailed("after", Failure("First"), 2, 2)
    later = facts.HandlerFailed(Failure("Later"))
    first_of_handler = facts.HandlerFailed(Failure("H"))

    assert after((again, "h")).failure is None
    assert after((again, "h"), (first, "h"), (later, "h")).failure == Failure("First")
    assert after((first_of_handler, "h"), (first, "x")).failure == Failure("H")
    assert after((facts.RequestTimedOut(1.0), None)).timed_out


@pytest.mark.proves("SN-1")
def test_context_facts_change_the_values() -> None:
    edit = facts.ContextEdited((Change("add", ("b",), 2),))
    made = facts.ContextEdited((Change("splice", (0,), [5]),), created=True, default=[])
    misfit = facts.ContextEdited((Change("remove", ("x",)),))
    restored = facts.ContextRestored(1, (Change("remove", ("b",)), Change("replace", ("a",), 9)))
    no_state = facts.ContextRestored(1, (Change("replace", (), 5),))
    a, b = (facts.ContextSet({"a": 1}), "a"), (facts.ContextSet(None), "b")

    def values(*steps: tuple[Fact, str | None]) -> dict[str, Any]:
        return dict(after(*steps).values)

    assert values(a, b) == {"a": {"a": 1}, "b": None}
    assert values(a, (edit, "a")) == {"a": {"a": 1, "b": 2}}
    assert values((made, "l")) == {"l": [5]}
    assert values(a, (misfit, "a"), (edit, "absent")) == {"a": {"a": 1}}
    assert values(a, b, (facts.ContextDeleted(), "a")) == {"b": None}
    assert values(a, (facts.ContextDeleted(), "absent")) == {"a": {"a": 1}}
    assert values(a, b, (facts.ContextCleaned(), None)) == {}
    assert values(a, b, (restored, "s")) == {"a": 9}
    assert values(a, (restored, "s")) == {"a": {"a": 1}}
    assert values(a, (no_state, "s")) == {"a": {"a": 1}}


@pytest.mark.proves("SN-2")
def test_a_snapshot_names_the_moment_before_its_fact() -> None:
    state = after((facts.ContextSet(1), "a"), (facts.ContextSnapshotted(), "paid"))

    assert state.snapshots == {"paid": 1}


@pytest.mark.proves("SN-1", "EF-1")
def test_effects_are_pending_until_they_are_answered() -> None:
    one = (facts.EffectRequested(1, "now"), "now")
    two = (facts.EffectRequested(2, "module"), "pricing.quote")

    state = after(one, two)

    assert state.pending == {
        1: PendingEffect(1, "now", "now", 1),
        2: PendingEffect(2, "module", "pricing.quote", 2),
    }
    assert state.effects == 2
    assert list(after(one, two, (facts.EffectReturned(1), "now")).pending) == [2]
    failed = after(one, two, (facts.EffectFailed(2, Failure("E")), "pricing.quote"))
    assert (list(failed.pending), failed.effects) == ([1], 2)


@pytest.mark.proves("SN-1", "CN-5")
def test_compensations_stand_until_they_ran_or_failed() -> None:
    one = (facts.CompensationRegistered("stock.release", [1]), "c1")
    two = (facts.CompensationRegistered("mail.recall"), "c2")

    assert after(one, two).compensations == (
        Compensation("c1", "stock.release", [1]),
        Compensation("c2", "mail.recall", None),
    )
    left = after(one, two, (facts.CompensationRan(), "c2")).compensations
    assert left == (Compensation("c1", "stock.release", [1]),)
    for done in (facts.CompensationFailed(), facts.CompensationCancelled()):
        assert after(one, (done, "c1")).compensations == ()


def test_the_line_that_spoke_last_is_kept() -> None:
    events = [
        NewEvent("context.set", facts.ContextSet(1), "a", 1, "shop.py:3"),
        NewEvent("context.deleted", facts.ContextDeleted(), "a", 2),
    ]

    assert fold(REDUCER, as_events(events)).site == "shop.py:3"


def test_adding_a_fact_does_not_copy_what_the_state_holds() -> None:
    """Else folding n facts would take n² steps."""
    folding = Folding(after(*[(facts.ContextSet(i), f"k{i}") for i in range(100)]))
    folding.add(facts.ContextSet(1), "a", 1, 1)
    values = folding.values

    for i in range(100):
        folding.add(facts.ContextSet(i), f"b{i}", i, i)
        folding.add(facts.CompensationRegistered("x"), f"c{i}", i, i)

    assert folding.values is values
    assert len(folding.state.values) == 201
    assert len(folding.state.compensations) == 100


@pytest.mark.proves("CH-6", "FD-1")
@pytest.mark.parametrize(
    "base",
    [{"$redacted": True}, {"lines": {"$redacted": True}}, [{"card": {"$redacted": True}}]],
)
def test_an_edit_of_what_was_redacted_gives_a_redacted_value(base: Any) -> None:
    """Nobody knows any more what it made; a value from before it would be a wrong one."""
    edit = facts.ContextEdited((Change("replace", ("lines", 0), 7),))
    state = after((facts.ContextSet(base), "cart"), (facts.ContextSet(1), "n"), (edit, "cart"))

    assert state.values == {"cart": {"$redacted": True}, "n": 1}


@pytest.mark.proves("CH-6")
def test_an_edit_beside_what_was_redacted_is_made() -> None:
    edit = facts.ContextEdited((Change("replace", ("n",), 7),))
    base = {"card": {"$redacted": True}, "n": 1}
    state = after((facts.ContextSet(base), "cart"), (edit, "cart"))

    assert state.values == {"cart": {"card": {"$redacted": True}, "n": 7}}


@pytest.mark.proves("CH-6")
def test_a_restore_that_no_longer_fits_leaves_what_was_redacted_redacted() -> None:
    restore = facts.ContextRestored(revision=1, patch=(Change("replace", ("cart", "lines", 0), 7),))
    base = {"lines": {"$redacted": True}}
    state = after((facts.ContextSet(base), "cart"), (facts.ContextSet(1), "n"), (restore, None))

    assert state.values == {"cart": {"$redacted": True}, "n": 1}

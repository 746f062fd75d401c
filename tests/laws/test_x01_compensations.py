"""X1: compensations run last in first out, for their own request, after a crash too."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import Event, NewEvent, StreamId
from eventstore.memory import MemoryStore
from runtime import Backoff, GlobalContext, LocalContext, Sensitive, retrying
from runtime.context import REQUEST, registry
from runtime.modules import ModuleRegistry
from runtime.testing import FakeClock, SeededIds, run_virtual
from tests.builders import version_of
from tests.controlled import Controlled
from tests.laws.grammar import check_stream

Step = tuple[str, int]


class Warehouse:
    """Undoes; what is odd never, what is above 90 not in time, 8 only when asked again."""

    def __init__(self) -> None:
        self.undone: list[int] = []
        self.fails = frozenset[int]()

    async def undo(self, what: int, *, by: str = "") -> None:
        self.undone.append(what)
        if what > 90:
            await asyncio.sleep(1_000)
        if what % 2 or (what == 8 and self.undone.count(8) == 1):
            raise ValueError

    async def refund(self, card: Annotated[str, Sensitive]) -> None:
        self.undone.append(len(card))


def modules(warehouse: Warehouse) -> ModuleRegistry:
    made = ModuleRegistry()
    made.register("warehouse", warehouse)
    return made


@contextmanager
def alerts() -> Iterator[list[str]]:
    """Collect what the runtime says as an error."""
    said: list[str] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, handler = logging.getLogger("timescape"), Collecting(logging.ERROR)
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


def handler(program: Sequence[Step], *, fails: bool) -> Callable[..., Any]:
    async def handle(lctx: LocalContext, gctx: GlobalContext) -> None:
        last = ""
        for what, number in program:
            if what == "method":
                last = lctx.compensate(gctx.modules.warehouse.undo, number)
            elif what == "retried":
                undo = retrying(gctx.modules.warehouse.undo, 2, Backoff(0.5, 2.0, 4.0))
                last = lctx.compensate(undo, number)
            elif what == "named":
                last = lctx.compensate(gctx.modules.warehouse.undo, number, by="hand")
            elif what == "closure":
                last = lctx.compensate(print_nothing, number)
            elif what == "cancel":
                lctx.cancel_compensation(last)
            else:
                lctx.set("n", number)
        if fails:
            raise KeyError

    return handle


def print_nothing(number: int) -> None:
    """Be a closure: only this process knows it."""


programs = st.lists(
    st.tuples(
        st.sampled_from(["method", "retried", "named", "closure", "cancel", "set"]),
        st.sampled_from([2, 4, 6, 7, 8, 92]),
    ),
    max_size=6,
)


def recorded(program: Sequence[Step], *, fails: bool, seed: int) -> list[Event]:
    """Run it on a store of its own; give its facts."""
    gctx = GlobalContext(modules(Warehouse()))
    harness = Controlled(version_of(handler(program, fails=fails)), gctx=gctx, seed=seed)
    told = run_virtual(harness.send())
    harness.controller.close()
    return list(told.facts)


def crashed(streams: Sequence[Sequence[Event]]) -> MemoryStore:
    """Give a store that holds these facts, and in which all of the streams are open."""
    store = MemoryStore(registry=registry(), clock=FakeClock(), ids=SeededIds(9))
    for facts in streams:
        events = [NewEvent(e.type, e.data, e.key, e.at_us, e.site) for e in facts]
        store.append(facts[0].stream, events, kind=REQUEST.name, expected=0).result()
    return store


def recover(store: MemoryStore) -> list[int]:
    """Be the log's next holder; give what was undone."""
    warehouse = Warehouse()
    made = modules(warehouse)
    harness = Controlled(store=store, gctx=GlobalContext(made))
    run_virtual(harness.controller.recover(made))
    harness.controller.close()
    return warehouse.undone


def outstanding(facts: Sequence[Event]) -> list[tuple[str | None, Any]]:
    """Say, from the names of facts alone, what is still to be undone, oldest first."""
    left: list[tuple[str | None, Any]] = []
    for fact in facts:
        if fact.type == "compensation.registered":
            left.append((fact.key, fact.data))
        elif fact.type.startswith("compensation.") and fact.type != "compensation.retried":
            left = [each for each in left if each[0] != fact.key]
    return left


def number_of(fact: Any) -> int:
    args = fact.args["args"] if isinstance(fact.args, dict) else fact.args
    number: int = args[0]
    return number


def attempts(facts: Sequence[Any]) -> tuple[list[int], int]:
    """Say what is called to undo *facts*, in order, and how many of them fail in the end."""
    called: list[int] = []
    failures = 0
    for fact in facts:
        number = number_of(fact)
        for n in range(fact.retries + 1):
            called.append(number)
            fails = number % 2 or number > 90 or (number == 8 and called.count(8) == 1)
            if not fails:
                break
            failures += n == fact.retries
    return called, failures


@pytest.mark.proves("X1", "CN-5", "CN-7", "P3")
@given(
    drawn=st.lists(st.tuples(programs, st.booleans()), min_size=1, max_size=2),
    cut=st.integers(0, 30),
    again=st.integers(0, 12),
)
def test_x01_what_a_crash_left_is_undone_in_order_by_the_next_holder(
    drawn: list[tuple[list[Step], bool]], cut: int, again: int
) -> None:
    """Seen to fail with compensations in the order of their registration."""
    whole = [recorded(p, fails=fails, seed=i) for i, (p, fails) in enumerate(drawn)]
    cuts = [facts[: 1 + cut % (len(facts) - 1)] for facts in whole]
    left = [outstanding(facts) for facts in cuts]
    event(f"something was left: {any(left)}")
    event(f"it failed already: {any(e.type == 'phase.changed' for e in cuts[0])}")

    store = crashed(cuts)
    with alerts() as said:
        undone = recover(store)

    facts = [fact for each in left for _, fact in reversed(each) if fact.module]
    expected, failures = attempts(facts)
    event(f"one was tried again: {len(expected) > len(facts)}")
    assert undone == expected
    lost = [fact for each in left for _, fact in each if not fact.module]
    assert len(said) == len(lost) + failures
    for facts in cuts:
        ended(store, facts[0].stream)
    assert store.open_streams(REQUEST.name) == []
    _once_more(store, cuts[0], again)


def _once_more(store: MemoryStore, before: Sequence[Event], again: int) -> None:
    """Crash while recovering: the third holder does what is left, and may repeat one."""
    facts = list(store.read(before[0].stream))
    at = min(len(before) + again, len(facts) - 1)
    third = crashed([facts[:at]])
    undone = recover(third)
    left = [fact for _, fact in reversed(outstanding(facts[:at])) if fact.module]
    assert undone == attempts(left)[0]
    ended(third, before[0].stream)


def ended(store: MemoryStore, stream: StreamId) -> None:
    facts = list(store.read(stream))
    check_stream(facts)
    assert (facts[-1].type, facts[-1].key) == ("request.aborted", "crash")
    assert store.head(stream).closed
    assert outstanding(facts) == []


@pytest.mark.proves("X1", "CN-7")
def test_methods_of_modules_are_undone_last_first_and_closures_are_told_of() -> None:
    program = [("method", 2), ("closure", 4), ("named", 6), ("set", 1)]
    facts = recorded(program, fails=False, seed=1)
    at = next(i for i, fact in enumerate(facts) if fact.type == "context.set") + 1
    store = crashed([facts[:at]])

    with alerts() as said:
        assert recover(store) == [6, 2]

    after = list(store.read(facts[0].stream))[at:]
    assert [fact.type for fact in after] == [
        "handler.failed", "phase.changed",
        "effect.requested", "effect.returned", "compensation.ran",
        "compensation.failed",
        "effect.requested", "effect.returned", "compensation.ran",
        "request.aborted",
    ]  # fmt: skip
    assert after[5].data.reason == "not-recoverable"
    assert after[0].data.failure.message == "The request was stopped: crash. Send it again."
    assert len(said) == 1
    assert said[0].endswith("name=tests.laws.test_x01_compensations.print_nothing")


@pytest.mark.proves("X1", "CN-5", "CN-7")
def test_who_recovers_what_died_between_two_attempts_begins_with_the_first() -> None:
    facts = recorded([("retried", 8), ("retried", 7)], fails=True, seed=1)
    tried = [i for i, fact in enumerate(facts) if fact.type == "compensation.retried"]
    assert [facts[i].data.attempt for i in tried] == [1, 2, 1]

    for at, undone in ((tried[0], [7, 7, 7, 8, 8]), (tried[2], [8, 8])):
        store = crashed([facts[: at + 1]])
        with alerts() as said:
            assert recover(store) == undone
        assert len(said) == (7 in undone)
        ended(store, facts[0].stream)


@pytest.mark.proves("CN-7")
def test_what_is_sensitive_is_not_recorded_and_so_cannot_be_undone_later() -> None:
    async def handle(lctx: LocalContext, gctx: GlobalContext) -> None:
        lctx.compensate(gctx.modules.warehouse.refund, "4111-1111")
        raise KeyError

    warehouse = Warehouse()
    made = modules(warehouse)
    told = run_virtual(Controlled(version_of(handle), gctx=GlobalContext(made)).send())
    registered = next(i for i, f in enumerate(told.facts) if f.type == "compensation.registered")

    assert warehouse.undone == [9]
    assert "4111" not in str(told.facts)
    store = crashed([told.facts[: registered + 1]])
    assert recover(store) == []
    failed = [f for f in store.read(told.stream) if f.type == "compensation.failed"]
    assert [fact.data.reason for fact in failed] == ["not-recoverable"]


@pytest.mark.proves("CN-7")
def test_a_fork_that_nobody_closed_is_not_a_request_that_crashed() -> None:
    facts = recorded([("set", 1)], fails=False, seed=1)
    store = crashed([facts[:6]])
    fork = StreamId(SeededIds(5).uuid7(0))
    event = facts[6]
    store.append(
        fork, [NewEvent(event.type, event.data, event.key)], kind=REQUEST.name, expected=0,
        parent=(facts[0].stream, facts[5].revision),
    ).result()  # fmt: skip

    recover(store)

    assert store.head(facts[0].stream).closed
    assert not store.head(fork).closed

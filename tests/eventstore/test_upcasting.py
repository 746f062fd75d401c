"""Old events read as new ones: steps, renames, what is missing, what fails alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import ANY, NEW, Event, EventStoreError, Kind, NewEvent, StreamId, UnknownEvent
from eventstore.codec import Registry, RowDecoder, to_plain
from eventstore.memory import MemoryStore
from eventstore.sql import open_store
from eventstore.testing import CountingReducer, FakeClock, FakeIds, refused, stream

STREAM = StreamId(UUID(int=7))
KINDS = (Kind(id=2, name="order"),)


class PricedFirst(msgspec.Struct, frozen=True):
    """As it was at first: an amount in whole units, and no currency."""

    amount: int


class Priced(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As it is today."""

    net: str
    currency: str
    notes: tuple[str, ...] = ()


def first() -> Registry:
    """What the first program knew."""
    known = Registry(kinds=KINDS)
    known.register("order.costed", PricedFirst)
    return known


def today() -> Registry:
    """What today's program knows: two steps further, and by another name."""
    known = Registry(kinds=KINDS)
    known.register("order.priced", Priced, schema=3, aliases=["order.costed"])

    @known.upcast("order.priced", 1)
    def in_cents(data: Any) -> Any:
        return {"cents": data["amount"] * 100}

    @known.upcast("order.priced", 2)
    def with_currency(data: Any) -> Any:
        data["net"] = f"{data['cents'] // 100}.{data.pop('cents') % 100:02}"
        return {**data, "currency": "EUR"}

    return known


def decoded(known: Registry, row: str, name: str = "order.priced", schema: int = 1) -> Any:
    decoder = RowDecoder(known, {1: (name, schema), 2: ("order.noted", 1)}, {})
    return decoder.decode(row, position=11, stream=STREAM, first=1, began_us=0)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(EventStoreError) as caught:
        act()
    assert caught.value.problem
    assert caught.value.remedy
    return caught.value.code


@pytest.mark.proves("UP-2")
def test_steps_are_taken_one_after_the_other() -> None:
    (old,) = decoded(today(), '[[1,5,"k",{"amount":3}]]')
    (newer,) = decoded(today(), '[[1,5,"k",{"cents":350}]]', schema=2)

    assert (old.type, old.schema, old.key, old.at_us) == ("order.priced", 1, "k", 5)
    assert old.data == Priced("3.00", "EUR")
    assert (newer.schema, newer.data) == (2, Priced("3.50", "EUR"))


@pytest.mark.proves("UP-2")
@given(amounts=st.lists(st.integers(0, 10**6), min_size=1, max_size=8), slow=st.booleans())
def test_a_row_of_old_events_is_what_its_steps_make_of_each(
    amounts: list[int], *, slow: bool
) -> None:
    """The one call for a row and the slow way of single events give the same."""
    items = [f'[1,0,null,{{"amount":{amount}}}]' for amount in amounts]
    # An event that no step can read sends the whole row the slow way.
    last = '[1,0,null,{"amount":null}]' if slow else '[2,0,null,"x"]'

    events = decoded(today(), f"[{','.join([*items, last])}]")

    assert isinstance(events, list) is not slow
    assert [event.data for event in events[:-1]] == [
        Priced(f"{amount}.00", "EUR") for amount in amounts
    ]
    assert len(events) == len(amounts) + 1


@pytest.mark.proves("UP-2")
def test_text_that_json_cannot_hold_survives_a_step() -> None:
    known = Registry()
    known.register("order.priced", Priced, schema=2)
    known.upcast("order.priced", 1)(lambda data: {"net": data["n"], "currency": data["c"]})
    plain = to_plain({"n": "a\0", "c": "\ud800"})
    row = f"[[1,0,null,{msgspec.json.encode(plain).decode()}]]"

    assert decoded(known, row)[0].data == Priced("a\0", "\ud800")


@pytest.mark.proves("UP-2")
def test_a_missing_step_is_told_when_the_registry_meets_a_store(tmp_path: Path) -> None:
    known = Registry(kinds=KINDS)
    known.register("order.priced", Priced, schema=4)
    known.upcast("order.priced", 2)(dict)
    url = f"sqlite:///{tmp_path}/store.db"

    acts: list[Callable[[], object]] = [
        lambda: MemoryStore(known, FakeClock(), FakeIds()),
        lambda: open_store(url, registry=known, clock=FakeClock(), ids=FakeIds()),
    ]
    for act in acts:
        with refused("upcast-missing") as refusal:
            act()
        assert refusal.error.fields == {"missing": [("order.priced", 1), ("order.priced", 3)]}
        assert "schema 1 of 'order.priced', schema 3 of 'order.priced'" in refusal.error.problem
    assert list(tmp_path.iterdir()) == []


@pytest.mark.proves("UP-2")
def test_a_step_to_a_schema_that_nobody_writes_is_told() -> None:
    """Else new facts would be written in the new shape under the old number."""
    known = Registry()
    known.register("order.priced", Priced)
    known.upcast("order.priced", 1)(dict)

    assert code_of(known.check) == "upcast-unused"


@pytest.mark.proves("UP-2")
def test_one_step_leads_on_from_a_schema() -> None:
    known = today()

    assert code_of(lambda: known.upcast("order.priced", 1)(dict)) == "type-twice"
    assert code_of(lambda: known.upcast("Order Priced", 1)) == "invalid-event"
    known.check()


@pytest.mark.proves("UP-2")
@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('[[1,0,null,{"amount":1}],[1,0,"k",{}],[2,0]]', "from schema 1 failed, with KeyError"),
        ('[[1,0,null,{"amount":1}],[1,0,"k",[]],[2,0]]', "from schema 1 failed, with TypeError"),
        ('[[1,0,null,{"amount":1}],[1,0,"k",{"amount":"7"}],[2,0]]', "from schema 2 failed"),
    ],
)
def test_an_event_that_cannot_be_made_new_fails_alone(row: str, told: str) -> None:
    events = decoded(today(), row)

    assert len(events) == 3
    assert events[0].data == Priced("1.00", "EUR")
    assert [event.revision for event in (events[0], events[2], events[-1])] == [1, 3, 3]
    assert [event.revision for event in events[2:]] == [3]
    with pytest.raises(EventStoreError, match=told) as caught:
        list(events)
    assert caught.value.code == "upcast-failed"
    assert caught.value.fields == {
        "position": 12, "stream": STREAM, "revision": 2, "type": "order.priced", "schema": 1,
    }  # fmt: skip


@pytest.mark.proves("UP-2")
def test_a_step_whose_answer_does_not_fit_is_told_of_as_well() -> None:
    answers: list[Any] = [{"net": 1, "currency": "EUR"}, {"net": "1"}, None, object(), {1: 2}]
    for answer in answers:
        known = Registry()
        known.register("order.priced", Priced, schema=2)
        known.upcast("order.priced", 1)(lambda _, answer=answer: answer)

        events = decoded(known, "[[1,0,null,{}]]")

        assert code_of(lambda events=events: events[0]) == "upcast-failed"  # type: ignore[misc]


@pytest.mark.proves("UP-2", "UP-4")
def test_old_events_of_a_store_are_read_by_todays_program(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"

    def opened(known: Registry) -> Any:
        return open_store(url, registry=known, clock=FakeClock(), ids=FakeIds())

    with opened(first()) as store:
        events = [NewEvent("order.costed", PricedFirst(n), f"k{n}") for n in range(1, 301)]
        before = store.append(stream(1), events, kind="order", expected=NEW).result()
        store.append(
            stream(2), [NewEvent("order.costed", PricedFirst(-1))], kind="order", expected=NEW
        ).result()
    with opened(today()) as store:
        new = NewEvent("order.priced", Priced("0.01", "SEK", ("new",)), "k")
        store.append(stream(1), [new], kind="order", expected=300).result()
        read = list(store.read(stream(1)))

        assert [event.data for event in read[:300]] == [
            Priced(f"{n}.00", "EUR") for n in range(1, 301)
        ]
        assert (read[300].data, read[300].schema) == (new.data, 3)
        assert {event.type for event in read} == {"order.priced"}
        assert store.verify().fault is None
        assert store.read_log(after=before.position - 1, limit=1)[0].events[0].data == read[0].data
        with refused("invalid-event"):
            store.append(
                stream(1), [NewEvent("order.costed", {"amount": 1})], kind="order", expected=ANY
            )


@pytest.mark.proves("UP-2")
def test_a_store_reads_around_an_event_that_cannot_be_made_new(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    shy = Registry(kinds=KINDS)
    shy.register("order.priced", Priced, schema=2, aliases=["order.costed"])

    @shy.upcast("order.priced", 1)
    def refuse_three(data: Any) -> Any:
        if data["amount"] == 3:
            raise AttributeError
        return {"net": str(data["amount"]), "currency": "EUR"}

    with open_store(url, registry=first(), clock=FakeClock(), ids=FakeIds()) as store:
        events = [NewEvent("order.costed", PricedFirst(n)) for n in range(1, 6)]
        store.append(stream(1), events, kind="order", expected=NEW).result()
    with open_store(url, registry=shy, clock=FakeClock(), ids=FakeIds()) as store:
        seen: list[Event] = []
        with refused("upcast-failed") as refusal:
            seen.extend(store.read(stream(1)))
        around = [*store.read(stream(1), 1, 2), *store.read(stream(1), 4)]
        with refused("upcast-failed"):
            store.fold(CountingReducer(), stream(1))
        row = next(row for row in store.read_log(kinds=["order"]))

        assert refusal.error.fields["revision"] == 3
        assert [event.data.net for event in seen] == ["1", "2"]
        assert [event.data.net for event in around] == ["1", "2", "4", "5"]
        assert store.fold(CountingReducer(), stream(1), 2).state.events == 2
        assert (row.last, row.events[4].data.net) == (5, "5")
        assert store.verify().fault is None


@pytest.mark.proves("UP-4")
def test_what_a_newer_program_wrote_is_given_raw(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    with open_store(url, registry=today(), clock=FakeClock(), ids=FakeIds()) as store:
        new = NewEvent("order.priced", Priced("1", "EUR"))
        store.append(stream(1), [new], kind="order", expected=NEW).result()
    older = Registry(kinds=KINDS)
    older.register("order.priced", PricedFirst)
    with open_store(url, registry=older, clock=FakeClock(), ids=FakeIds()) as store:
        own = NewEvent("order.priced", PricedFirst(5))
        store.append(stream(1), [own], kind="order", expected=1).result()
        read = list(store.read(stream(1)))

    assert [event.data for event in read] == [
        UnknownEvent({"net": "1", "currency": "EUR", "notes": []}),
        PricedFirst(5),
    ]
    assert [event.schema for event in read] == [3, 1]


@pytest.mark.proves("UP-4")
def test_an_old_name_belongs_to_one_type() -> None:
    known = today()
    acts: list[Callable[[], object]] = [
        lambda: known.register("order.costed", PricedFirst),
        lambda: known.register("order.sold", PricedFirst, aliases=["order.costed"]),
        lambda: known.register("order.sent", PricedFirst, aliases=["order.priced"]),
    ]

    assert [code_of(act) for act in acts] == ["type-twice"] * 3
    bad = Registry()
    assert code_of(lambda: bad.register("a", PricedFirst, aliases=["B!"])) == "invalid-event"


@pytest.mark.proves("UP-4")
def test_no_class_is_found_by_a_stored_name() -> None:
    name = f"{Priced.__module__}.{Priced.__qualname__}".lower()

    (event,) = decoded(today(), '[[1,0,null,{"net":"1","currency":"EUR"}]]', name)

    assert event.data == UnknownEvent({"net": "1", "currency": "EUR"})

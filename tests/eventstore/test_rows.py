"""Events to the text of rows and back: golden rows, limits, and the law of both ways."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import Event, EventStoreError, Kind, NewEvent, StreamId, UnknownEvent
from eventstore.codec import Numbers, Registry, RowDecoder, encode_rows, payloads, split
from eventstore.codec.writing import COMMIT_EVENTS, EVENT_BYTES, ROW_BYTES, ROW_EVENTS
from runtime.context import registry
from runtime.facts import ContextDeleted, ContextSet, EffectReturned, RequestReceived
from tests.strategies import new_events

STREAM = StreamId(UUID(int=7))
BEGAN_US = 1_700_000_000_000_000


class Log:
    """The names of one log, numbered as they come."""

    def __init__(self, known: Registry) -> None:
        self.registry = known
        self.types: dict[int, tuple[str, int]] = {}
        self.sites: dict[int, str] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self.type_ids, self.site_ids = Numbers(self.type_id), Numbers(self.site_id)
        self.decoder = RowDecoder(known, self.types, self.sites)

    def type_id(self, name: str) -> int:
        number = self._numbers.setdefault(("type", name), len(self._numbers) + 1)
        self.types[number] = (name, self.registry.schema(name))
        return number

    def site_id(self, site: str) -> int:
        number = self._numbers.setdefault(("site", site), len(self._numbers) + 1)
        self.sites[number] = site
        return number

    def write(self, *events: NewEvent) -> list[str]:
        rows = encode_rows(
            self.registry, events, began_us=BEGAN_US, type_ids=self.type_ids, site_ids=self.site_ids
        )
        assert all(row.raw == row.data.encode() for row in rows)
        return [row.data for row in rows]

    def read(self, *rows: str, decoder: RowDecoder | None = None) -> list[NewEvent]:
        events: list[Event] = []
        for row in rows:
            read = (decoder or self.decoder).decode(
                row, position=11 + len(events), stream=STREAM, first=1 + len(events),
                began_us=BEGAN_US,
            )  # fmt: skip
            events += read
        assert [e.position for e in events] == list(range(11, 11 + len(events)))
        assert [e.revision for e in events] == list(range(1, 1 + len(events)))
        assert {e.stream for e in events} <= {STREAM}
        return [NewEvent(e.type, e.data, e.key, e.at_us, e.site) for e in events]


def log() -> Log:
    return Log(registry())


def set_to(value: Any, key: str | None = "k", *, after: int = 0, site: str | None = None) -> Any:
    return NewEvent("context.set", ContextSet(value), key, BEGAN_US + after, site)


@pytest.mark.proves("TB-1")
def test_a_row_is_written_as_the_format_says() -> None:
    written = log().write(
        set_to({"a": [1, 2.0]}, "cart", site="shop.py:3"),
        set_to(None, after=5),
        NewEvent("context.deleted", ContextDeleted(), "cart", BEGAN_US - 2, "shop.py:3"),
        NewEvent("context.deleted", ContextDeleted(), None, BEGAN_US),
        NewEvent("shop.opened", None, None, BEGAN_US),
        NewEvent("shop.opened", [1], None, BEGAN_US),
        NewEvent("shop.opened", None, None, BEGAN_US, "shop.py:4"),
    )

    assert written == [
        '[[1,0,"cart",{"value":{"a":[1,2.0]}},2],[1,5,"k",{"value":null}],'
        '[3,-2,"cart",{},2],[3,0,null,{}],[4,0],[4,0,null,[1]],[4,0,null,null,5]]'
    ]


@pytest.mark.proves("ES-7", "VC-4")
@given(drawn=st.lists(new_events, min_size=1, max_size=6))
def test_what_is_read_is_what_was_written(drawn: list[NewEvent]) -> None:
    """For every fact of the vocabulary, text with NUL and lone surrogates included."""
    names = log()
    rows = names.write(*drawn)

    event("slow" if any("$str" in row for row in rows) else "fast")
    assert names.read(*rows) == drawn
    assert names.write(*names.read(*rows)) == rows
    assert not any("\\u0000" in row for row in rows)


@pytest.mark.proves("VC-4")
@given(drawn=st.lists(new_events, min_size=1, max_size=3))
def test_the_slow_way_gives_the_bytes_of_the_fast_one(drawn: list[NewEvent]) -> None:
    for each in drawn:
        slow = payloads.to_plain(each.data)
        assert payloads.from_plain(slow, type(each.data)) == each.data
        if "$str" not in str(slow):
            assert msgspec.json.encode(slow) == msgspec.json.encode(each.data)


@pytest.mark.proves("VC-4")
def test_text_that_json_cannot_hold_goes_through_an_envelope() -> None:
    received = RequestReceived(
        "GET", "GET /", "get", "/\0", "", query=(("\ud800", ""),), params={"\0": "a"},
        body={"$str": "AA=="}, body_text="\\u0000",
    )  # fmt: skip
    names = log()

    rows = names.write(NewEvent("request.received", received, "k", BEGAN_US), set_to("\\u0000"))

    assert '"path":{"$str":"LwA="}' in rows[0]
    assert '"query":[[{"$str":"7aCA"},""]]' in rows[0]
    assert '"params":{"$dict":[[{"$str":"AA=="},"a"]]}' in rows[0]
    assert '"body":{"$str":"AA=="}' in rows[0]
    assert '"body_text":"\\\\u0000"' in rows[0]
    assert [e.data for e in names.read(*rows)] == [received, ContextSet("\\u0000")]


@pytest.mark.proves("VC-4")
def test_what_only_looks_like_an_envelope_is_left_alone() -> None:
    """In a row that goes the slow way because of another event."""
    alike = [
        RequestReceived("GET", "", "", "", "", params={"$dict": "a"}, body={"$dict": [[1, 2]]}),
        RequestReceived("GET", "", "", "", "", params={"$str": "YQA="}),
        RequestReceived("\0", "", "", "", ""),
    ]
    names = log()

    rows = names.write(*[NewEvent("request.received", each, "k", BEGAN_US) for each in alike])

    assert [e.data for e in names.read(*rows)] == alike


@pytest.mark.proves("UP-4")
def test_unknown_types_and_schemas_are_given_raw() -> None:
    names = log()
    rows = names.write(set_to([1]), NewEvent("shop.opened", {"a": "b"}, None, BEGAN_US))
    stranger = RowDecoder(Registry(), names.types, names.sites)
    newer = Registry()
    newer.register("context.set", ContextSet, schema=2)

    assert [e.data for e in names.read(*rows, decoder=stranger)] == [
        UnknownEvent({"value": [1]}),
        UnknownEvent({"a": "b"}),
    ]
    assert names.read(*rows)[1].data == UnknownEvent({"a": "b"})
    again = RowDecoder(newer, names.types, names.sites)
    assert names.read(*rows, decoder=again)[0].data == UnknownEvent({"value": [1]})


@pytest.mark.proves("UP-1")
def test_a_field_added_later_reads_as_its_default() -> None:
    names = log()
    names.write(NewEvent("effect.returned", EffectReturned(1), "k", BEGAN_US))

    read = names.read('[[1,0,"k",{"n":4,"from_the_future":1}]]')

    assert read[0].data == EffectReturned(4, None)


def test_names_that_are_added_later_are_seen() -> None:
    names = log()
    first = names.write(set_to(1))
    assert names.read(*first)[0].data == ContextSet(1)

    second = names.write(NewEvent("context.deleted", ContextDeleted(), "k", BEGAN_US, "a.py:1"))

    assert names.read(*second)[0].site == "a.py:1"


@pytest.mark.proves("VC-3")
@pytest.mark.parametrize(
    "row",
    [
        "", "{", "{}", "[1]", "[[]]", "[[1]]", '[[99,0,"k",{}]]', '[[1,0,"k",{}',
        '[[1,"0","k",{}]]',
        '[[1,0,"k",{"n":"x"}]]', '[[1,0,5,{"n":1}]]', '[[1,0,"k",{"n":1},77]]',
        '[[1,0,"k",{"n":1},null,1]]',
        '[[1,0,"k",{"n":{"x":1}}]]', '[[1,0,"k",null]]', '[[1,0,"k",{"n":1}],null]',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_an_altered_row_is_named_with_its_position(row: str) -> None:
    names = log()
    names.write(NewEvent("effect.returned", EffectReturned(1), "k", BEGAN_US, "a.py:1"))

    with pytest.raises(EventStoreError) as caught:
        names.read(row)

    assert caught.value.code == "corrupt-value"
    assert caught.value.fields == {"position": 11, "stream": STREAM}


def test_a_log_without_names_has_no_rows() -> None:
    with pytest.raises(EventStoreError, match="position 11"):
        log().read("[[1,0]]")


# --- limits ---


def refused(*events: NewEvent) -> str:
    names = log()
    with pytest.raises(EventStoreError) as caught:
        names.write(*events)
    assert names.types == {}
    return caught.value.code


@pytest.mark.proves("ES-6")
@pytest.mark.parametrize(
    "bad",
    [
        set_to(1, ""),
        set_to(1, "k" * 257),
        set_to(1, "\U0001f600" * 65),
        set_to(1, 5),  # type: ignore[arg-type]
        set_to(1, site="s" * 513),
        NewEvent("Context.Set", 1),
        NewEvent("", 1),
        NewEvent("a" * 129, 1),
        NewEvent("context.set", {"value": 1}),
        NewEvent("context.set", ContextDeleted()),
        NewEvent("shop.opened", ContextDeleted()),
        NewEvent("shop.opened", object()),
    ],
)
def test_a_malformed_event_is_refused_and_no_name_is_taken(bad: NewEvent) -> None:
    assert refused(set_to(1), bad) == "invalid-event"


@pytest.mark.proves("ES-6")
@pytest.mark.parametrize(
    "bad",
    [set_to(1, "a\0"), set_to(1, "\ud800"), set_to(1, site="\0"), set_to(object())],
)
def test_what_only_encoding_finds_is_refused_too(bad: NewEvent) -> None:
    with pytest.raises(EventStoreError) as caught:
        log().write(set_to(1), bad)

    assert caught.value.code == "invalid-event"


@pytest.mark.proves("ES-6")
def test_keys_and_sites_up_to_their_limits_are_kept() -> None:
    names = log()
    longest = [set_to(1, "k" * 256), set_to(1, "\U0001f600" * 64), set_to(1, site="s" * 512)]

    assert names.read(*names.write(*longest)) == longest


@pytest.mark.proves("ES-6")
def test_too_much_at_once_is_refused() -> None:
    assert refused() == "invalid-event"
    assert refused(*[set_to(1)] * (COMMIT_EVENTS + 1)) == "too-large"
    with pytest.raises(EventStoreError) as caught:
        log().write(set_to("x" * EVENT_BYTES))
    assert caught.value.code == "too-large"
    with pytest.raises(EventStoreError) as caught:
        log().write(*[set_to("x" * (EVENT_BYTES - 100))] * 4)
    assert caught.value.code == "too-large"


@pytest.mark.proves("ES-5")
def test_a_commit_is_split_at_256_events_and_at_64_kib() -> None:
    names = log()
    many = [set_to(i) for i in range(600)]
    large = [set_to("x" * 30_000), set_to("x" * 30_000), set_to("x" * 90_000), set_to(1)]

    assert [row.count("],[") + 1 for row in names.write(*many)] == [256, 256, 88]
    assert [row.count("],[") + 1 for row in names.write(*large)] == [2, 1, 1]
    assert names.read(*names.write(*many)) == many
    assert names.read(*names.write(*large)) == large


@pytest.mark.proves("ES-5")
def test_a_row_of_exactly_64_kib_is_one_row() -> None:
    names = log()
    empty = len(names.write(set_to(""), set_to(""))[0])

    fits = [set_to("x" * (ROW_BYTES - empty)), set_to("")]
    over = [set_to("x" * (ROW_BYTES - empty + 1)), set_to("")]

    assert [len(row) for row in names.write(*fits)] == [ROW_BYTES]
    assert len(names.write(*over)) == 2


@pytest.mark.proves("ES-5")
@given(sizes=st.lists(st.integers(1, 40_000) | st.integers(1, 300), max_size=600))
def test_splitting_keeps_all_and_wastes_no_row(sizes: list[int]) -> None:
    counts = split(sizes)
    rows, start = [], 0
    for count in counts:
        rows.append(sizes[start : start + count])
        start += count

    text = [sum(row) + len(row) + 1 for row in rows]
    assert [size for row in rows for size in row] == sizes
    assert all(1 <= len(row) <= ROW_EVENTS for row in rows)
    assert all(n <= ROW_BYTES for n, row in zip(text, rows, strict=True) if len(row) > 1)
    for i in range(len(rows) - 1):
        assert len(rows[i]) == ROW_EVENTS or text[i] + rows[i + 1][0] + 1 > ROW_BYTES


# --- the registry ---


def test_a_registry_knows_its_names_and_kinds() -> None:
    known = registry()

    assert known.payload_type("context.set") is ContextSet
    assert known.payload_type("shop.opened") is None
    assert known.schema("shop.opened") == known.schema("context.set") == 1
    assert known.names[0] == "request.received"
    assert {kind.name: kind.id for kind in known.kinds} == {
        "log": 0, "control": 1, "request": 2, "queue": 7, "idempotency": 9, "windows": 10,
    }  # fmt: skip
    request = known.kind("request")
    assert (request.max_events, request.max_bytes) == (50_000, 50 << 20)
    assert known.kind_by_id(1).durable
    assert Registry(kinds=(Kind(0, "log"),)).kinds == (Kind(0, "log"),)


NO_SCHEMAS: list[Any] = [0, -1, True, 1.0, "1", None, 10_001]
NO_KINDS = [
    Kind(16, "a"), Kind(-1, "a"), Kind(3, ""), Kind(3, "a\0"), Kind(3, "\ud800"),
    Kind(3, "a" * 129), Kind(3, "log"), Kind(0, "a"),
]  # fmt: skip


@pytest.mark.proves("ES-2", "LG-6")
def test_a_registry_refuses_what_contradicts_it() -> None:
    known = registry()
    known.register("context.set", ContextSet)

    found = {}
    acts: dict[str, Callable[[], object]] = {
        "other class": lambda: known.register("context.set", ContextDeleted),
        "other schema": lambda: known.register("context.set", ContextSet, schema=2),
        "bad name": lambda: known.register("Context Set", ContextSet),
        "no kind": lambda: known.kind("shop"),
        "no kind id": lambda: known.kind_by_id(99),
        "kind twice": lambda: Registry(kinds=(Kind(3, "a"), Kind(3, "b"))),
        **{f"kind {kind.id} {kind.name}": partial(Registry, (kind,)) for kind in NO_KINDS},
        **{f"schema {each}": partial(known.register, "a", ContextSet, each) for each in NO_SCHEMAS},
        "a step from nowhere": lambda: known.upcast("context.set", 0),
        "no class": lambda: known.register("a", dict),  # type: ignore[arg-type]
    }
    for name, act in acts.items():
        with pytest.raises(EventStoreError) as caught:
            act()
        found[name] = caught.value.code

    assert found == {
        "other class": "type-twice",
        "other schema": "type-twice",
        "bad name": "invalid-event",
        "no kind": "unknown-kind",
        "no kind id": "unknown-kind",
        "kind twice": "kind-twice",
        **{f"kind {kind.id} {kind.name}": "invalid-id" for kind in NO_KINDS},
        **{f"schema {each}": "invalid-event" for each in NO_SCHEMAS},
        "a step from nowhere": "invalid-event",
        "no class": "unsupported-class",
    }
    assert known.payload_type("a") is None


@pytest.mark.proves("UP-1", "UP-4")
def test_a_type_is_registered_whole_or_not_at_all() -> None:
    known = Registry()
    known.register("order.placed", ContextSet, aliases="order.made")
    for name, aliases in (
        ("order.made", ()), ("order.sent", ("order.gone", "order.placed")),
        ("order.sent", ("order.gone", "order.made")), ("order.sent", ("order.gone", "A B")),
        ("order.sent", ("order.sent",)),
    ):  # fmt: skip
        with pytest.raises(EventStoreError):
            known.register(name, ContextDeleted, aliases=aliases)

    assert known.names == ("order.placed",)
    assert [known.current_name(n) for n in ("order.made", "order.gone")] == [
        "order.placed", "order.gone",
    ]  # fmt: skip

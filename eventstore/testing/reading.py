"""Claims about reading: streams, heads, the log, folds, verification, closing."""

import asyncio

from eventstore.events import ANY, NEW, Head, NewEvent, Row, UnknownEvent
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import (
    START_US,
    Counted,
    CountingReducer,
    Placed,
    placed,
    several,
    stream,
)

_S = stream(1)


class Reading:
    """What any store gives back."""

    @proves("ES-9")
    def test_what_is_read_is_what_was_appended(self, store: Store) -> None:
        data = {"text": "ä\0\x1b[31m", "n": [1, -0.0, 1e300, None, True, 2**53], "o": {"": {}}}
        events = [
            placed(7, site="shop.py:12"),
            NewEvent("order.noted", data, "note", START_US + 3, "shop.py:13"),
            NewEvent("order.noted", None),
        ]
        commit = store.append(_S, events, kind="order", expected=NEW).result()
        read = list(store.read(_S))
        equal([e.position for e in read], [commit.position + n for n in range(3)])
        equal([(e.stream, e.revision, e.schema) for e in read], [(_S, n, 1) for n in (1, 2, 3)])
        equal(
            [(e.type, e.key, e.at_us, e.site) for e in read],
            [(e.type, e.key, e.at_us, e.site) for e in events],
        )
        plain = {"text": {"$str": "w6QAG1szMW0="}, "n": data["n"], "o": {"": {}}}
        equal(
            [e.data for e in read],
            [Placed("tea", 7), UnknownEvent(plain), UnknownEvent(None)],
        )

    @proves("ES-3")
    def test_a_range_includes_both_ends(self, store: Store) -> None:
        for count in (3, 300, 1, 5):
            store.append(_S, several(count), kind="order", expected=ANY).result()
        for first, last in ((1, 309), (2, 2), (3, 4), (1, 3), (250, 305), (309, 309), (304, 400)):
            read = [event.revision for event in store.read(_S, first, last)]
            equal(read, list(range(first, min(last, 309) + 1)))
        equal([event.revision for event in store.read(_S, 305)], [305, 306, 307, 308, 309])
        equal(list(store.read(_S, 310)), [])
        equal(list(store.read(_S, 5, 4)), [])
        equal(list(store.read(stream(2))), [])

    @proves("ES-3")
    def test_a_stream_of_many_rows_is_read_whole(self, store: Store) -> None:
        tickets = [store.append(_S, [placed(n)], kind="order", expected=n) for n in range(700)]
        for ticket in tickets:
            ticket.result()
        equal([event.data.quantity for event in store.read(_S)], list(range(700)))
        equal([event.revision for event in store.read(_S, 300, 650)], list(range(300, 651)))

    @proves("ES-3")
    def test_the_head_says_all_about_a_stream(self, store: Store) -> None:
        equal(store.head(_S), Head(revision=0))  # type: ignore[arg-type]
        commit = store.append(_S, several(3), kind="order", expected=NEW).result()
        head = store.head(_S)
        equal((head.revision, head.kind, head.closed), (3, "order", False))
        equal((head.parent, head.parent_revision), (None, 0))
        equal(head.last_position, commit.position + 2)

    @proves("ES-8", "CN-7")
    def test_the_streams_that_nobody_closed_are_found(self, store: Store) -> None:
        def put(number: int, expected: int, *, close: bool = False) -> None:
            store.append(
                stream(number), several(2), kind="order", expected=expected, close=close
            ).result()

        equal(store.open_streams("order"), [])
        put(3, NEW, close=True)
        put(2, NEW)
        put(1, NEW)
        put(4, NEW)
        put(2, 2)
        put(4, 2, close=True)
        equal(store.open_streams("order"), [stream(2), stream(1)])
        put(2, 4, close=True)
        equal(store.open_streams("order"), [stream(1)])
        equal(store.open_streams("ledger"), [])

    @proves("LG-1")
    def test_the_log_is_read_between_positions(self, store: Store) -> None:
        commits = [
            store.append(stream(n), several(2), kind="order", expected=NEW).result()
            for n in range(6)
        ]
        starts = [commit.position for commit in commits]
        equal([row.position for row in store.read_log(after=starts[0])], starts[1:])
        equal([row.position for row in store.read_log(after=starts[0] - 1)], starts)
        between = store.read_log(after=starts[1], before=starts[4])
        equal([row.position for row in between], starts[2:4])
        equal([row.position for row in store.read_log(after=starts[0], limit=2)], starts[1:3])
        newest = store.read_log(newest_first=True, limit=3)
        equal([row.position for row in newest], starts[:-4:-1])
        older = store.read_log(newest_first=True, before=starts[3], limit=2)
        equal([row.position for row in older], [starts[2], starts[1]])
        equal(store.read_log(limit=0), [])
        equal(store.read_log(after=store.end()), [])

    @proves("LG-1")
    def test_a_row_says_what_it_holds(self, store: Store) -> None:
        store.append(_S, several(2), kind="order", expected=NEW).result()
        store.append(_S, several(2), kind="order", expected=2, close=True).result()
        row = store.read_log(newest_first=True, limit=1)[0]
        equal((row.stream, row.first, row.last, row.kind, row.closes), (_S, 3, 4, "order", True))
        equal((row.parent, row.parent_revision, row.began_us), (None, 0, START_US + 1))
        equal(list(row.events), list(store.read(_S, 3)))

    @proves("LG-1")
    def test_the_log_is_read_by_kind_and_by_first_rows(self, store: Store) -> None:
        for number in range(4):
            kind = "ledger" if number % 2 else "order"
            store.append(stream(number), several(300), kind=kind, expected=NEW).result()
            store.append(stream(number), [placed()], kind=kind, expected=300).result()
        streams = [row.stream for row in store.read_log(kinds=["order"])]
        equal(streams, [stream(0)] * 3 + [stream(2)] * 3)
        first = store.read_log(kinds=["order", "ledger"], first_rows_only=True, newest_first=True)
        equal([row.stream for row in first], [stream(n) for n in (3, 2, 1, 0)])
        equal({row.first for row in first}, {1})
        equal(len(store.read_log(kinds=["short"])), 0)
        with refused("unknown-kind"):
            store.read_log(kinds=["nothing"])

    @proves("LG-1", "LG-6")
    def test_the_rows_tile_the_log_and_begin_with_its_own_facts(self, store: Store) -> None:
        for number in range(5):
            event = placed(site=f"shop.py:{number}")
            store.append(stream(number), [event], kind="order", expected=NEW).result()
        rows = store.read_log()
        positions = [event.position for row in rows for event in row.events]
        equal(positions, list(range(1, store.end() + 1)))
        types = [event.type for row in rows for event in row.events]
        equal(types[:2], ["names.registered", "log.held"])
        equal(types[2:], ["names.registered", "order.placed"] * 5)

    @proves("ES-2")
    def test_streams_are_counted_by_kind(self, store: Store) -> None:
        for number in range(5):
            kind = "ledger" if number == 3 else "order"
            store.append(stream(number), [placed()], kind=kind, expected=NEW).result()
            store.append(stream(number), [placed()], kind=kind, expected=1).result()
        equal([store.count_streams(kind) for kind in ("order", "ledger", "short")], [4, 1, 0])

    @proves("ES-2")
    def test_streams_are_found_by_the_end_of_their_id(self, store: Store) -> None:
        numbers = [0xAB12, 0xCD12, 0xAB34]
        for number in numbers:
            store.append(stream(number), [placed()], kind="order", expected=NEW).result()
            store.append(stream(number), [placed()], kind="order", expected=1).result()
        store.append(stream(0xEF12), [placed()], kind="ledger", expected=NEW).result()
        equal(store.find_streams("12", "order"), [stream(0xCD12), stream(0xAB12)])
        equal(store.find_streams("AB34", "order"), [stream(0xAB34)])
        equal(store.find_streams("12", "order", limit=1), [stream(0xCD12)])
        equal(store.find_streams(stream(0xAB12).hex, "order"), [stream(0xAB12)])
        equal(len(store.find_streams("", "order")), 3)
        for nothing in ("_12", "%", "zz", "ab1", stream(7).hex):
            equal(store.find_streams(nothing, "order"), [])

    @proves("FD-1")
    def test_a_fold_is_that_of_the_prefix(self, store: Store) -> None:
        reducer = CountingReducer()
        for count in (2, 300, 3):
            store.append(_S, several(count), kind="order", expected=ANY).result()
        events = list(store.read(_S))
        for at in (0, 1, 2, 3, 150, 302, 304, 305):
            folded = store.fold(reducer, _S, at)
            equal(folded.revision, at)
            equal(folded.state, reducer.apply_all(Counted(), events[:at]))
        equal(store.fold(reducer, _S).revision, 305)
        equal(store.fold(reducer, stream(2)).state, Counted())

    @proves("FD-1")
    def test_a_strict_fold_refuses_what_it_does_not_know(self, store: Store) -> None:
        events = [placed(1), placed(2), NewEvent("order.noted", None), placed(3)]
        store.append(_S, events, kind="order", expected=NEW).result()
        skipping, strict = CountingReducer(), CountingReducer(unknown="strict")
        equal(store.fold(skipping, _S).state.quantity, 6)
        equal(store.fold(strict, _S, 2), store.fold(skipping, _S, 2))
        for at in (3, 4, None):
            with refused("unknown-event") as refusal:
                store.fold(strict, _S, at)
            fields = refusal.error.fields
            equal((fields["type"], fields["stream"], fields["revision"]), ("order.noted", _S, 3))

    @proves("FD-1")
    def test_a_fold_of_a_long_stream_is_that_of_its_prefix(self, store: Store) -> None:
        reducer = CountingReducer()
        for first in range(1, 1_500, 100):
            store.append(_S, several(100, first), kind="order", expected=ANY).result()
        events = list(store.read(_S))
        for at in (0, 63, 64, 65, 99, 100, 101, 255, 256, 257, 999, 1_400, 1_500):
            equal(store.fold(reducer, _S, at).state, reducer.apply_all(Counted(), events[:at]))

    @proves("ES-9")
    def test_a_fold_past_the_head_is_refused(self, store: Store) -> None:
        store.append(_S, several(3), kind="order", expected=NEW).result()
        for at in (4, 100, -1):
            with refused("no-such-revision") as refusal:
                store.fold(CountingReducer(), _S, at)
            equal(refusal.error.fields["head"], 3)
        with refused("no-such-revision"):
            store.fold(CountingReducer(), stream(2), 1)

    @proves("CH-5")
    def test_a_log_that_nobody_altered_verifies(self, store: Store) -> None:
        for number in range(20):
            store.append(stream(number % 4), several(60), kind="order", expected=ANY).result()
        end = store.end()
        verdict = store.verify()
        equal((verdict.fault, verdict.verified_to), (None, end))
        equal(verdict.checked, len(store.read_log()))
        for first, last in ((1, 1), (50, 300), (end, end), (200, None), (1, end + 100)):
            part = store.verify(first, last)
            equal(part.fault, None)
            true(part.checked >= 1, "nothing was checked")
        with refused("no-such-position"):
            store.verify(end + 1)

    @proves("CH-5")
    def test_verify_tells_how_far_it_is(self, store: Store) -> None:
        store.append(_S, several(300), kind="order", expected=NEW).result()
        told: list[tuple[int, int]] = []
        store.verify(progress=lambda done, of: told.append((done, of)))
        equal(told[-1], (store.end(), store.end()))
        equal(told, sorted(told))

    @proves("ES-9")
    def test_who_reads_while_others_append_reads_on(self, store: Store) -> None:
        store.append(_S, several(300), kind="order", expected=NEW).result()
        reading = store.read(_S)
        seen = [next(reading).revision]
        store.append(_S, several(300), kind="order", expected=300, close=True).result()
        seen += [event.revision for event in reading]
        true(len(seen) >= 300, "events are missing")
        equal(seen, list(range(1, len(seen) + 1)))

    @proves("LG-1")
    def test_the_log_is_read_page_by_page(self, store: Store) -> None:
        for number in range(20):
            store.append(stream(number % 3), several(3), kind="order", expected=ANY).result()
        whole = store.read_log(limit=1_000)
        for newest_first in (False, True):
            rows: list[Row] = []
            after, before = 0, None
            while page := store.read_log(
                after=after, before=before, limit=7, newest_first=newest_first
            ):
                rows += page
                if newest_first:
                    before = rows[-1].position
                else:
                    after = rows[-1].position
            equal(rows, whole[::-1] if newest_first else whole)

    @proves("TB-4", "VC-4")
    def test_plain_data_comes_back_with_its_numbers_and_its_order(self, store: Store) -> None:
        texts = ["", "\u00e9", "e\u0301", "\u2028", "\U0001f375", "</script>", "\\u0000", "' \""]
        numbers = [0, -1, 2**63 - 1, -(2**63), 0.1, -0.0, 1e16, 5e-324, 1.7976931348623157e308]
        data = {"z": texts, "a": numbers, "\u00e9": 1, "e\u0301": 2, "": {"b": {}, "a": []}}
        event = NewEvent("order.noted", data, at_us=START_US)
        store.append(_S, [event], kind="order", expected=NEW).result()
        read = next(store.read(_S)).data
        true(isinstance(read, UnknownEvent), "it was decoded as something")
        equal(repr(read.data), repr(data))

    @proves("FD-1")
    def test_a_fold_goes_on_from_that_of_any_prefix(self, store: Store) -> None:
        for count in (1, 70, 300, 2):
            store.append(_S, several(count), kind="order", expected=ANY).result()
        reducer = CountingReducer()
        whole = store.fold(reducer, _S)
        for at in (1, 70, 71, 256, 372, 373):
            folded = store.fold(reducer, _S, at)
            equal(folded.revision, at)
            equal(reducer.apply_all(folded.state, store.read(_S, at + 1)), whole.state)

    @proves("WR-10")
    def test_a_closed_store_refuses_all(self, store: Store) -> None:
        store.append(_S, [placed()], kind="order", expected=NEW).result()
        store.close()
        store.close()
        with refused("store-closed"):
            store.append(_S, [placed()], kind="order", expected=ANY)
        with refused("store-closed"):
            store.head(_S)
        with refused("store-closed"):
            store.read(_S)
        with refused("store-closed"):
            store.read_log()

    @proves("ES-9")
    def test_a_ticket_can_be_waited_for_in_an_event_loop(self, store: Store) -> None:
        async def scenario() -> list[int]:
            tickets = [
                store.append(stream(n), [placed()], kind="order", expected=NEW) for n in range(20)
            ]
            waits = [ticket.durable() for ticket in tickets for _ in range(2)]
            commits = await asyncio.gather(*waits)
            for ticket in tickets:
                equal(ticket.result(), await ticket.durable())
            return [commit.last for commit in commits]

        equal(asyncio.run(scenario()), [1] * 40)

    @proves("ES-9")
    def test_a_ticket_says_a_refusal_to_all_who_ask(self, store: Store) -> None:
        async def scenario() -> None:
            ticket = store.append(_S, [placed()], kind="order", expected=9)
            for _ in range(2):
                with refused("wrong-revision"):
                    await ticket.durable()
                with refused("wrong-revision"):
                    ticket.result(timeout_s=10)

        asyncio.run(scenario())

"""Claims about `append`: order, refusals, limits, closing."""

import threading
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec

from eventstore.cursors import us_of
from eventstore.errors import EventStoreError
from eventstore.events import ANY, NEW, NewEvent
from eventstore.identifiers import LOG_STREAM, Revision, StreamId, named_stream
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import MOST_BYTES, MOST_EVENTS, START_US, placed, several, stream

_S = stream(1)


class Appending:
    """What any store does with an append."""

    @proves("ES-3")
    def test_a_first_commit_begins_at_revision_1(self, store: Store) -> None:
        commit = store.append(_S, several(3), kind="order", expected=NEW).result()
        equal((commit.stream, commit.first, commit.last, commit.duplicate), (_S, 1, 3, False))
        equal(store.head(_S).revision, 3)

    @proves("ES-3")
    def test_commits_of_a_stream_follow_each_other(self, store: Store) -> None:
        said = [
            store.append(_S, several(count), kind="order", expected=ANY).result()
            for count in (2, 1, 4)
        ]
        equal([(commit.first, commit.last) for commit in said], [(1, 2), (3, 3), (4, 7)])

    @proves("LG-1")
    def test_positions_have_no_gaps(self, store: Store) -> None:
        before = store.end()
        said = [
            store.append(stream(n % 3), several(n + 1), kind="order", expected=ANY).result()
            for n in range(6)
        ]
        expected = [before + 1 + sum(range(1, n + 1)) for n in range(6)]
        equal([commit.position for commit in said], expected)
        equal(store.end(), before + 21)

    @proves("CH-1")
    def test_each_commit_has_a_chain_value_of_its_own(self, store: Store) -> None:
        chains = {
            store.append(stream(n), [placed()], kind="order", expected=NEW).result().chain
            for n in range(5)
        }
        equal((len(chains), {len(chain) for chain in chains}), (5, {32}))

    @proves("ES-3")
    def test_the_expected_revision_must_be_the_head(self, store: Store) -> None:
        store.append(_S, several(3), kind="order", expected=NEW).result()
        end = store.end()
        for wrong in (NEW, 1, 2, 4, 1_000_000):
            with refused("wrong-revision") as refusal:
                store.append(_S, [placed()], kind="order", expected=wrong).result()
            fields = refusal.error.fields
            equal((fields["expected"], fields["actual"]), (wrong, 3))
            true(fields["last_commit"], "the refusal does not name the last commit")
        equal((store.end(), store.head(_S).revision), (end, 3))
        equal(store.append(_S, [placed()], kind="order", expected=3).result().first, 4)

    @proves("ES-3")
    def test_a_stream_that_is_not_there_is_at_revision_0(self, store: Store) -> None:
        with refused("wrong-revision") as refusal:
            store.append(_S, [placed()], kind="order", expected=5).result()
        equal(refusal.error.fields["actual"], 0)

    @proves("ES-3")
    def test_of_those_who_race_one_wins(self, store: Store) -> None:
        store.append(_S, [placed()], kind="order", expected=NEW).result()
        outcomes: list[str] = []
        start = threading.Barrier(8)

        def race() -> None:
            start.wait()
            try:
                store.append(_S, several(2), kind="order", expected=1).result()
                outcomes.append("won")
            except EventStoreError as error:
                outcomes.append(error.code)

        threads = [threading.Thread(target=race) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(sorted(outcomes), ["won"] + ["wrong-revision"] * 7)
        equal(store.head(_S).revision, 3)

    @proves("WR-1", "ES-5")
    def test_a_refused_commit_spares_those_beside_it(self, store: Store) -> None:
        end = store.end()
        tickets = [
            store.append(stream(n), several(2), kind="order", expected=3 if n % 3 == 1 else NEW)
            for n in range(30)
        ]
        for number, ticket in enumerate(tickets):
            if number % 3 == 1:
                with refused("wrong-revision"):
                    ticket.result()
            else:
                equal(ticket.result().last, 2)
        equal(store.end(), end + 40)
        equal(store.verify().fault, None)

    @proves("ES-3", "WR-1")
    def test_commits_of_one_stream_may_be_on_their_way_together(self, store: Store) -> None:
        tickets = [store.append(_S, [placed(n)], kind="order", expected=n) for n in range(100)]
        equal([ticket.result().first for ticket in tickets], list(range(1, 101)))
        equal([event.data.quantity for event in store.read(_S)], list(range(100)))

    @proves("ES-2")
    def test_a_stream_keeps_its_kind(self, store: Store) -> None:
        store.append(_S, [placed()], kind="order", expected=NEW).result()
        with refused("stream-mismatch"):
            store.append(_S, [placed()], kind="ledger", expected=ANY).result()
        with refused("unknown-kind"):
            store.append(_S, [placed()], kind="nothing", expected=ANY)

    @proves("ES-6")
    def test_what_cannot_be_an_event_is_refused_at_the_call(self, store: Store) -> None:
        end = store.end()
        no_text: Any = b"k"
        half: Any = 1.5
        bad: list[list[NewEvent]] = [
            [msgspec.structs.replace(placed(), key=no_text)],
            [],
            [placed(), NewEvent("Order.Placed", {})],
            [NewEvent("", {})],
            [NewEvent("x" * 129, {})],
            [NewEvent("order.placed", {"item": "tea"})],
            [NewEvent("order.noted", object())],
            [NewEvent("order.noted", {"n": {1, object()}})],
            [NewEvent("order.noted", None, key="")],
            [NewEvent("order.noted", None, key="k" * 257)],
            [NewEvent("order.noted", None, key="ä" * 129)],
            [NewEvent("order.noted", None, key="a\0b")],
            [NewEvent("order.noted", None, key="\ud800")],
            [NewEvent("order.noted", None, site="s" * 513)],
            [NewEvent("order.noted", None, at_us=1 << 63)],
            [placed(), NewEvent("order.noted", None, at_us=253_402_300_800_000_000)],
            [placed(), msgspec.structs.replace(placed(), at_us=-62_135_596_800_000_001)],
            [NewEvent("order.noted", None, at_us=1), NewEvent("order.noted", None, at_us=half)],
            [msgspec.structs.replace(placed(), at_us=half)],
            [placed(), msgspec.structs.replace(placed(), at_us=half)],
        ]
        for events in bad:
            with refused("invalid-event"):
                store.append(_S, events, kind="order", expected=ANY)
        equal((store.end(), store.head(_S).revision), (end, 0))

    @proves("ES-6")
    def test_what_is_too_large_is_refused_at_the_call(self, store: Store) -> None:
        with refused("too-large"):
            store.append(_S, several(10_001), kind="order", expected=ANY)
        with refused("too-large"):
            event = NewEvent("order.noted", "x" * (20 << 20))
            store.append(_S, [event], kind="order", expected=ANY)
        equal(store.head(_S).revision, 0)

    @proves("ES-6")
    def test_keys_at_their_limits_are_kept(self, store: Store) -> None:
        keys = ["k" * 256, "ä" * 128, "[/]\x1b", None]
        events = [NewEvent("order.noted", None, key=key) for key in keys]
        store.append(_S, events, kind="order", expected=NEW).result()
        equal([event.key for event in store.read(_S)], keys)

    @proves("ES-6", "TB-1")
    def test_times_at_their_limits_are_kept(self, store: Store) -> None:
        """Before and after each other, too."""
        times = [0, -1, 253_402_300_799_999_999, -62_135_596_800_000_000, START_US, 1 << 57]
        events = [msgspec.structs.replace(placed(), at_us=at_us) for at_us in times]
        for some in (events, events[::-1], events[2:4]):
            store.append(_S, some, kind="order", expected=ANY).result()
        told = [*times, *times[::-1], *times[2:4]]
        equal([event.at_us for event in store.read(_S)], told)
        equal([us_of(event.at) for event in store.read(_S)], told)

    @proves("ES-6")
    def test_a_stream_may_not_grow_for_ever(self, store: Store) -> None:
        store.append(_S, several(MOST_EVENTS - 1), kind="short", expected=NEW).result()
        with refused("stream-too-long"):
            store.append(_S, several(2), kind="short", expected=MOST_EVENTS - 1)
        with refused("stream-too-long"):
            store.append(_S, several(2), kind="short", expected=ANY).result()
        with refused("stream-too-long"):
            store.append(stream(2), several(MOST_EVENTS + 1), kind="short", expected=NEW)
        store.append(_S, [placed()], kind="short", expected=ANY).result()
        equal(store.head(_S).revision, MOST_EVENTS)

    @proves("ES-6")
    def test_the_bytes_of_a_stream_are_bounded_too(self, store: Store) -> None:
        """Its own, whoever appended them: a fork has those before it from elsewhere."""
        large = NewEvent("order.noted", "x" * (MOST_BYTES * 2 // 5))
        store.append(_S, [large], kind="short", expected=NEW).result()
        store.append(_S, [large], kind="short", expected=1).result()
        with refused("stream-too-long"):
            store.append(_S, [large], kind="short", expected=2).result()
        with refused("stream-too-long"):
            store.append(stream(2), [large] * 3, kind="short", expected=NEW)
        store.append(
            stream(3), [large], kind="short", expected=NEW, parent=(_S, Revision(2))
        ).result()
        store.append(_S, [placed()], kind="short", expected=2, close=True).result()
        equal((store.head(_S).revision, store.head(stream(3)).revision), (3, 3))

    @proves("ES-1")
    def test_ids_must_be_what_they_say(self, store: Store) -> None:
        other = StreamId(UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8"))
        ids: list[Any] = [other, "text", None]
        for wrong in ids:
            with refused("invalid-id"):
                store.append(wrong, [placed()], kind="order", expected=NEW)
        commit_ids: list[Any] = [b"short", "sixteen letters!", b"x" * 17, b""]
        for wrong in commit_ids:
            with refused("invalid-id"):
                store.append(_S, [placed()], kind="order", expected=NEW, commit_id=wrong)
        for revision in (-2, 1.5):
            with refused("wrong-revision"):
                store.append(_S, [placed()], kind="order", expected=revision)  # type: ignore[arg-type]

    @proves("ES-1")
    def test_a_named_stream_is_one_like_any(self, store: Store) -> None:
        name = named_stream("ledger", "main")
        store.append(name, [placed()], kind="ledger", expected=ANY).result()
        store.append(name, [placed(2)], kind="ledger", expected=1).result()
        equal([event.data.quantity for event in store.read(name)], [1, 2])

    @proves("ES-7")
    def test_later_changes_of_what_was_appended_are_not_seen(self, store: Store) -> None:
        data = {"lines": [1, 2]}
        ticket = store.append(_S, [NewEvent("order.noted", data)], kind="order", expected=NEW)
        data["lines"].append(3)
        ticket.result()
        equal([event.data.data for event in store.read(_S)], [{"lines": [1, 2]}])

    @proves("ES-5")
    def test_a_commit_of_many_events_is_several_rows(self, store: Store) -> None:
        end = store.end()
        commit = store.append(_S, several(600), kind="order", expected=NEW).result()
        equal((commit.first, commit.last, commit.position), (1, 600, end + 1))
        rows = store.read_log(after=end)
        equal([(row.first, row.last) for row in rows], [(1, 256), (257, 512), (513, 600)])
        equal([event.data.quantity for event in store.read(_S)], list(range(1, 601)))

    @proves("ES-5")
    def test_a_row_ends_at_64_kib_and_a_larger_event_has_its_own(self, store: Store) -> None:
        end = store.end()
        sizes = (30_000, 30_000, 30_000, 100_000, 10)
        events = [NewEvent("order.noted", "x" * size) for size in sizes]
        store.append(_S, events, kind="order", expected=NEW).result()
        rows = store.read_log(after=end)
        counts = [len([e for e in row.events if e.type == "order.noted"]) for row in rows]
        equal([count for count in counts if count], [2, 1, 1, 1])
        equal([len(event.data.data) for event in store.read(_S)], list(sizes))

    @proves("ES-5")
    def test_a_commit_of_very_many_rows_is_whole(self, store: Store) -> None:
        events = [NewEvent("order.noted", "x" * 40_000) for _ in range(300)]
        equal(store.append(_S, events, kind="order", expected=NEW).result().last, 300)
        equal(sum(1 for _ in store.read(_S)), 300)
        equal(store.verify().fault, None)

    @proves("ES-8")
    def test_nothing_follows_a_closing_commit(self, store: Store) -> None:
        store.append(_S, several(300), kind="order", expected=NEW, close=True).result()
        true(store.head(_S).closed, "the stream is still open")
        for expected in (ANY, 300, NEW):
            with refused("stream-closed"):
                store.append(_S, [placed()], kind="order", expected=expected).result()
        rows = [row for row in store.read_log() if row.stream == _S]
        equal([row.closes for row in rows], [False, True])

    @proves("LG-2")
    def test_the_time_of_rows_never_falls(self, store: Store) -> None:
        for number in range(5):
            events = [NewEvent("order.noted", None, at_us=START_US - number)]
            store.append(stream(number), events, kind="order", expected=NEW).result()
        times = [row.at_us for row in store.read_log()]
        equal(times, sorted(times))

    @proves("ES-5")
    def test_an_event_keeps_its_own_time(self, store: Store) -> None:
        times = [START_US, START_US - 5, START_US + 10**12, 0, -1]
        events = [NewEvent("order.noted", None, at_us=at_us) for at_us in times]
        store.append(_S, events, kind="order", expected=NEW).result()
        equal([event.at_us for event in store.read(_S)], times)

    @proves("WR-1", "LG-1")
    def test_commits_of_many_streams_come_in_the_order_of_the_calls(self, store: Store) -> None:
        tickets = [
            store.append(stream(n % 7), several(n % 3 + 1), kind="order", expected=ANY)
            for n in range(300)
        ]
        commits = [ticket.result() for ticket in tickets]
        equal([commit.stream for commit in commits], [stream(n % 7) for n in range(300)])
        for before, after in pairwise(commits):
            equal(after.position, before.position + before.last - before.first + 1)

    @proves("WR-3", "ES-2")
    def test_a_commit_that_waits_for_the_disk_is_one_like_any(self, store: Store) -> None:
        for n in range(6):
            kind, durable = ("ledger", False) if n % 3 else ("order", True)
            number = 1 if kind == "order" else 2
            store.append(
                stream(number), [placed(n)], kind=kind, expected=ANY, durable=durable
            ).result()
        read = [[event.data.quantity for event in store.read(stream(n))] for n in (1, 2)]
        equal(read, [[0, 3], [1, 2, 4, 5]])
        equal(store.verify().fault, None)

    @proves("LG-6")
    def test_a_name_is_registered_once_and_before_it_is_used(self, store: Store) -> None:
        sites = ["cart.py:1", "cart.py:2", None, "cart.py:1"]
        for n, site in enumerate(sites):
            store.append(stream(n), [placed(n, site=site)], kind="order", expected=NEW).result()
        rows = store.read_log(limit=1_000)
        used = {e.site: row.position for row in rows[::-1] for e in row.events if e.site}
        told = [
            (name, row.position)
            for row in rows
            for event in row.events
            if event.type == "names.registered"
            for _, _, name, _ in event.data.data["names"]
            if name in used
        ]
        equal(sorted(name for name, _ in told), ["cart.py:1", "cart.py:2"])
        true(all(position < used[name] for name, position in told), "a name came late")

    @proves("ES-2", "LG-6")
    def test_nobody_but_the_log_writes_of_itself(self, store: Store) -> None:
        end = store.end()
        for wanted in (LOG_STREAM, stream(7)):
            with refused("reserved-kind"):
                store.append(wanted, [placed()], kind="log", expected=ANY)
        with refused("stream-mismatch"):
            store.append(LOG_STREAM, [placed()], kind="order", expected=ANY).result()
        equal([event.type for row in store.read_log(after=end) for event in row.events], [])

    @proves("LG-6", "CH-5")
    def test_events_that_are_called_as_the_logs_own_are_only_events(self, store: Store) -> None:
        named: dict[str, Any] = {"names": [[99, 2, "shop.py:1", 1]]}
        for data in (named, {"names": "none"}, None):
            event = NewEvent("names.registered", data, at_us=START_US)
            store.append(_S, [event], kind="order", expected=ANY).result()
        equal((store.verify().fault, store.verify_since_seal().fault), (None, None))
        equal([event.data.data for event in store.read(_S)], [named, {"names": "none"}, None])

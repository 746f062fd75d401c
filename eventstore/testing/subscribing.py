"""Claims about subscriptions: nothing left out, nothing twice, and going on from a cursor."""

import asyncio
import threading
from collections.abc import Iterable
from typing import Any

import msgspec

from eventstore.cursors import Cursor, Mark
from eventstore.errors import EventStoreError
from eventstore.events import ANY, NEW
from eventstore.identifiers import LOG_STREAM
from eventstore.names import RESET
from eventstore.store import Store
from eventstore.subscription import Page, Subscription
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import placed, several, stream


def fill(store: Store, rows: int, *, kinds: tuple[str, ...] = ("order",), first: int = 0) -> None:
    """Append *rows* commits of one event each, in turn to streams of *kinds*."""
    tickets = [
        store.append(
            stream(number), [placed(number)], kind=kinds[number % len(kinds)], expected=NEW
        )
        for number in range(first, first + rows)
    ]
    for ticket in tickets:
        ticket.result()


def drained(subscription: Subscription) -> list[Page]:
    """Return all pages that there are now."""
    pages = []
    while (page := subscription.poll()) is not None:
        pages.append(page)
    return pages


def firsts(pages: Iterable[Page]) -> list[int]:
    """Return the position of each row."""
    return [row.position for page in pages for row in page.rows]


class Subscribing:
    """What any store does with those who read along."""

    @proves("SB-1")
    def test_pages_are_the_log_in_order(self, store: Store) -> None:
        fill(store, 600)
        store.append(stream(1), several(300), kind="order", expected=1).result()
        pages = drained(store.subscribe("reader"))
        rows = [row for page in pages for row in page.rows]
        equal([row.position for row in rows], [row.position for row in store.read_log(limit=999)])
        equal([len(page.rows) for page in pages[:2]], [256, 256])
        true(all(0 < len(page.rows) <= 256 for page in pages), "a page is empty or too long")
        positions = [event.position for row in rows for event in row.events]
        equal(positions, list(range(1, store.end() + 1)))

    @proves("SB-1")
    def test_what_comes_later_is_the_next_page(self, store: Store) -> None:
        subscription = store.subscribe("reader")
        drained(subscription)
        equal(subscription.poll(), None)
        for number in range(3):
            fill(store, 2, first=number * 2)
            (page,) = drained(subscription)
            equal([row.stream for row in page.rows][-2:], [stream(n + number * 2) for n in (0, 1)])
            equal(subscription.poll(), None)

    @proves("SB-1")
    def test_some_kinds_only(self, store: Store) -> None:
        subscription = store.subscribe("reader", kinds=["ledger", "short"])
        equal(subscription.poll(), None)
        fill(store, 900, kinds=("order", "order", "ledger"))
        equal([row.kind for page in drained(subscription) for row in page.rows], ["ledger"] * 300)
        fill(store, 3, first=2_000)
        equal(subscription.poll(), None)
        fill(store, 1, kinds=("short",), first=3_000)
        equal([row.stream for page in drained(subscription) for row in page.rows], [stream(3_000)])
        with refused("unknown-kind"):
            store.subscribe("reader", kinds=["nothing"])

    @proves("SB-2")
    def test_a_page_that_was_not_done_comes_again(self, store: Store) -> None:
        fill(store, 600)
        first, second, _ = drained(store.subscribe("reader"))
        first.done()
        equal(firsts(drained(store.subscribe("reader")))[0], second.rows[0].position)
        second.done()
        third = drained(store.subscribe("reader"))
        equal(firsts([first, second, *third]), firsts(drained(store.subscribe("another"))))

    @proves("SB-2")
    def test_a_saved_cursor_does_not_go_back(self, store: Store) -> None:
        fill(store, 600)
        first, second, third = drained(store.subscribe("reader"))
        second.done()
        first.done()
        equal(firsts(drained(store.subscribe("reader"))), firsts([third]))

    @proves("SB-2")
    def test_each_name_has_its_own_cursor(self, store: Store) -> None:
        for page in drained(store.subscribe("one")):
            page.done()
        equal(drained(store.subscribe("one")), [])
        true(drained(store.subscribe("two")), "the other cursor was moved")

    @proves("SB-1")
    def test_a_cursor_is_where_one_goes_on(self, store: Store) -> None:
        fill(store, 600)
        subscription = store.subscribe("reader")
        first, second, third = drained(subscription)
        text = str(first.cursor)
        equal(Cursor.parse(text), first.cursor)
        again = store.subscribe("reader", after=Cursor.parse(text))
        equal(again.cursor, first.cursor)
        equal(firsts(drained(again)), firsts([second, third]))
        equal(again.cursor, subscription.cursor)
        (mark,) = third.cursor.marks.values()
        equal(mark.position, store.end())

    @proves("SB-1")
    def test_a_cursor_can_be_had_for_a_position(self, store: Store) -> None:
        store.append(stream(1), several(300), kind="order", expected=NEW).result()
        rows = store.read_log()
        ends = [row.position + len(row.events) - 1 for row in rows]
        for position in (0, *ends, ends[-1] - 1, ends[-1] - 300, ends[-1] + 5):
            after = [row.position for row, end in zip(rows, ends, strict=True) if end > position]
            subscription = store.subscribe("reader", after=store.cursor_at(position))
            equal(firsts(drained(subscription)), after)
        equal(drained(store.subscribe("reader", after=store.cursor_at())), [])

    @proves("SB-3")
    def test_a_cursor_of_another_history_gets_no_page(self, store: Store) -> None:
        fill(store, 10)
        ((log, mark),) = store.cursor_at(store.end() - 3).marks.items()
        for other in (
            msgspec.structs.replace(mark, chain=bytes(32)),
            msgspec.structs.replace(mark, epoch=mark.epoch + 1),
            msgspec.structs.replace(mark, position=mark.position + 1),
            msgspec.structs.replace(mark, position=store.end() + 100),
            Mark(0, 0, bytes(32)),
        ):
            subscription = store.subscribe("reader", after=Cursor({log: other}))
            for _ in range(2):
                with refused("history-forked") as refusal:
                    subscription.poll()
            equal(refusal.error.fields["position"], other.position)
        elsewhere = Cursor({stream(1): mark})
        with refused("history-forked"):
            store.subscribe("reader", after=elsewhere)

    @proves("SB-3")
    def test_a_reset_is_a_fact(self, store: Store) -> None:
        fill(store, 300)
        begun = drained(store.subscribe("reader"))
        begun[0].done()
        ((log, mark),) = begun[0].cursor.marks.items()
        lost = Cursor({log: msgspec.structs.replace(mark, chain=bytes(32))})
        subscription = store.subscribe("reader", after=lost)
        with refused("history-forked"):
            subscription.poll()
        with refused("history-forked"):
            subscription.reset(lost)
        subscription.reset()
        told = list(store.read(LOG_STREAM))[-1]
        equal((told.type, told.key), (RESET, "reader"))
        equal(told.data.data, {"from": str(begun[0].cursor), "to": ""})
        equal(firsts(drained(subscription))[:256], firsts(begun[:1]))
        equal(firsts(drained(store.subscribe("reader")))[:256], firsts(begun[:1]))
        subscription.reset(begun[1].cursor)
        equal(list(store.read(LOG_STREAM))[-1].data.data, {"from": "", "to": str(begun[1].cursor)})
        later = [row.stream for page in drained(store.subscribe("reader")) for row in page.rows]
        equal(set(later), {LOG_STREAM})
        equal(store.verify().fault, None)

    @proves("SB-1")
    def test_whoever_waits_is_woken(self, store: Store) -> None:
        subscription = store.subscribe("reader", after=store.cursor_at(), kinds=["order"])
        seen: list[Any] = []

        def read() -> None:
            for page in subscription:
                seen.extend(row.stream for row in page.rows)
                if len(seen) == 20:
                    break

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(20):
            fill(store, 1, first=number)
        reader.join()
        equal(seen, [stream(number) for number in range(20)])

    @proves("SB-1")
    def test_an_event_loop_waits_as_well(self, store: Store) -> None:
        subscription = store.subscribe("reader", after=store.cursor_at(), kinds=["order"])

        async def scenario() -> list[Any]:
            seen: list[Any] = []

            async def read() -> None:
                async for page in subscription:
                    seen.extend(row.stream for row in page.rows)
                    if len(seen) == 20:
                        return

            reader = asyncio.create_task(read())
            for number in range(20):
                commit = store.append(stream(number), [placed()], kind="order", expected=NEW)
                await commit.durable()
            await reader
            return seen

        equal(asyncio.run(scenario()), [stream(number) for number in range(20)])

    @proves("SB-1")
    def test_whoever_is_cancelled_loses_no_page(self, store: Store) -> None:
        async def scenario() -> list[Any]:
            subscription = store.subscribe("reader", after=store.cursor_at(), kinds=["order"])
            seen: list[Any] = []
            for number in range(12):
                waiting = asyncio.ensure_future(anext(subscription))
                for _ in range(number):
                    await asyncio.sleep(0)
                fill(store, 1, first=number)
                waiting.cancel()
                page = (await asyncio.gather(waiting, return_exceptions=True))[0]
                seen += [] if isinstance(page, BaseException) else [row.stream for row in page.rows]
            return seen + [row.stream for page in drained(subscription) for row in page.rows]

        equal(asyncio.run(scenario()), [stream(number) for number in range(12)])

    @proves("SB-1")
    def test_closing_ends_the_iteration(self, store: Store) -> None:
        subscription = store.subscribe("reader", after=store.cursor_at())
        seen: list[Page] = []
        reader = threading.Thread(target=lambda: seen.extend(subscription))
        reader.start()
        subscription.close()
        reader.join()
        equal(list(subscription), [])
        equal(store.head(stream(1)).revision, 0)

    @proves("SB-1", "WR-10")
    def test_a_closed_store_wakes_whoever_waits(self, store: Store) -> None:
        subscription = store.subscribe("reader", after=store.cursor_at())
        met: list[str] = []
        waits = threading.Event()

        def read() -> None:
            waits.set()
            try:
                next(subscription)
            except EventStoreError as error:
                met.append(error.code)

        reader = threading.Thread(target=read)
        reader.start()
        waits.wait()
        store.close()
        reader.join()
        equal(met, ["store-closed"])
        with refused("store-closed"):
            store.subscribe("reader")

    @proves("SB-1")
    def test_nothing_is_missed_or_doubled_while_others_write(self, store: Store) -> None:
        subscription = store.subscribe("reader", kinds=["order"])

        def write(number: int) -> None:
            for count in range(50):
                events = several(1 + count % 3)
                store.append(stream(number), events, kind="order", expected=ANY).result()

        writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for writer in writers:
            writer.start()
        seen: list[int] = []
        for page in subscription:
            seen += firsts([page])
            page.done()
            if len(seen) >= 200:
                break
        for writer in writers:
            writer.join()
        equal(seen, [row.position for row in store.read_log(kinds=["order"], limit=999)])
        equal(drained(store.subscribe("reader", kinds=["order"])), [])

    @proves("SB-1")
    def test_a_name_is_a_short_text(self, store: Store) -> None:
        names: list[Any] = ["", "a\0", "\ud800", "x" * 129, None]
        for name in names:
            with refused("invalid-id"):
                store.subscribe(name)
        equal(store.subscribe("x" * 128).name, "x" * 128)

    @proves("SB-3", "ES-9")
    def test_numbers_that_no_log_reaches_are_beyond_its_end(self, store: Store) -> None:
        fill(store, 3)
        (mark,) = store.cursor_at().marks.values()
        log = next(iter(store.cursor_at().marks))
        for most in (1 << 62, 1 << 63, 1 << 64, 10**30):
            equal(len(list(store.read(stream(1), 1, most))), 1)
            equal(len(list(store.read(stream(1), most))), 0)
            equal(len(store.read_log(limit=most, before=most, kinds=["order"])), 3)
            equal(len(store.read_log(after=most)), 0)
            equal(store.cursor_at(most), store.cursor_at())
            with refused("no-such-position"):
                store.verify(most)
            with refused("history-forked"):
                after = Cursor({log: Mark(mark.epoch, most, mark.chain)})
                store.subscribe("reader", after=after).poll()

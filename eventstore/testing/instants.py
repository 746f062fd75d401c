"""Claims about `position_at`: the log as it was at an instant."""

from datetime import UTC, datetime, timedelta, timezone
from unittest import SkipTest

from eventstore.events import ANY, NEW, Row
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused
from eventstore.testing.fakes import placed, several, stream

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STREAMS = 6


def at(us: int) -> datetime:
    """Return an instant by its µs since 1970."""
    return _EPOCH + timedelta(microseconds=us)


def _end(row: Row) -> int:
    return row.position + len(row.events) - 1


class Instants:
    """What any store says of where its log was."""

    moves = True
    """Capability: it can archive, drop, export and import."""
    seals = True
    """Capability: it signs its log."""

    @proves("LG-2")
    def test_where_the_log_was_at_each_time_and_between(self, store: Store) -> None:
        store.append(stream(0), several(300), kind="order", expected=NEW).result()
        for number in range(8):
            event = placed(number)
            store.append(stream(number % 3), [event], kind="order", expected=ANY).result()
        ends = {row.at_us: _end(row) for row in store.read_log()}
        before = 0
        for at_us, end in ends.items():
            equal(store.position_at(at(at_us - 1)), store.cursor_at(before))
            equal(store.position_at(at(at_us)), store.cursor_at(end))
            before = end

    @proves("LG-2")
    def test_before_all_is_the_beginning_and_after_all_is_the_end(self, store: Store) -> None:
        store.append(stream(0), [placed()], kind="order", expected=NEW).result()
        equal(store.position_at(_EPOCH), store.cursor_at(0))
        equal(store.position_at(datetime(9999, 12, 31, tzinfo=UTC)), store.cursor_at())

    @proves("LG-2")
    def test_an_instant_is_one_in_every_time_zone_and_none_without(self, store: Store) -> None:
        store.append(stream(0), [placed()], kind="order", expected=NEW).result()
        last = at(store.read_log()[-1].at_us)
        there = last.astimezone(timezone(timedelta(hours=-7)))
        equal(store.position_at(there), store.cursor_at())
        with refused("naive-instant"):
            store.position_at(last.replace(tzinfo=None))

    @proves("LG-2", "AR-3")
    def test_archived_rows_keep_their_times_and_dropped_ones_go_with_those_before(
        self, store: Store
    ) -> None:
        if not (self.moves and self.seals):
            msg = "the store declares that nothing leaves it, or that it does not seal"
            raise SkipTest(msg)
        for number in range(_STREAMS):
            store.append(
                stream(number), [placed(number)], kind="order", expected=NEW, close=True
            ).result()
        rows = store.read_log(kinds=["order"])
        store.archive(streams=[stream(1), stream(2)])
        store.prune(streams=[stream(4)], by="ann", reason="")
        for number in (0, 1, 2, 3, 5):
            row = rows[number]
            equal(store.position_at(at(row.at_us)), store.cursor_at(_end(row)))
        equal(store.position_at(at(rows[4].at_us)), store.cursor_at(_end(rows[3])))

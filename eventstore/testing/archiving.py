"""Claims about `archive`, `prune` and `export`: what left is read as before, or gone for good."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import SkipTest

import msgspec

from eventstore import retention
from eventstore.events import ANY, NEW
from eventstore.identifiers import Revision
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import CountingReducer, Placed, placed, several, stream

_OPEN, _FORK = 3, 50
_NOW = timedelta(0)


class Archiving:
    """What any store does whose streams can leave it."""

    seals = True
    """Capability: see `Sealing`. Only what is sealed may leave."""
    moves = True
    """Capability: streams can leave the store under test, and be exported."""

    def _need_moves(self) -> None:
        if not (self.moves and self.seals):
            msg = "the store declares that nothing leaves it, or that it does not seal"
            raise SkipTest(msg)

    @proves("AR-1", "AR-2", "AR-3")
    def test_what_is_archived_answers_as_before(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        before = _answers(store)
        done = store.archive(older_than=_NOW)
        equal((done.streams, len(done.files)), (5, 1))
        equal(_answers(store), before)
        equal(store.verify().fault, None)
        for n in (0, _OPEN, _FORK):
            equal(store.verify_stream(stream(n)).fault, None)

    @proves("AR-1", "AR-2")
    def test_a_second_time_there_is_nothing_to_archive(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        store.archive(older_than=_NOW)
        end = store.end()
        equal(store.archive(older_than=_NOW).streams, 0)
        equal(store.end(), end)

    @proves("AR-1")
    def test_nothing_is_older_than_all_ages(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        equal(store.archive(older_than=timedelta.max).streams, 0)
        equal(store.prune(by="ann", reason="", older_than=timedelta.max).streams, 0)

    @proves("AR-2", "TB-7")
    def test_a_fact_tells_of_each_segment(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        done = store.archive(older_than=_NOW)
        (fact,) = _facts(store, retention.ARCHIVED)
        equal((fact["streams"], fact["rows"], fact["size"]), (5, done.rows, done.size))
        (file,) = done.files
        equal((Path(file).name, Path(file).stat().st_size), (fact["file"], done.size))

    @proves("AR-1")
    def test_what_must_stay_is_refused_and_stays(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        end, log = store.end(), store.read_log(kinds=["log"])[0].stream
        for each, words in (
            (stream(_OPEN), "not closed"),
            (stream(99), "there is no stream"),
            (log, "of kind log, which stays"),
        ):
            for leave in (_archive, _prune):
                with refused("cannot-archive") as refusal:
                    leave(store, each)
                true(words in refusal.error.problem, f"it does not say {words!r}")
        with refused("cannot-archive"):
            store.archive(kinds=["log"], older_than=_NOW)
        with refused("unknown-kind"):
            store.archive(kinds=["none"], older_than=_NOW)
        equal(store.end(), end)

    @proves("AR-1")
    def test_a_stream_leaves_only_with_what_goes_on_from_it(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        for leave in (_archive, _prune):
            with refused("has-forks") as refusal:
                leave(store, stream(1))
            equal(refusal.error.fields, {"stream": stream(1), "fork": stream(_FORK)})
        equal(store.archive(streams=[stream(1), stream(_FORK)]).streams, 2)

    @proves("AR-1")
    def test_only_what_ended_long_enough_ago_leaves(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        equal(store.archive(older_than=timedelta(days=1)).streams, 0)
        equal(store.archive(older_than=_NOW, kinds=["ledger"]).streams, 0)
        equal(store.count_streams("order"), 6)

    @proves("AR-3", "ES-4", "ES-8")
    def test_an_archived_stream_takes_no_more(self, store: Store) -> None:
        """Neither is it begun anew, nor is a retry of its commit a second one."""
        self._need_moves()
        store.seal()
        given: dict[str, Any] = {"kind": "order", "commit_id": b"0" * 16, "close": True}
        first = store.append(stream(7), several(2), expected=NEW, **given).result()
        store.archive(older_than=_NOW)
        for expected in (NEW, ANY, 2):
            with refused("stream-closed"):
                store.append(stream(7), [placed(9)], kind="order", expected=expected).result()
        again = store.append(stream(7), several(2), expected=NEW, **given).result()
        equal(again, msgspec.structs.replace(first, duplicate=True))

    @proves("AR-3", "FK-1")
    def test_a_fork_may_go_on_from_what_is_archived(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        store.archive(older_than=_NOW)
        store.append(
            stream(60), [placed(9)], kind="order", expected=NEW,
            parent=(stream(_FORK), Revision(200)),
        ).result()  # fmt: skip
        equal([event.revision for event in store.read(stream(60))], list(range(1, 202)))
        equal(store.fold(CountingReducer(), stream(60)).revision, 201)

    @proves("CH-6", "AR-2", "AR-3")
    def test_redaction_reaches_what_is_archived(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        (before,) = store.archive(older_than=_NOW).files
        store.redact(stream(_FORK), 200, ["/item"], by="ann", reason="")
        equal(next(store.read(stream(_FORK), 200)).data, Placed("<redacted>", 198))
        equal(next(store.read(stream(_FORK), 201)).data, Placed("tea", 199))
        equal((Path(before).exists(), store.verify().fault), (False, None))

    @proves("AR-1", "AR-2", "CH-5", "LG-1")
    def test_what_is_dropped_is_gone_and_the_rest_verifies(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        kept = {n: list(store.read(stream(n))) for n in (1, _OPEN, _FORK)}
        done = store.prune(streams=[stream(0), stream(2)], by="ann", reason="request 12")
        equal((done.streams, done.rows), (2, 2))
        equal([store.head(stream(n)).revision for n in (0, 2)], [0, 0])
        equal({n: list(store.read(stream(n))) for n in (1, _OPEN, _FORK)}, kept)
        (fact,) = _facts(store, retention.PRUNED)
        equal((fact["streams"], fact["by"], fact["reason"]), (2, "ann", "request 12"))
        end = store.end()
        store.append(stream(0), [placed()], kind="order", expected=NEW).result()
        true(store.head(stream(0)).last_position > end, "a position was used again")
        equal(store.verify().fault, None)

    @proves("AR-1")
    def test_what_is_archived_is_not_dropped(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        store.archive(streams=[stream(0)])
        with refused("cannot-archive") as refusal:
            _prune(store, stream(0))
        true("archived" in refusal.error.problem, "it does not say why")
        store.prune(older_than=_NOW, by="ann", reason="")
        equal([store.head(stream(n)).revision for n in (0, 2)], [1, 0])

    @proves("AR-1", "SB-1", "SB-3")
    def test_whoever_reads_along_goes_on_behind_what_left(self, store: Store) -> None:
        self._need_moves()
        _fill(store)
        rows = store.read_log(kinds=["order"])
        cursors = [store.cursor_at(row.position + len(row.events) - 1) for row in rows]
        store.archive(streams=[stream(0)])
        store.prune(streams=[stream(2)], by="ann", reason="")
        for index, cursor in enumerate(cursors):
            page = store.subscribe("reader", after=cursor, kinds=["order"]).poll()
            left = [row.stream for row in rows[index + 1 :] if row.stream != stream(2)]
            equal([row.stream for row in page.rows] if page else [], left)

    @proves("AR-4")
    def test_an_export_is_one_new_file(self, store: Store) -> None:
        if not self.moves:
            with refused("not-in-memory"):
                store.export("x")
            return
        _fill(store)
        end = store.end()
        with _folder() as folder:
            part = store.export(f"{folder}/part", streams=[stream(_FORK)])
            equal((part.streams, part.size), (2, Path(part.file).stat().st_size))
            whole = store.export(f"{folder}/whole")
            equal((whole.streams, whole.events), (6, max(end, store.end())))
            with refused("file-exists"):
                store.export(f"{folder}/whole")
            with refused("no-such-stream"):
                store.export(f"{folder}/none", streams=[stream(99)])
            equal(sorted(each.name for each in Path(folder).iterdir()), ["part", "whole"])


@contextmanager
def _folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def _fill(store: Store) -> None:
    """Append five streams, all but one closed, and a long fork of one of them."""
    for n in range(5):
        events = several(n % 3 + 1)
        store.append(stream(n), events, kind="order", expected=NEW, close=n != _OPEN).result()
    store.append(
        stream(_FORK), several(400), kind="order", expected=NEW, close=True,
        parent=(stream(1), Revision(2)),
    ).result()  # fmt: skip


def _answers(store: Store) -> list[Any]:
    """Ask all that can be asked, but for the log's own stream."""
    streams = [stream(n) for n in (*range(5), _FORK, 99)]
    last = store.head(stream(_FORK)).last_position
    return [
        [list(store.read(each)) for each in streams],
        [list(store.read(each, 2, 300)) for each in streams],
        [store.head(each) for each in streams],
        [store.forks_of(each) for each in streams],
        [store.fold(CountingReducer(), each) for each in streams],
        store.read_log(limit=1_000, kinds=["order"]),
        store.read_log(limit=3, kinds=["order"], newest_first=True),
        store.read_log(limit=4, kinds=["order"], after=7, before=last),
        store.read_log(kinds=["order"], first_rows_only=True),
        store.count_streams("order"),
        store.find_streams("", "order", 4),
        store.find_streams(stream(2).hex, "order"),
        store.cursor_at(last - 1),
    ]


def _facts(store: Store, type_: str) -> list[Any]:
    return [
        event.data.data
        for row in store.read_log(kinds=["log"], limit=1_000)
        for event in row.events
        if event.type == type_
    ]


def _archive(store: Store, each: Any) -> None:
    store.archive(streams=[each])


def _prune(store: Store, each: Any) -> None:
    store.prune(streams=[each], by="ann", reason="")

"""Claims about `redact` and `seal`: what is gone, and what still holds."""

from typing import Any

from eventstore import redaction
from eventstore.events import NEW, NewEvent, UnknownEvent
from eventstore.identifiers import Revision
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import (
    START_US,
    CountingReducer,
    Placed,
    placed,
    several,
    stream,
)

_S = stream(1)


class Redacting:
    """What any store does when values must go."""

    gone = True
    """Capability: the store sees to it at once that no file of its holds the values any more."""

    @proves("CH-6")
    def test_a_redacted_value_is_gone_and_the_rest_is_there(self, store: Store) -> None:
        store.append(_S, several(3), kind="order", expected=NEW).result()
        store.redact(_S, 2, ["/item"], by="ann", reason="asked for")
        events = list(store.read(_S))
        equal([event.data for event in events[::2]], [Placed("tea", 1), Placed("tea", 3)])
        equal(events[1].data, Placed("<redacted>", 2))
        equal((events[1].key, events[1].at_us), ("k2", START_US + 2))

    @proves("CH-6")
    def test_plain_data_keeps_its_shape(self, store: Store) -> None:
        data = {"card": {"number": "4111", "name": "Ann"}, "tags": ["a", "b"]}
        event = NewEvent("order.noted", data, at_us=START_US)
        store.append(_S, [event], kind="order", expected=NEW).result()
        store.redact(_S, 1, ["/card/number", "/tags/1"], by="ann", reason="")
        mark = redaction.MARK
        expected = {"card": {"number": mark, "name": "Ann"}, "tags": ["a", mark]}
        equal(next(store.read(_S)).data, UnknownEvent(expected))
        store.redact(_S, 1, [""], by="ann", reason="")
        equal(next(store.read(_S)).data, UnknownEvent(mark))

    @proves("CH-6", "CH-5")
    def test_the_log_still_verifies(self, store: Store) -> None:
        for n in range(4):
            store.append(stream(n), several(2), kind="order", expected=NEW).result()
        before = store.verify()
        for n in (1, 2):
            store.redact(stream(n), 1, ["/item"], by="ann", reason="")
        store.redact(stream(1), 2, ["/item"], by="ann", reason="")
        said = store.verify()
        equal((before.fault, said.fault, said.detail), (None, None, ""))
        true(said.verified_to > before.verified_to, "the facts of it are not in the log")
        equal([store.verify_stream(stream(n)).fault for n in range(4)], [None] * 4)

    @proves("CH-6", "TB-7")
    def test_a_fact_says_what_was_taken_out_by_whom_and_why(self, store: Store) -> None:
        store.append(_S, several(2), kind="order", expected=NEW).result()
        row = store.read_log(kinds=["order"])[0]
        done = store.redact(_S, 2, ["/item"], by="ann", reason="request 12")
        event = store.read_log(kinds=["log"], newest_first=True)[0].events[-1]
        equal((event.type, event.position), (redaction.FACT, done.position))
        fact = event.data.data
        equal(
            [fact[name] for name in ("stream", "revision", "position", "pointers", "by", "reason")],
            [_S.hex, 2, row.position, ["/item"], "ann", "request 12"],
        )
        equal([len(fact[name]) for name in ("digest", "now")], [64, 64])
        equal((done.row, done.gone, store.end()), (row.position, self.gone, done.position))

    @proves("CH-6")
    def test_folds_go_on_without_it(self, store: Store) -> None:
        store.append(_S, several(3), kind="order", expected=NEW).result()
        before = store.fold(CountingReducer(), _S)
        store.redact(_S, 2, ["/item"], by="ann", reason="")
        equal(store.fold(CountingReducer(), _S), before)

    @proves("CH-6", "FK-1")
    def test_what_a_fork_inherits_is_redacted_where_it_stands(self, store: Store) -> None:
        store.append(_S, several(3), kind="order", expected=NEW).result()
        fork = stream(2)
        store.append(
            fork, [placed(9)], kind="order", expected=NEW, parent=(_S, Revision(2))
        ).result()
        store.redact(fork, 1, ["/item"], by="ann", reason="")
        equal(next(store.read(_S)).data.item, "<redacted>")
        equal([event.data.item for event in store.read(fork)], ["<redacted>", "tea", "tea"])

    @proves("CH-6")
    def test_what_cannot_be_redacted_is_refused_and_stays(self, store: Store) -> None:
        store.append(_S, several(2), kind="order", expected=NEW).result()
        end = store.end()
        log = store.read_log(kinds=["log"])[0]
        for revision, pointer, code in (
            (1, "/price", "no-such-value"),
            (1, "item", "no-such-value"),
            (1, "/item/0", "no-such-value"),
            (1, "/quantity", "cannot-redact"),
            (1, "", "cannot-redact"),
            (3, "/item", "no-such-revision"),
            (0, "/item", "no-such-revision"),
        ):
            with refused(code):
                store.redact(_S, revision, ["/item", pointer], by="ann", reason="")
        with refused("cannot-redact"):
            store.redact(_S, 1, [], by="ann", reason="")
        with refused("cannot-redact"):
            store.redact(log.stream, log.first, [""], by="ann", reason="")
        # The name of the fact may have got its number by then; nothing else was written.
        equal(len(store.read_log(after=end, kinds=["order"])), 0)
        equal([event.data.item for event in store.read(_S)], ["tea", "tea"])

    @proves("CH-6")
    def test_the_stream_goes_on(self, store: Store) -> None:
        store.append(_S, several(2), kind="order", expected=NEW).result()
        store.redact(_S, 1, ["/item"], by="ann", reason="")
        store.append(_S, [placed(3)], kind="order", expected=2).result()
        equal((store.head(_S).revision, store.verify().fault), (3, None))

    @proves("CH-6")
    def test_the_same_is_redacted_once(self, store: Store) -> None:
        store.append(_S, several(3), kind="order", expected=NEW).result()
        first = store.redact(_S, 2, ["/item"], by="ann", reason="request 12")
        end = store.end()
        again = store.redact(_S, 2, ["/item"], by="ann", reason="request 12")
        equal((first.duplicate, again.duplicate, store.end()), (False, True, end))
        equal((again.position, again.row, again.keyframes), (first.position, first.row, 0))
        others = [
            store.redact(_S, 2, ["/item"], by="ann", reason="request 13"),
            store.redact(_S, 2, ["/item"], by="bob", reason="request 12"),
            store.redact(_S, 3, ["/item"], by="ann", reason="request 12"),
        ]
        equal([each.duplicate for each in others], [False] * 3)
        again = store.redact(_S, 2, ["/item"], by="bob", reason="request 12")
        equal((again.position, again.duplicate), (others[1].position, True))
        equal(store.verify().fault, None)

    @proves("CH-6", "CH-5")
    def test_words_that_no_fact_can_hold_are_refused_before_anything_goes(
        self, store: Store
    ) -> None:
        store.append(_S, several(3), kind="order", expected=NEW).result()
        words: list[Any] = ["\ud800", "a\0b", "x" * 4_097, 5, None]
        for word in words:
            for by, reason in ((word, "asked for"), ("ann", word)):
                with refused("invalid-event"):
                    store.redact(_S, 1, ["/item"], by=by, reason=reason)
        equal(next(store.read(_S)).data, Placed("tea", 1))
        store.redact(_S, 1, ["/item"], by="Änn\n\u202e", reason="")
        equal((next(store.read(_S)).data.item, store.verify().fault), ("<redacted>", None))

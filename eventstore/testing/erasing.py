"""Claims about sealed values, `erase` and `rewrap`: what is forgotten, and what still holds."""

from typing import Any

from eventstore.codec.hiding import is_sealed
from eventstore.erasure import ERASED, REWRAPPED
from eventstore.events import ANY, NEW, NewEvent
from eventstore.identifiers import Revision, StreamId
from eventstore.keyring import Forgotten, name_of
from eventstore.redaction import MARK
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import MASTER, START_US, CountingReducer, Placed, placed, stream
from eventstore.values import ToDrop, ToHash, ToSeal

_S = stream(1)
_OTHER_MASTER = b"other master".ljust(32, b".")


def noted(data: object) -> NewEvent:
    """Return an event of plain data."""
    return NewEvent("order.noted", data, at_us=START_US)


def _put(store: Store, *events: NewEvent, to: StreamId = _S, **more: Any) -> None:
    store.append(to, events, **{"kind": "order", "expected": ANY, **more}).result()


class Erasing:
    """What any store with a keyring does with values that are somebody's."""

    gone = True
    """Whether what was taken out is in no file of the store at once."""

    @proves("EN-1", "EN-2")
    def test_a_sealed_value_is_read_where_it_stands(self, store: Store) -> None:
        value = {"street": ["Elm St", 7], "since": None}
        _put(store, placed(), noted({"at": [1, ToSeal("ann", value)], "n": 1}))
        stored = list(store.read(_S))[1].data.data
        true(is_sealed(stored["at"][1]), "it is not sealed")
        equal((stored["at"][0], stored["n"]), (1, 1))
        equal(store.open_sealed(_S, 2, "/at/1"), value)
        true(store.has_keyring, "it does not say that it has a keyring")

    @proves("EN-2")
    def test_each_sealing_of_a_value_is_another_text(self, store: Store) -> None:
        for _ in range(2):
            _put(store, noted([ToSeal("ann", 1), ToSeal("ann", 1), ToSeal("bob", 1)]))
        boxes = [one["$sealed"][1] for event in store.read(_S) for one in event.data.data]
        equal(len(set(boxes)), 6)
        keys = [one["$sealed"][0] for event in store.read(_S) for one in event.data.data]
        equal((keys[0], keys[2]), (keys[1], keys[5]))
        true(keys[0] != keys[2], "two persons have one key")

    @proves("GT-19")
    def test_equal_values_have_equal_hashes_and_no_others(self, store: Store) -> None:
        values = [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 3}, ""]
        _put(store, noted([ToHash(value) for value in values]), noted(ToDrop("x")))
        hashes = next(store.read(_S)).data.data
        equal([hashes.count(one) for one in hashes], [2, 2, 1, 1])
        equal([one[:5] for one in hashes], ["hmac:"] * 4)
        equal(list(store.read(_S))[1].data.data, MARK)

    @proves("EN-2")
    def test_where_there_is_no_sealed_value_it_says_so(self, store: Store) -> None:
        _put(store, noted({"a": ToSeal("ann", 1), "b": 2, "~/": ToSeal("ann", 3)}))
        equal(store.open_sealed(_S, 1, "/~0~1"), 3)
        for pointer in ("", "a", "/b", "/c", "/a/0", "/a/$sealed"):
            with refused("no-such-value"):
                store.open_sealed(_S, 1, pointer)
        with refused("no-such-revision"):
            store.open_sealed(_S, 2, "/a")

    @proves("EN-2", "ES-5")
    def test_it_is_found_in_any_row_of_a_large_commit(self, store: Store) -> None:
        events = [noted({"n": n, "who": ToSeal(f"p{n % 3}", n)}) for n in range(600)]
        _put(store, placed(), *events)
        for revision in (2, 256, 257, 601):
            equal(store.open_sealed(_S, revision, "/who"), revision - 2)

    @proves("EN-2", "FK-1")
    def test_what_a_fork_inherits_is_opened_there(self, store: Store) -> None:
        _put(store, placed(), noted(ToSeal("ann", "x")), placed())
        fork = stream(2)
        _put(store, placed(), to=fork, expected=NEW, parent=(_S, Revision(2)))
        equal(store.open_sealed(fork, 2, ""), "x")

    @proves("EN-2", "ES-4")
    def test_an_append_that_is_sent_again_is_the_same(self, store: Store) -> None:
        event = noted({"a": ToSeal("ann", 1), "b": ToHash(2)})
        given: dict[str, Any] = {"kind": "order", "expected": NEW, "commit_id": b"c" * 16}
        first = store.append(_S, [event], **given).result()
        again = store.append(_S, [event], **given).result()
        equal((again.position, again.duplicate), (first.position, True))
        other = noted({"a": ToSeal("ann", 3), "b": ToHash(2)})
        with refused("commit-id-reused"):
            store.append(_S, [other], **given).result()

    @proves("EN-3", "CH-5", "FD-1")
    def test_what_was_sealed_for_somebody_is_forgotten_and_nothing_else(self, store: Store) -> None:
        _put(store, placed(), noted({"a": ToSeal("ann", 1), "b": ToSeal("bob", 2)}), placed())
        events, folded = list(store.read(_S)), store.fold(CountingReducer(), _S)
        keys = [events[1].data.data[name]["$sealed"][0] for name in "ab"]
        done = store.erase("ann", by="dpo", reason="asked for")
        equal((done.keys, done.gone, done.copies), (1, self.gone, ()))
        equal(store.open_sealed(_S, 2, "/a"), Forgotten(keys[0]))
        equal(store.open_sealed(_S, 2, "/b"), 2)
        equal(store.forgotten(keys), frozenset(keys[:1]))
        equal(list(store.read(_S)), events)
        equal(store.fold(CountingReducer(), _S), folded)
        equal((store.verify().fault, store.verify_stream(_S).fault), (None, None))

    @proves("EN-3", "TB-7")
    def test_a_fact_tells_of_it_and_not_of_whom(self, store: Store) -> None:
        _put(store, noted(ToSeal("ann@example.com", 1)))
        key = next(store.read(_S)).data.data["$sealed"][0]
        done = store.erase("ann@example.com", by="dpo", reason="request 12")
        event = store.read_log(kinds=["log"], newest_first=True)[0].events[-1]
        equal((event.type, event.position), (ERASED, done.position))
        fact = event.data.data
        equal((fact["keys"], fact["by"], fact["reason"]), ([key], "dpo", "request 12"))
        equal(len(fact["subject"]), 64)
        true("ann" not in str(fact), "it names the person")

    @proves("EN-3")
    def test_who_comes_again_gets_a_new_key(self, store: Store) -> None:
        _put(store, noted(ToSeal("ann", 1)))
        store.erase("ann", by="", reason="")
        _put(store, noted(ToSeal("ann", 2)))
        true(isinstance(store.open_sealed(_S, 1, ""), Forgotten), "it is remembered")
        equal(store.open_sealed(_S, 2, ""), 2)
        store.erase("ann", by="", reason="")
        true(isinstance(store.open_sealed(_S, 2, ""), Forgotten), "it is remembered")

    @proves("EN-3")
    def test_nobody_is_erased_where_nobody_is_known(self, store: Store) -> None:
        _put(store, noted(ToSeal("ann", 1)))
        end = store.end()
        with refused("no-such-subject") as refusal:
            store.erase("anna", by="", reason="")
        true("anna" not in str(refusal.error), "it repeats whom")
        equal(len(store.read_log(after=end, kinds=["order"])), 0)
        equal(store.open_sealed(_S, 1, ""), 1)

    @proves("EN-1")
    def test_another_master_wraps_all_keys(self, store: Store) -> None:
        people = [f"p{n}" for n in range(230)]
        _put(store, noted([ToSeal(name, name) for name in people]))
        told: list[tuple[int, int]] = []
        count = store.rewrap(_OTHER_MASTER, lambda done, total: told.append((done, total)))
        equal((count, told), (231, [(100, 231), (200, 231), (231, 231)]))
        equal(store.rewrap(_OTHER_MASTER), 0)
        equal([store.open_sealed(_S, 1, f"/{n}") for n in range(230)], people)
        rows = store.read_log(kinds=["log"])
        facts = [e.data.data for row in rows for e in row.events if e.type == REWRAPPED]
        equal([fact["keys"] for fact in facts], [100, 100, 31])
        equal({fact["master"] for fact in facts}, {name_of(_OTHER_MASTER)})
        equal((store.rewrap(MASTER), store.verify().fault), (231, None))

    @proves("EN-1")
    def test_what_is_no_master_wraps_nothing(self, store: Store) -> None:
        for master in (b"", b"short", b"x" * 33):
            with refused("bad-master"):
                store.rewrap(master)

    @proves("EN-2")
    def test_a_field_of_text_may_hold_a_sealed_value(self, store: Store) -> None:
        """A fold that knows the field as text gets text, and does not fail."""
        sealed: Any = ToSeal("ann", "tea")
        _put(store, NewEvent("order.placed", Placed(sealed, 3), at_us=START_US))
        equal(next(store.read(_S)).data, Placed("<sealed>", 3))
        equal(store.open_sealed(_S, 1, "/item"), "tea")
        equal(store.fold(CountingReducer(), _S).state.quantity, 3)

    @proves("EN-3")
    def test_words_that_no_fact_can_hold_are_refused_before_a_key_goes(self, store: Store) -> None:
        _put(store, noted({"to": ToSeal("ann", "x")}))
        words: list[Any] = ["\udcff", "a\0b", "x" * 4_097, 5, None]
        for word in words:
            for by, reason in ((word, "asked for"), ("dpo", word)):
                with refused("invalid-event"):
                    store.erase("ann", by=by, reason=reason)
        equal(store.open_sealed(_S, 1, "/to"), "x")

    @proves("EN-2")
    def test_a_place_has_one_spelling(self, store: Store) -> None:
        _put(store, noted({"to": [0, ToSeal("ann", "x")], "odd": {"$sealed": [10**30, "AAAA"]}}))
        equal(store.open_sealed(_S, 1, "/to/1"), "x")
        for pointer in ("/to/01", "/to/+1", "/to/\u0661", "/to/1/", "to/1", "/to/-", "/to"):
            with refused("no-such-value"):
                store.open_sealed(_S, 1, pointer)
        # Not ours, though it looks like it: nobody ever had that key.
        equal(store.open_sealed(_S, 1, "/odd"), Forgotten(10**30))
        equal(store.forgotten([10**30, -1]), frozenset({10**30, -1}))

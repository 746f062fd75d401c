"""What PostgreSQL keeps beside the log: folds, seals, cursors, redactions; and its hints."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import (
    ANY,
    NEW,
    Cursor,
    EventStoreError,
    NewEvent,
    Page,
    Revision,
    Store,
    cursor_in,
    fold,
)  # fmt: skip
from eventstore.fold import Keepable
from eventstore.following import Following
from eventstore.keyring import Forgotten, Keyring
from eventstore.seals import Seal
from eventstore.sql import Mode, open_store
from eventstore.sql.store import SqlStore
from eventstore.testing import (
    CountingReducer,
    FakeClock,
    FakeIds,
    keyring,
    placed,
    refused,
    registry,
    several,
    stream,
)
from eventstore.testing.fakes import START_US
from eventstore.values import ToSeal
from tests.eventstore.keeping import Doubling, Growing, Latest, settled
from tests.postgres import Server

KEY, OTHER_KEY = bytes(32), bytes(range(32))
_S = stream(1)


def opened(
    url: str,
    *,
    mode: Mode = "hold",
    seed: int = 1,
    keep: Keepable[Any] | None = None,
    key: bytes | None = KEY,
    on_seal: Callable[[Seal], object] | None = None,
    masters: Keyring | None = None,
) -> SqlStore:
    store = open_store(
        url,
        mode=mode,
        durability="process",
        registry=registry(),
        clock=FakeClock(),
        ids=FakeIds(seed),
        keyframes={"order": keep} if keep is not None else {},
        check_keyframes=1,
        keyring=masters,
        seal_key=key,
        on_seal=on_seal,
    )
    assert isinstance(store, SqlStore)
    return store


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.cleared()


def altered(postgres: Server, url: str, statement: str) -> None:
    postgres.sql(f"SET timescape.maintenance = 'on'; {statement}", url)


def decoded(store: SqlStore, reducer: Keepable[Any], at: int | None = None) -> int:
    before = store.fold_counts.decoded
    folded = store.fold(reducer, _S, at)
    assert folded.state == fold(reducer, store.read(_S, 1, folded.revision))
    return store.fold_counts.decoded - before


# --- kept folds ---


@pytest.mark.proves("FD-2", "FD-3", "FD-6")
def test_a_long_stream_is_folded_from_what_was_kept(url: str) -> None:
    with opened(url, keep=CountingReducer()) as store:
        for _ in range(20):
            store.append(_S, several(300), kind="order", expected=ANY).result()
        settled(store)
        assert decoded(store, CountingReducer()) <= 4_351
        assert store.fold_counts.loaded > 0
    with opened(url, mode="read") as reader:
        for at in (5_999, 5_000, 4_321):
            assert decoded(reader, CountingReducer(), at) <= 4_351
        assert (reader.fold_counts.ignored, reader.fold_counts.mismatched) == (0, 0)


@pytest.mark.proves("FD-4")
def test_a_kept_fold_that_does_not_fit_is_passed_over_and_made_again(
    postgres: Server, url: str
) -> None:
    good = "SELECT count(*) FROM timescape.keyframes WHERE data NOT LIKE '%666%'"
    with opened(url, keep=Latest()) as store:
        store.append(_S, several(256), kind="order", expected=ANY).result()
        settled(store)
        ((kept,),) = postgres.sql(good, url)
        altered(postgres, url, "UPDATE timescape.keyframes SET data = '{\"tea\":666}'")
        decoded(store, Latest())
        settled(store)
        again = store.fold_counts.ignored
        decoded(store, Latest())

        assert again > 0
        assert store.fold_counts.ignored == again
        assert postgres.sql(good, url) == [(kept,)]


@pytest.mark.proves("FD-5")
def test_of_a_reducer_the_folds_of_the_latest_two_are_kept(postgres: Server, url: str) -> None:
    query = "SELECT version FROM timescape.reducers ORDER BY id"
    for version in (1, 2, 3):
        reducer = Growing()
        reducer.version = version
        with opened(url, keep=reducer) as store:
            store.append(_S, several(256), kind="order", expected=ANY).result()
            settled(store)

    assert postgres.sql(query, url) == [(2,), (3,)]
    assert postgres.sql("SELECT count(DISTINCT reducer) FROM timescape.keyframes", url) == [(2,)]


@pytest.mark.proves("FD-6")
def test_folds_of_code_that_folds_otherwise_are_dropped(postgres: Server, url: str) -> None:
    with opened(url, keep=CountingReducer()) as store:
        store.append(_S, several(256), kind="order", expected=ANY).result()
        settled(store)
    with opened(url, keep=Doubling()) as store:
        decoded(store, Doubling())
        settled(store)

        assert store.fold_counts.mismatched == 1
        assert postgres.sql("SELECT count(*) FROM timescape.keyframes", url) == [(0,)]


# --- seals ---


@pytest.mark.proves("CH-2", "CH-3")
def test_a_log_is_sealed_when_it_is_closed_and_seals_are_sent_out(url: str) -> None:
    sent: list[Seal] = []
    with opened(url, on_seal=sent.append) as store:
        store.append(_S, several(3), kind="order", expected=ANY).result()
        end = store.end()
    with opened(url, mode="read") as reader:
        said = reader.verify()
        assert (said.fault, said.seals, said.sealed_to) == (None, 1, end)
        assert [seal.last_pos for seal in sent] == [end]
    with opened(url, mode="read", key=OTHER_KEY) as reader:
        assert reader.verify().fault == "seal"


@pytest.mark.proves("CH-3")
def test_another_key_is_told_of_in_the_log(url: str) -> None:
    for key in (KEY, OTHER_KEY):
        with opened(url, key=key, seed=key[1] + 1) as store:
            store.append(_S, several(3), kind="order", expected=ANY).result()
    with opened(url, mode="read", key=OTHER_KEY) as reader:
        said = reader.verify()

    assert (said.fault, said.seals, said.unvouched) == (None, 2, 1)


@pytest.mark.proves("CH-3")
def test_without_a_key_nothing_is_sealed(url: str) -> None:
    with opened(url, key=None) as store:
        with refused("not-the-holder") as refusal:
            store.seal()
        assert "seal_key" in refusal.error.remedy
    with opened(url, mode="read") as reader:
        assert (reader.verify().fault, reader.verify().seals) == (None, 0)


ALTERATIONS = {
    "payload": "UPDATE timescape.commits SET data = replace(data::text, 'tea', 'gin')::json"
    " WHERE kind = 2 AND revision = 4",
    "header": "UPDATE timescape.commits SET at_us = at_us + 1 WHERE kind = 2 AND revision = 4",
    "missing": "DELETE FROM timescape.commits WHERE kind = 2 AND revision = 4",
    "seal": "UPDATE timescape.seals SET note = replace(note, 'timescape', 'timescope')",
    "names": "UPDATE timescape.names SET name = 'order.placad' WHERE name = 'order.placed'",
}


@pytest.mark.proves("CH-5")
@pytest.mark.parametrize("fault", ALTERATIONS)
def test_what_was_altered_is_found(postgres: Server, url: str, fault: str) -> None:
    with opened(url) as store:
        for _ in range(3):
            store.append(_S, several(3), kind="order", expected=ANY).result()
        store.seal()
        row = store.read_log(kinds=["order"])[1]
        altered(postgres, url, ALTERATIONS[fault])
        said = store.verify()

        assert said.fault == fault
        assert fault in {"seal", "names"} or said.position == row.position
        assert (store.verify_stream(_S).fault is None) == (fault == "names")


@pytest.mark.proves("CH-4")
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE timescape.commits SET n = 2 WHERE kind = 2 AND revision = 4", "chain-broken"),
        ("UPDATE timescape.log SET head = decode(repeat('00', 32), 'hex')", "chain-broken"),
        ("UPDATE timescape.seals SET last_pos = last_pos + 999", "history-forked"),
    ],
)
@pytest.mark.parametrize("key", [None, KEY])
def test_a_log_altered_since_its_last_seal_is_opened_for_reading_only(
    postgres: Server, url: str, statement: str, code: str, key: bytes | None
) -> None:
    if key is None and code == "history-forked":
        return  # where nothing is sealed, nothing is ahead
    with opened(url, key=key) as store:
        store.append(_S, several(3), kind="order", expected=ANY).result()
    with opened(url, mode="guest", seed=2) as guest:
        guest.append(_S, several(3), kind="order", expected=ANY).result()
    altered(postgres, url, statement)

    with pytest.raises(EventStoreError) as raised:
        opened(url, seed=3)
    assert raised.value.code == code
    with opened(url, mode="read") as reader:
        assert reader.head(_S).revision >= 3


# --- taking values out ---


@pytest.mark.proves("CH-6", "TB-6", "TB-7")
def test_only_who_may_maintain_the_log_may_redact(postgres: Server, url: str) -> None:
    postgres.sql("DROP ROLE IF EXISTS wendy")
    postgres.sql("CREATE ROLE wendy LOGIN IN ROLE timescape_writer")
    with opened(url.replace("timescape@", "wendy@"), keep=CountingReducer()) as store:
        store.append(_S, several(256), kind="order", expected=ANY).result()
        settled(store)
        with refused("read-only") as refusal:
            store.redact(_S, 2, ["/item"], by="wendy", reason="")
        assert "permission denied" in str(refusal.error)
        store.append(_S, [placed()], kind="order", expected=256).result()
        page = store.subscribe("reader").poll()
        assert page is not None
        page.done()
        store.seal()

        assert (store.verify().fault, store.verify().seals) == (None, 1)
        assert next(store.read(_S, 2, 2)).data.item == "tea"


@pytest.mark.proves("CH-6")
def test_redacting_drops_the_folds_of_the_stream_and_of_its_forks(
    postgres: Server, url: str
) -> None:
    fork = stream(2)
    with opened(url, keep=Latest()) as store:
        store.append(_S, several(256), kind="order", expected=NEW).result()
        parent = (_S, Revision(100))
        store.append(fork, several(256), kind="order", expected=NEW, parent=parent).result()
        settled(store)
        ((kept,),) = postgres.sql("SELECT count(*) FROM timescape.keyframes", url)
        with opened(url, mode="guest", seed=2) as guest:
            done = guest.redact(fork, 7, ["/item"], by="ann", reason="asked for")
        after = [store.fold(Latest(), each).state for each in (_S, fork)]

        assert (done.keyframes, done.gone) == (kept, False)
        assert int(str(kept)) >= 2
        assert ["<redacted>" in state for state in after] == [True, True]
        assert store.verify().fault is None
        altered(postgres, url, f"{ALTERATIONS['payload'].partition('WHERE')[0]} WHERE salt IS NULL")
        assert store.verify().fault == "redaction"


@pytest.mark.proves("LG-3", "TB-7")
def test_an_overtaken_holder_redacts_nothing(postgres: Server, url: str) -> None:
    with opened(url) as store:
        store.append(_S, several(3), kind="order", expected=NEW).result()
        postgres.sql("UPDATE timescape.log SET leased_until = clock_timestamp()", url)
        with opened(url, seed=2) as other:
            with refused("log-fenced"):
                store.redact(_S, 2, ["/item"], by="ann", reason="")
            with refused("log-fenced"):
                store.append(_S, [placed()], kind="order", expected=ANY).result()
            assert [event.data.item for event in other.read(_S)] == ["tea"] * 3
            assert other.verify().fault is None


# --- subscriptions ---


@pytest.fixture(scope="module")
def shared(postgres: Server) -> Iterator[SqlStore]:
    """A log of more than a page."""
    with opened(postgres.upgraded()) as store:
        for number in range(300):
            ticket = store.append(next(streams), [placed(number)], kind="order", expected=ANY)
        ticket.result()
        yield store


acts = st.lists(
    st.sampled_from([
        ("append", "order", 1), ("append", "order", 3), ("append", "short", 2), ("take", "", 0),
        ("take and do", "", 0), ("crash", "", 0),
    ]),
    max_size=8,
)  # fmt: skip
names = (f"reader {number}" for number in range(1 << 30))
streams = (stream(number) for number in range(10, 1 << 30))


@pytest.mark.proves("SB-1", "SB-2", "PG-4")
@given(
    acts=acts,
    behind=st.integers(0, 300),
    kinds=st.sampled_from([(), ("order",), ("order", "short")]),
)
def test_no_interleaving_leaves_a_row_out_or_gives_it_twice(
    shared: SqlStore, acts: list[tuple[str, str, int]], behind: int, kinds: tuple[str, ...]
) -> None:
    """A reader that crashes gets again what it had not done, and nothing else."""
    name, began = next(names), shared.cursor_at(shared.end() - behind)
    (start,) = [mark.position for mark in began.marks.values()]
    subscription = shared.subscribe(name, after=began, kinds=kinds)
    seen: list[int] = []
    done = 0
    for act, kind, count in acts:
        if act == "append":
            shared.append(next(streams), several(count), kind=kind, expected=ANY).result()
        elif act == "crash":
            subscription = shared.subscribe(name, after=None if done else began, kinds=kinds)
            del seen[done:]
        elif (page := subscription.poll()) is not None:
            seen += [row.position for row in page.rows]
            if act == "take and do":
                page.done()
                done = len(seen)
    while (page := subscription.poll()) is not None:
        seen += [row.position for row in page.rows]

    rows = shared.read_log(after=start, limit=100_000, kinds=kinds)
    assert seen == [row.position for row in rows]


def following(store: Store, pauses_s: tuple[float, float] = (3600, 3600)) -> Following:
    """Follow *store* from its end, looking once an hour."""
    parts: Any = store
    return Following(parts._feed, parts._bell, "reader", store.cursor_at(), (), pauses_s=pauses_s)


def listening(store: SqlStore) -> bool:
    watch: Any = store._feed._watch
    return bool(watch._listener is not None and watch._listener.is_listening)


def until(true: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 60
    while not true():
        assert time.monotonic() < give_up_s


@pytest.mark.proves("PG-4", "SB-1")
@pytest.mark.parametrize("writes", ["holder", "guest"])
def test_a_notification_wakes_who_follows_in_another_process(url: str, writes: str) -> None:
    """Were it left to looking now and then, this would take an hour."""
    with opened(url) as holder, opened(url, mode="guest", seed=2) as guest:
        store, reader = (holder, guest) if writes == "holder" else (guest, holder)
        waiting = following(reader)
        assert waiting.poll() is None
        until(lambda: listening(reader))
        assert reader._feed.pauses_s == (1.0, 1.0)
        store.append(_S, [placed()], kind="order", expected=ANY).result()

        assert next(waiting).rows[-1].stream == _S


@pytest.mark.proves("PG-4")
def test_without_notifications_who_follows_looks_by_himself_and_listens_anew(
    postgres: Server, url: str
) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%')"
    )
    with opened(url) as store, opened(url, mode="read") as reader:
        cursor = store.cursor_at()
        subscription = reader.subscribe("reader", after=cursor)
        assert subscription.poll() is None
        until(lambda: listening(reader))
        for number in range(2):
            postgres.sql(cut, url)
            store.append(stream(number), [placed()], kind="order", expected=ANY).result()
            assert next(subscription).rows[-1].stream == stream(number)
            until(lambda: listening(reader))


@pytest.fixture
def mine(url: str) -> Iterator[Any]:
    """A connection of the caller, to a schema of the caller's."""
    with contextlib.closing(psycopg.connect(url, options="-c search_path=mine")) as connection:
        connection.execute("DROP SCHEMA IF EXISTS mine CASCADE")
        connection.execute("CREATE SCHEMA mine")
        yield connection


@pytest.mark.proves("SB-2")
def test_the_cursor_is_kept_in_the_callers_transaction_or_not_at_all(url: str, mine: Any) -> None:
    with opened(url) as store:
        mine.execute("CREATE TABLE seen (position bigint)")
        mine.commit()
        for number in range(300):
            store.append(stream(number), [placed()], kind="order", expected=ANY)
        store.append(stream(999), [placed()], kind="order", expected=ANY).result()
        subscription = store.subscribe("reader", after=cursor_in(mine, "reader"))

        def do_next(*, fail: bool = False) -> None:
            page = subscription.poll()
            assert page is not None
            with mine.transaction():
                for row in page.rows:
                    mine.execute("INSERT INTO seen VALUES (%s)", (row.position,))
                page.done(mine)
                if fail:
                    raise ZeroDivisionError

        do_next()
        with pytest.raises(ZeroDivisionError):
            do_next(fail=True)
        subscription = store.subscribe("reader", after=cursor_in(mine, "reader"))
        do_next()
        seen = [p for (p,) in mine.execute("SELECT position FROM seen ORDER BY 1")]

        assert seen == [row.position for row in store.read_log(limit=1_000)]
        assert cursor_in(mine, "reader") == subscription.cursor == store.cursor_at()
        assert store.subscribe("reader").cursor.marks != subscription.cursor.marks


@pytest.mark.proves("SB-2")
def test_of_two_readers_of_one_name_one_does_a_page(url: str, mine: Any) -> None:
    with opened(url) as store:
        pages = [store.subscribe("reader").poll() for _ in range(2)]
        first, second = [page for page in pages if page is not None]
        first.done(mine)
        with refused("cursor-moved"):
            second.done(mine)

        assert cursor_in(mine, "reader") == first.cursor


@pytest.mark.proves("SB-3")
def test_a_backup_that_was_put_back_is_another_history(postgres: Server) -> None:
    url = postgres.upgraded()
    with opened(url) as store:
        store.append(_S, several(5), kind="order", expected=ANY).result()
    backup = postgres.copied(url)
    with opened(url, seed=2) as store:
        store.append(_S, several(5), kind="order", expected=ANY).result()
        lost = store.cursor_at()
    for seed in (3, 4):
        with opened(backup, seed=seed) as store:
            subscription = store.subscribe("reader", after=lost)
            with refused("history-forked") as refusal:
                subscription.poll()
            assert [refusal.error.fields["position"]] == [m.position for m in lost.marks.values()]
            store.append(_S, several(50), kind="order", expected=ANY).result()


@pytest.mark.proves("SB-2")
def test_the_stores_own_tables_may_keep_it(url: str) -> None:
    own: Any = psycopg.connect(url, options="-c search_path=timescape", autocommit=True)
    with opened(url) as store, contextlib.closing(own):
        page = store.subscribe("reader").poll()
        assert page is not None
        page.done(own)

        assert store.subscribe("reader").cursor == page.cursor == cursor_in(own, "reader")


@pytest.mark.proves("SB-2")
def test_a_store_opened_for_reading_keeps_no_cursor(url: str) -> None:
    with opened(url), opened(url, mode="read") as reader:
        page: Page | None = reader.subscribe("reader").poll()
        assert page is not None
        with refused("read-only"):
            page.done()


def test_a_log_that_nobody_began_cannot_be_followed(postgres: Server) -> None:
    with opened(postgres.upgraded(), mode="read") as reader:
        for act in (reader.cursor_at, lambda: reader.subscribe("reader")):
            with refused("no-such-store"):
                act()
        with refused("no-such-position"):
            reader.verify()
    assert Cursor().marks == {}


@pytest.mark.proves("EN-1", "EN-3", "TB-6")
def test_who_may_only_write_makes_keys_and_destroys_none(postgres: Server) -> None:
    url = postgres.cleared()
    postgres.sql("CREATE ROLE kiosk LOGIN IN ROLE timescape_writer")
    with opened(url, masters=keyring()) as store:
        store.append(_S, [placed()], kind="order", expected=NEW).result()
    sealed = NewEvent("order.noted", {"at": ToSeal("ann", "Elm St")}, at_us=START_US)

    with opened(url.replace("timescape@", "kiosk@"), masters=keyring()) as store:
        store.append(_S, [sealed], kind="order", expected=ANY).result()
        assert store.open_sealed(_S, 2, "/at") == "Elm St"
        with refused("read-only"):
            store.erase("ann", by="", reason="")
    with opened(url, masters=keyring()) as store:
        assert store.erase("ann", by="dpo", reason="asked for").keys == 1
        assert isinstance(store.open_sealed(_S, 2, "/at"), Forgotten)
        assert store.verify().fault is None
    assert postgres.sql("SELECT count(*) FROM timescape.subject_keys", url) == [(1,)]  # its own


@pytest.mark.proves("EN-1")
def test_the_keyring_of_another_store_is_refused(postgres: Server) -> None:
    url = postgres.cleared()
    with opened(url, masters=keyring()):
        pass
    with pytest.raises(EventStoreError) as raised:
        opened(url, masters=Keyring([bytes(range(32))]))
    assert raised.value.code == "wrong-master"

"""Redaction on the disk: the value is in no file any more, and the chain holds."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import NEW, Event, EventStoreError, NewEvent, Store, redaction
from eventstore.sql import Mode
from eventstore.sql.keeping import Keeper
from eventstore.sql.maintaining import MaintainedLog
from eventstore.sql.redacting import Order, apply, change_of
from eventstore.sql.store import SqlStore
from eventstore.testing import placed, registry, several, stream
from tests.eventstore.altered import opened, past_the_guards, verdict
from tests.eventstore.keeping import Latest
from tests.eventstore.keeping import opened as keeping

CANARY = "canary-4111-1111-1111-1111"
json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~0$", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab/~0$", max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


def files_with(canary: str, folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir() if canary.encode() in each.read_bytes()]


def fill(store: Store, *, size: int = 1) -> None:
    """Append events, among them one with the canary; *size* times over, to need many pages."""
    for n in range(3):
        store.append(stream(n), several(5), kind="order", expected=NEW).result()
    note = NewEvent("order.noted", {"card": CANARY * size, "name": "Ann"}, at_us=1)
    store.append(stream(9), [placed(), note, placed()], kind="order", expected=NEW).result()
    for n in range(3, 6):
        store.append(stream(n), several(5), kind="order", expected=NEW).result()


@pytest.mark.proves("CH-6", "TB-7")
@pytest.mark.parametrize("size", [1, 4_000])
@pytest.mark.parametrize("mode", ["hold", "guest"])
def test_no_file_holds_the_value_any_more(tmp_path: Path, mode: Mode, size: int) -> None:
    """Not the file, not what lies in its free pages, not the write-ahead log."""
    path = tmp_path / "store.db"
    with opened(path) as store:
        fill(store, size=size)
        assert files_with(CANARY, tmp_path) != []
        if mode == "hold":
            done = store.redact(stream(9), 2, ["/card"], by="ann", reason="asked for")
        else:
            with opened(path, "guest") as guest:
                done = guest.redact(stream(9), 2, ["/card"], by="ann", reason="asked for")
        assert done.gone
        assert files_with(CANARY, tmp_path) == []
        store.append(stream(20), [placed()], kind="order", expected=NEW).result()
        said = store.verify()

    assert (said.fault, files_with(CANARY, tmp_path)) == (None, [])
    assert (verdict(path).fault, verdict(path).seals) == (None, 1)


@pytest.mark.proves("CH-6", "CH-2")
def test_seals_made_before_still_stand(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        fill(store)
        store.seal()
        store.redact(stream(9), 2, ["/card"], by="ann", reason="")
    with opened(path, "read") as store:
        assert (store.verify().fault, store.verify().seals) == (None, 2)
        assert store.verify_stream(stream(9)).fault is None


@pytest.mark.proves("CH-6")
def test_the_salt_goes_and_the_digest_stays(tmp_path: Path) -> None:
    """Without its salt, what a digest was of cannot be guessed."""
    path = tmp_path / "store.db"
    asked = "SELECT salt IS NULL, digest, chain FROM commits WHERE data LIKE '%Ann%'"
    with opened(path) as store:
        fill(store)
        with closing(sqlite3.connect(path)) as raw:
            before = raw.execute(asked).fetchone()
        store.redact(stream(9), 2, ["/card"], by="ann", reason="")
        with closing(sqlite3.connect(path)) as raw:
            after = raw.execute(asked).fetchone()
            guarded = raw.execute("SELECT maintenance FROM log").fetchone()

    assert (before[0], after[0]) == (0, 1)
    assert before[1:] == after[1:]
    assert guarded == (0,)


@pytest.mark.proves("CH-6", "FD-4")
def test_kept_folds_of_the_stream_and_its_forks_go(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        fill(store)
        fork, grandchild = stream(30), stream(31)
        for child, parent in ((fork, stream(9)), (grandchild, fork)):
            at = store.head(parent).revision
            store.append(
                child, [placed()], kind="order", expected=NEW, parent=(parent, at)
            ).result()
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.executemany(
                "INSERT INTO keyframes VALUES (?, 1, 1, x'00', ?)",
                [(name.hex, CANARY) for name in (stream(9), fork, grandchild, stream(1))],
            )
        done = store.redact(stream(9), 2, ["/card"], by="ann", reason="")
        with closing(sqlite3.connect(path)) as raw:
            left = raw.execute("SELECT stream FROM keyframes").fetchall()

    assert (done.keyframes, left) == (3, [(stream(1).hex,)])


@pytest.mark.proves("CH-6")
def test_while_somebody_reads_the_old_page_it_is_not_gone_yet(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        fill(store)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM commits").fetchone()
            done = store.redact(stream(9), 2, ["/card"], by="ann", reason="")
            assert not done.gone
    assert files_with(CANARY, tmp_path) == []


@pytest.mark.proves("CH-5", "CH-6")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE commits SET data = replace(data, 'Ann', 'Eve') WHERE salt IS NULL",
        "UPDATE commits SET salt = NULL WHERE pos = 8",
        "UPDATE commits SET salt = zeroblob(16) WHERE salt IS NULL",
    ],
)
def test_what_looks_redacted_and_is_not_is_found(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        fill(store)
        store.redact(stream(9), 2, ["/card"], by="ann", reason="")
    with past_the_guards(path) as connection:
        connection.execute(statement)

    assert verdict(path).fault == "redaction"


@pytest.mark.proves("CH-5", "CH-6")
def test_what_is_redacted_meanwhile_is_no_fault(tmp_path: Path) -> None:
    """Verifying takes a while, and what it has not yet seen may be redacted."""
    with opened(tmp_path / "store.db", durability="volatile") as store:
        tickets = [
            store.append(stream(n), [placed(n)], kind="order", expected=NEW) for n in range(600)
        ]
        for ticket in tickets:
            ticket.result()
        numbers = iter((599, 0))

        def progress(done: int, total: int) -> None:
            store.redact(stream(next(numbers)), 1, ["/item"], by="ann", reason="")

        said = store.verify(progress=progress)

    assert (said.fault, list(numbers)) == (None, [])


@pytest.mark.proves("CH-6")
def test_a_store_open_for_reading_redacts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        fill(store)
    with opened(path, "read") as reader, pytest.raises(EventStoreError) as refused:
        reader.redact(stream(9), 2, ["/card"], by="ann", reason="")
    assert refused.value.code == "read-only"


def places(value: Any, at: str = "") -> list[str]:
    """Give the pointers to all that is in *value*."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    steps = [(str(k).replace("~", "~0").replace("/", "~1"), v) for k, v in inner]
    return [at, *(p for step, v in steps for p in places(v, f"{at}/{step}"))]


def lookup(value: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


@pytest.mark.proves("CH-6")
@given(st.lists(json, min_size=1, max_size=4), st.data())
def test_one_value_goes_and_nothing_else(payloads: list[Any], data: st.DataObject) -> None:
    items = [[16, n, None, payload] for n, payload in enumerate(payloads)]
    text = msgspec.json.encode(items).decode()
    index = data.draw(st.integers(0, len(payloads) - 1))
    pointer = data.draw(st.sampled_from(places(payloads[index])))

    after = msgspec.json.decode(redaction.redacted(text, index, [pointer]))

    assert lookup(after[index][3], pointer) == redaction.MARK
    kept = [p for p in places(payloads[index]) if not f"{p}/".startswith(f"{pointer}/")]
    for place in kept:
        before, now = lookup(payloads[index], place), lookup(after[index][3], place)
        assert f"{pointer}/".startswith(f"{place}/") or before == now
    assert [item for n, item in enumerate(after) if n != index] == [
        item for n, item in enumerate(items) if n != index
    ]


@pytest.mark.proves("CH-6")
def test_an_event_without_data_has_nothing_to_redact() -> None:
    with pytest.raises(EventStoreError) as refused:
        redaction.redacted("[[16,0]]", 0, ["/card"])
    assert refused.value.code == "no-such-value"


class Notes(Latest):
    """Remembers what was noted."""

    name = "notes"

    def apply_all(self, state: dict[str, Any], events: Iterable[Event]) -> dict[str, Any]:
        noted = {str(e.revision): str(e.data) for e in events if e.type == "order.noted"}
        return {**state, **noted}


@pytest.mark.proves("CH-6", "FD-6")
@pytest.mark.parametrize("mode", ["hold", "guest"])
def test_a_fold_that_is_being_made_does_not_keep_the_value(tmp_path: Path, mode: Mode) -> None:
    """What a pass has read before the value was taken out is read again after it."""
    with keeping(tmp_path, None) as kept:
        store, now = kept.store, stream(9)
        note = NewEvent("order.noted", {"card": CANARY}, at_us=1)
        store.append(now, [note], kind="order", expected=NEW).result()
        kept.append(now, *[50] * 5, first=2)
        keeper = Keeper(store._reader, registry(), {"order": Notes()})
        keeper._put_in_line(now, keeper._by_kind["order"])
        made = keeper.turn(interrupted=lambda: True)
        assert keeper.has_work()
        assert made == []

        if mode == "hold":
            store.redact(now, 1, ["/card"], by="ann", reason="asked for")
        else:
            with opened(tmp_path / "store.db", "guest") as guest:
                guest.redact(now, 1, ["/card"], by="ann", reason="asked for")
        while keeper.has_work():
            made += keeper.turn(interrupted=lambda: True)

        kept_states = [write.parameters for write in made if "INSERT INTO keyframes" in write.sql]
        assert kept_states != []
        assert CANARY not in str(kept_states)


@pytest.mark.proves("CH-5", "CH-6")
def test_what_an_older_version_told_in_odd_words_is_believed(tmp_path: Path) -> None:
    """It took any words, and stood them into envelopes where JSON text has no room for them."""
    path = tmp_path / "store.db"
    with opened(path) as store:
        fill(store)
        assert isinstance(store, SqlStore)
        log = store._log
        assert isinstance(log, MaintainedLog)
        order = Order(stream(9), 2, ("/card",), "ann", "")
        with store._reader.moment() as connection:
            change = change_of(connection, log._history, order, registry(), log._names)
        fact = msgspec.structs.replace(change.fact, by="\ud800", reason="a\0b")
        assert store._writer is not None
        store._writer.do(
            lambda: log.change(
                lambda connection: apply(connection, log._history, change, None),
                redaction.FACT,
                lambda _: fact,
            )
        )
    assert verdict(path).fault is None

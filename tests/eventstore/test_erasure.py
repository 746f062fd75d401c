"""Keys on the disk: where they are, and that they are nowhere once they are destroyed."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import NEW, EventStoreError, Forgotten, Keyring, NewEvent, Store
from eventstore import keyring as secrets
from eventstore.keyring import Origin, WrappedKey
from eventstore.memory import MemoryStore
from eventstore.memory_keys import MemoryKeys
from eventstore.sql import Mode, open_store, read_keyring
from eventstore.subjects import Subjects
from eventstore.testing import MASTER, FakeClock, FakeIds, keyring, placed, registry, stream
from eventstore.values import Sealed, ToDrop, ToHash, ToSeal, decode
from tests.eventstore.altered import past_the_guards

OTHER = b"other master".ljust(32, b".")
json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.floats(-1, 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


def opened(path: Path, mode: Mode = "hold", ring: Keyring | None = None) -> Store:
    start = {"hold": 0, "guest": 1 << 32, "read": 1 << 33}[mode]
    return open_store(
        f"sqlite:///{path}", mode=mode, durability="process", registry=registry(),
        clock=FakeClock(), ids=FakeIds(start), keyring=keyring() if ring is None else ring,
    )  # fmt: skip


def put(store: Store, number: int, *data: object) -> None:
    events = [NewEvent("order.noted", each, at_us=1) for each in data]
    store.append(stream(number), events, kind="order", expected=-1).result()


def key_rows(path: Path) -> list[WrappedKey]:
    with closing(sqlite3.connect(path)) as raw:
        return [WrappedKey(*row) for row in raw.execute("SELECT * FROM subject_keys ORDER BY id")]


def files_with(secret: bytes, folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if secret in each.read_bytes())


@pytest.mark.proves("EN-1", "EN-3", "TB-7")
@pytest.mark.parametrize("mode", ["hold", "guest"])
@pytest.mark.parametrize("people", [1, 300])
def test_no_file_of_the_store_holds_the_key_any_more(
    tmp_path: Path, mode: Mode, people: int
) -> None:
    """Not the file, not its free pages, not its index, not the write-ahead log."""
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, *[ToSeal(f"p{n}", n) for n in range(people)], ToSeal("ann", "x"))
        ann = msgspec.to_builtins(list(store.read(stream(1)))[-1].data)["data"]["$sealed"][0]
        (kept,) = [row for row in key_rows(path) if row.id == ann]
        assert files_with(kept.wrapped, tmp_path) != []
        if mode == "hold":
            done = store.erase("ann", by="dpo", reason="")
        else:
            with opened(path, "guest") as guest:
                done = guest.erase("ann", by="dpo", reason="")
        assert (done.gone, done.copies) == (True, ())
        assert files_with(kept.wrapped, tmp_path) == files_with(kept.subject, tmp_path) == []
        put(store, 2, ToSeal("bob", 1))
        assert isinstance(store.open_sealed(stream(1), people + 1, ""), Forgotten)
    assert files_with(kept.wrapped, tmp_path) == files_with(kept.subject, tmp_path) == []
    with opened(path, "read") as store:
        assert (store.verify().fault, store.open_sealed(stream(2), 1, "")) == (None, 1)


@pytest.mark.proves("EN-1", "EN-2")
def test_neither_value_nor_subject_nor_key_is_in_any_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, {"a": ToSeal("whose-canary", "value-canary"), "b": ToHash("hash-canary")})
        store.rewrap(OTHER)
        for canary in (b"canary", MASTER, OTHER):
            assert files_with(canary, tmp_path) == []
    assert [files_with(canary, tmp_path) for canary in (b"canary", MASTER)] == [[], []]


@pytest.mark.proves("EN-3")
def test_a_copy_beside_the_store_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, ToSeal("bob", 1))
    shutil.copy(path, tmp_path / "store.db.before-0001")
    with opened(path) as store:
        put(store, 1, ToSeal("ann", 1))
    shutil.copy(path, tmp_path / "store.db.before-0002")
    with opened(path) as store:
        store.rewrap(OTHER)
    with opened(path, ring=Keyring([OTHER])) as store:
        copies = (store.erase("ann", by="", reason="").copies, store.erase("bob", by="", reason=""))
    assert copies[0] == (str(tmp_path / "store.db.before-0002"),)
    assert len(copies[1].copies) == 2


@pytest.mark.proves("EN-3")
def test_while_somebody_reads_the_old_page_the_key_is_not_gone_yet(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, ToSeal("ann", 1))
        kept = key_rows(path)[1]
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM commits").fetchone()
            assert not store.erase("ann", by="", reason="").gone
        assert isinstance(store.open_sealed(stream(1), 1, ""), Forgotten)
        # Whoever tries again, as the first one may have died here, gets that done.
        with pytest.raises(EventStoreError, match="no-such-subject"):
            store.erase("ann", by="", reason="")
        assert files_with(kept.wrapped, tmp_path) == []


@pytest.mark.proves("EN-3")
def test_what_another_process_erased_a_holder_never_uses_again(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as holder, opened(path, "guest") as guest, opened(path, "read") as reader:
        put(holder, 1, ToSeal("ann", 1))
        guest.erase("ann", by="", reason="")
        put(holder, 1, ToSeal("ann", 2))
        put(guest, 1, ToSeal("ann", 3))
        for store in (holder, guest, reader):
            assert isinstance(store.open_sealed(stream(1), 1, ""), Forgotten)
            assert [store.open_sealed(stream(1), n, "") for n in (2, 3)] == [2, 3]
        holder.erase("ann", by="", reason="")
        assert isinstance(guest.open_sealed(stream(1), 3, ""), Forgotten)


@pytest.mark.proves("EN-3")
def test_two_keys_of_one_person_are_destroyed_together(tmp_path: Path) -> None:
    """Two processes may meet somebody at the same time, and make a key each."""
    path = tmp_path / "store.db"
    with opened(path) as holder, opened(path, "guest") as guest:
        with guest._writer._writing:  # type: ignore[attr-defined]  # nothing gets into the table
            draft = guest._drafting.draft(  # type: ignore[attr-defined]
                stream(2), [NewEvent("order.noted", ToSeal("ann", 2))], kind="order", expected=NEW
            )
            put(holder, 1, ToSeal("ann", 1))
        guest._writer.enqueue(draft).result()  # type: ignore[attr-defined]
        assert [store.open_sealed(stream(n), 1, "") for n, store in ((1, guest), (2, holder))] == [
            1,
            2,
        ]
        assert holder.erase("ann", by="", reason="").keys == 2
        assert isinstance(holder.open_sealed(stream(2), 1, ""), Forgotten)


@pytest.mark.proves("EN-1")
def test_rewrapping_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    both = Keyring([MASTER, OTHER])

    def die(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with opened(path) as store:
        put(store, 1, [ToSeal(f"p{n}", n) for n in range(250)])
        with pytest.raises(KeyboardInterrupt):
            store.rewrap(OTHER, die)
    masters = [row.master for row in key_rows(path)]
    assert masters.count(secrets.name_of(OTHER)) == 100
    with opened(path, "guest", both) as store:
        assert store.open_sealed(stream(1), 1, "/200") == 200
        assert store.rewrap(OTHER) == 151
    with opened(path, ring=Keyring([OTHER])) as store:
        assert [store.open_sealed(stream(1), 1, f"/{n}") for n in range(250)] == list(range(250))
        put(store, 1, ToSeal("new", 1))
    assert {row.master for row in key_rows(path)} == {secrets.name_of(OTHER)}


@pytest.mark.proves("EN-1")
@pytest.mark.parametrize("mode", ["hold", "guest", "read"])
def test_the_keyring_of_another_store_is_refused(tmp_path: Path, mode: Mode) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, ToSeal("ann", 1))
    with pytest.raises(EventStoreError) as refused:
        opened(path, mode, Keyring([OTHER]))
    assert refused.value.code == "wrong-master"
    opened(path).close()  # and nobody is in the way


@pytest.mark.proves("EN-1")
def test_without_a_keyring_nothing_is_sealed_and_nothing_opened(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, ToSeal("ann", "canary"))
    bare = {"registry": registry(), "clock": FakeClock(), "ids": FakeIds(1 << 34)}
    with open_store(f"sqlite:///{path}", **bare) as store:  # type: ignore[arg-type]
        put(store, 2, ToDrop("canary"))
        attempts: list[Callable[[], object]] = [
            lambda: put(store, 3, ToSeal("ann", "canary")),
            lambda: put(store, 3, ToHash("canary")),
            lambda: store.open_sealed(stream(1), 1, ""),
            lambda: store.erase("ann", by="", reason=""),
            lambda: store.rewrap(OTHER),
        ]
        for attempt in attempts:
            with pytest.raises(EventStoreError) as refused:
                attempt()
            assert refused.value.code == "keyring-missing"
        assert (store.has_keyring, store.head(stream(3)).revision) == (False, 0)
    assert files_with(b"canary", tmp_path) == []


@pytest.mark.proves("EN-1", "EN-3")
@pytest.mark.parametrize("statement", ["DELETE FROM", "UPDATE"])
def test_keys_are_not_lost_by_a_slip(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, ToSeal("ann", 1))
    rest = " SET wrapped = x'00'" if statement == "UPDATE" else ""
    with closing(sqlite3.connect(path)) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute(f"{statement} subject_keys{rest}")


@pytest.mark.proves("EN-3")
def test_a_store_open_for_reading_erases_nobody(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, ToSeal("ann", 1))
    with opened(path, "read") as store:
        for attempt in (lambda: store.erase("ann", by="", reason=""), lambda: store.rewrap(OTHER)):
            with pytest.raises(EventStoreError, match="read-only"):
                attempt()
        assert store.open_sealed(stream(1), 1, "") == 1


@pytest.mark.proves("EN-1")
def test_a_file_of_masters_is_read_as_it_was_made(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    for content, masters in (
        (MASTER, [MASTER]),
        (f"{MASTER.hex()}\n".encode(), [MASTER]),
        (f"{MASTER.hex()}\n\n{OTHER.hex().upper()}".encode(), [MASTER, OTHER]),
    ):
        file.write_bytes(content)
        file.chmod(0o600)
        read = read_keyring(file)
        kept = [Keyring([one]).wrap(b"k" * 32, 1, b"n" * 12) for one in masters]
        rows = [WrappedKey(1, b"", name, wrapped, 0) for name, wrapped in kept]
        assert (read.newest, [read.unwrap(row) for row in rows]) == (
            masters[-1], [b"k" * 32] * len(masters),
        )  # fmt: skip


@pytest.mark.proves("EN-1")
@pytest.mark.parametrize("content", [None, b"", b"short", b"canary" * 11, b"ab" * 33, "é".encode()])
def test_what_is_no_master_is_refused_and_not_shown(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "master.key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EventStoreError) as refused:
        read_keyring(file)
    assert refused.value.code == "bad-master"
    assert "canary" not in str(refused.value) + repr(refused.value.__cause__)


def test_a_keyring_shows_nothing_of_itself() -> None:
    shown = repr(keyring()) + str(keyring())
    assert "master of tests" not in shown
    assert MASTER.hex() not in shown


origins = st.builds(
    Origin,
    st.integers(1, 3).map(stream),
    st.sampled_from([b"a" * 16, b"b" * 16]),
    st.integers(0, 3),
    st.sampled_from(["", "/a", "/a/b", "/b"]),
)


def subjects() -> Subjects:
    made = Subjects(keyring(), MemoryKeys(), FakeClock(), FakeIds())
    made.begin(made.new_own())
    return made


@pytest.mark.proves("EN-2")
@given(value=json, origin=origins, other=origins, again=st.booleans(), data=st.data())
def test_a_sealed_value_opens_where_it_was_written_and_nowhere_else(
    value: Any, origin: Origin, other: Origin, *, again: bool, data: st.DataObject
) -> None:
    keys = subjects()
    tree = keys.sealed(value, keys.key_for("ann"), origin, again=again)
    sealed: Sealed = decode(tree)
    assert keys.open(sealed, origin) == value
    assert (keys.sealed(value, keys.key_for("ann"), origin, again=again) == tree) is again

    bit = data.draw(st.integers(0, 8 * len(sealed.box) - 1))
    flipped = bytearray(sealed.box)
    flipped[bit // 8] ^= 1 << bit % 8
    attempts = [(Sealed(sealed.key, bytes(flipped)), origin), (Sealed(sealed.key, b""), origin)]
    attempts += [(sealed, other)] if other != origin else []
    attempts += [(Sealed(keys.key_for("bob")[0], sealed.box), origin)]
    for altered, at in attempts:
        with pytest.raises(EventStoreError) as refused:
            keys.open(altered, at)
        assert refused.value.code == "sealed-invalid"


@pytest.mark.proves("EN-2", "EN-3")
@given(
    st.lists(st.tuples(st.sampled_from(["ann", "bob", "eve"]), json), min_size=1, max_size=6),
    st.lists(st.sampled_from(["ann", "bob", "eve", "zoe"]), max_size=5),
    st.data(),
)
def test_exactly_what_was_sealed_before_the_erasure_is_forgotten(
    values: list[tuple[str, Any]], erased: list[str], data: st.DataObject
) -> None:
    """Whatever is sealed and whoever is erased, in any order."""
    steps: list[Any] = data.draw(st.permutations([*values, *erased]))
    known: list[tuple[str, Any]] = []
    with MemoryStore(registry(), FakeClock(), FakeIds(), keyring()) as store:
        for step in steps:
            if isinstance(step, tuple):
                put(store, 1, [placed().key, ToSeal(*step)])
                known.append(step)
            elif any(whose == step and value is not Forgotten for whose, value in known):
                store.erase(step, by="", reason="")
                known = [(w, Forgotten if w == step else value) for w, value in known]
            else:
                with pytest.raises(EventStoreError, match="no-such-subject"):
                    store.erase(step, by="", reason="")
        for revision, (_, value) in enumerate(known, 1):
            found = store.open_sealed(stream(1), revision, "/1")
            assert isinstance(found, Forgotten) if value is Forgotten else found == value
        assert store.verify().fault is None


@pytest.mark.proves("EN-1", "EN-3")
@pytest.mark.parametrize("mode", ["hold", "guest"])
def test_a_store_that_lost_its_own_key_is_not_given_another(tmp_path: Path, mode: Mode) -> None:
    """By a new one nobody would be found any more, and an erasure would find nothing to erase."""
    path = tmp_path / "store.db"
    with opened(path) as store:
        put(store, 1, ToSeal("ann", 1))
    with past_the_guards(path) as connection:
        connection.execute("DELETE FROM subject_keys WHERE id = 0")
    with pytest.raises(EventStoreError) as refused:
        opened(path, mode)
    assert refused.value.code == "sealed-invalid"
    with opened(path, "read") as store:
        assert store.open_sealed(stream(1), 1, "") == 1

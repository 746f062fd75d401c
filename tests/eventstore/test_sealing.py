"""When a store is sealed, by whom, and who is told."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from eventstore import EventStoreError, Store, signing
from eventstore.seals import REKEYED, Seal, read_note
from eventstore.sql import Mode, open_store
from eventstore.sql.sealing import SEAL_ROWS, SEAL_S, Sealer
from eventstore.testing import FakeClock, FakeIds, placed, registry, stream
from tests.eventstore.altered import copied, opened, past_the_guards, verdict


def append(store: Store, numbers: range) -> None:
    tickets = [store.append(stream(n), [placed(n)], kind="order", expected=0) for n in numbers]
    for ticket in tickets:
        ticket.result()


def seals_in(path: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT first_pos, last_pos FROM seals ORDER BY 1").fetchall()


@pytest.mark.proves("CH-2")
def test_a_store_is_sealed_after_1000_rows(tmp_path: Path) -> None:
    """Nobody asks for it, and no commit waits for it."""
    told = threading.Event()
    kept: list[Seal] = []

    def on_seal(seal: Seal) -> None:
        kept.append(seal)
        told.set()

    with opened(tmp_path / "store.db", durability="volatile", on_seal=on_seal) as store:
        append(store, range(SEAL_ROWS))
        assert told.wait(60)
        sealed_to = store.verify().sealed_to

    assert sealed_to >= SEAL_ROWS
    assert sealed_to >= kept[0].last_pos


@pytest.mark.proves("CH-2")
def test_a_seal_is_due_after_1000_rows_or_60_seconds() -> None:
    now_s = [5.0]
    sealer = Sealer(Path("unused"), FakeClock(), now_s=lambda: now_s[0])

    assert sealer.due_s() == SEAL_S == 60
    now_s[0] += 45
    assert sealer.due_s() == 15
    now_s[0] += 20
    assert sealer.due_s() == 0
    sealer.put_off()
    assert sealer.due_s() == 60
    sealer.note_rows(SEAL_ROWS - 1)
    assert sealer.due_s() == 60
    sealer.note_rows(1)
    assert sealer.due_s() == 0


@pytest.mark.proves("CH-2", "WR-10")
def test_a_store_is_sealed_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    for part in range(3):
        with opened(path) as store:
            append(store, range(part * 10, part * 10 + 5))
            end = store.end()
        assert seals_in(path)[-1][1] == end

    with opened(path, "read") as store:
        said = store.verify()
    assert (said.fault, said.seals, said.sealed_to) == (None, 3, end)
    assert [first for first, _ in seals_in(path)][1:] == [last + 1 for _, last in seals_in(path)][
        :-1
    ]


@pytest.mark.proves("CH-5")
def test_what_is_sealed_meanwhile_is_not_missed(tmp_path: Path) -> None:
    """Verifying takes a while, and a server goes on."""
    with opened(tmp_path / "store.db", durability="volatile") as store:
        append(store, range(600))
        store.seal()
        went_on = iter(range(600, 700))

        def progress(done: int, total: int) -> None:
            n = next(went_on)
            append(store, range(n, n + 1))
            store.seal()

        said = store.verify(progress=progress)

    assert (said.fault, said.seals) == (None, 1)
    assert next(went_on) > 600


@pytest.mark.proves("CH-2")
def test_nothing_new_is_not_sealed_again(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        store.seal()
        store.seal()
    assert len(seals_in(path)) == 1


@pytest.mark.proves("CH-2", "LG-5")
def test_a_guest_does_not_seal(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    opened(path).close()
    before = seals_in(path)
    modes: tuple[Mode, ...] = ("guest", "read")
    for mode in modes:
        with opened(path, mode) as store, pytest.raises(EventStoreError) as refused:
            store.seal()
        assert refused.value.code == "not-the-holder"
    assert seals_in(path) == before


@pytest.mark.proves("CH-3")
def test_the_key_file_is_made_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    file = Path(f"{path}.seal-key")
    with opened(path, "hold") as store:
        assert not file.exists()
        store.seal()
        key = store.verify().key

    assert file.stat().st_mode & 0o777 == 0o600
    assert signing.key_of(bytes.fromhex(file.read_text())) == key


@pytest.mark.proves("CH-3")
def test_a_key_that_is_given_seals_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path, seal_key=b"\7" * 32) as store:
        store.seal()
        assert store.verify().key == signing.key_of(b"\7" * 32)
    assert not Path(f"{path}.seal-key").exists()


@pytest.mark.proves("CH-3")
@pytest.mark.parametrize("key", [b"", b"\7" * 31, "7" * 32])
def test_what_is_no_key_is_refused(tmp_path: Path, key: bytes) -> None:
    with pytest.raises(EventStoreError) as refused:
        opened(tmp_path / "store.db", seal_key=key)
    assert refused.value.code == "bad-seal-key"


@pytest.mark.proves("CH-3")
def test_a_key_file_that_holds_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    opened(path).close()
    Path(f"{path}.seal-key").write_text("not a key")
    with pytest.raises(EventStoreError) as refused:
        opened(path)
    assert refused.value.code == "bad-seal-key"
    assert "not a key" not in str(refused.value)


@pytest.mark.proves("CH-3")
def test_the_next_key_is_signed_by_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    opened(path).close()
    with Path(f"{path}.seal-key").open("a") as file:
        file.write("07" * 32 + "\n")
    for n in range(2):
        with opened(path) as store:
            append(store, range(n, n + 1))
            facts = [
                event for row in store.read_log(kinds=["log"]) for event in row.events
                if event.type == REKEYED
            ]  # fmt: skip
    with opened(path, "read") as store:
        said = store.verify()

    assert len(facts) == 1
    assert (said.fault, said.unvouched, said.key) == (None, 0, signing.key_of(b"\7" * 32))


@pytest.mark.proves("CH-3")
def test_a_lost_key_is_followed_by_one_that_nobody_signed(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    opened(path).close()
    Path(f"{path}.seal-key").unlink()
    opened(path).close()
    with opened(path, "read") as store:
        said = store.verify()

    assert (said.fault, said.seals, said.unvouched) == (None, 2, 1)


@pytest.mark.proves("CH-3", "CH-5")
def test_who_has_not_the_key_cannot_seal_anew(tmp_path: Path) -> None:
    """Somebody may write the file, but not read its key, and makes one of his own."""
    path, key = tmp_path / "store.db", tmp_path / "store.db.seal-key"
    with opened(path) as store:
        append(store, range(3))
    kept = key.read_text()
    key.unlink()
    with opened(path) as store:
        append(store, range(3, 6))
    key.write_text(kept)
    with opened(path, "read") as store:
        said = store.verify()

    assert said.fault == "seal"


@pytest.mark.proves("CH-3")
def test_a_hook_that_fails_does_not_stop_the_log(tmp_path: Path) -> None:
    def on_seal(seal: Seal) -> None:
        raise OSError(seal.note)

    with opened(tmp_path / "store.db", on_seal=on_seal) as store:
        store.seal()
        append(store, range(3))
        assert store.verify().fault is None


@pytest.mark.proves("CH-2")
def test_a_seal_says_when_and_under_which_epoch(tmp_path: Path) -> None:
    kept: list[Seal] = []
    clock = FakeClock()
    for _ in range(2):
        open_store(
            f"sqlite:///{tmp_path}/store.db", registry=registry(), clock=clock, ids=FakeIds(),
            on_seal=kept.append,
        ).close()  # fmt: skip
    notes = [read_note(seal.note) for seal in kept]

    assert [note.epoch for note in notes if note] == [1, 2]
    assert [note.at_us <= clock.now_us for note in notes if note] == [True, True]


@pytest.fixture(scope="module")
def notarised(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Seal]]:
    """Make a store whose seals somebody else keeps, too."""
    path = tmp_path_factory.mktemp("notary") / "store.db"
    kept: list[Seal] = []
    with opened(path, on_seal=kept.append) as store:
        for n in range(6):
            append(store, range(2 * n, 2 * n + 2))
            store.seal()
    return path, kept


def agrees(path: Path, kept: Seal) -> bool:
    """Say whether the store is what *kept* says that it was."""
    note = read_note(kept.note)
    assert note is not None
    with opened(path, "read") as store:
        return note.root == store.verify(1, note.last).root


@pytest.mark.proves("CH-3", "CH-5")
def test_newest_seals_that_are_gone_are_no_fault_and_are_told(
    notarised: tuple[Path, list[Seal]], tmp_path: Path
) -> None:
    """The file cannot say that there were some: what it says is how far it is sealed."""
    path = copied(notarised[0], tmp_path / "copy.db")
    with past_the_guards(path) as connection:
        connection.execute("DELETE FROM seals WHERE last_pos >= ?", (notarised[1][-2].last_pos,))
    said = verdict(path)

    assert (said.fault, said.sealed_to) == (None, notarised[1][-3].last_pos)
    assert [agrees(path, kept) for kept in notarised[1]] == [True] * 4 + [False] * 2


@pytest.mark.proves("CH-3", "CH-5")
@pytest.mark.parametrize("cut", ["seals", "seals and rows"])
@pytest.mark.parametrize("dropped", range(6))
def test_a_seal_kept_elsewhere_tells_what_the_file_cannot(
    notarised: tuple[Path, list[Seal]], tmp_path: Path, dropped: int, cut: str
) -> None:
    """Whoever takes the newest seals away, or the rows under them, too, is found by the kept."""
    path, kept = copied(notarised[0], tmp_path / "copy.db"), notarised[1]
    end = kept[-1 - dropped].last_pos
    with past_the_guards(path) as connection:
        connection.execute("DELETE FROM seals WHERE last_pos > ?", (end,))
        if cut != "seals":
            connection.execute("DELETE FROM commits WHERE pos > ?", (end,))
            head = "(SELECT chain FROM commits ORDER BY pos DESC LIMIT 1)"
            connection.execute(f"UPDATE log SET next_pos = {end} + 1, head = {head}")  # noqa: S608

    assert verdict(path).fault is None
    assert [agrees(path, seal) for seal in kept] == [True] * (6 - dropped) + [False] * dropped

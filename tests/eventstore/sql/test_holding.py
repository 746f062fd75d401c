"""Who may write a store, and what becomes of whoever was overtaken (LG-3, LG-4, LG-5, WR-8)."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from eventstore import ANY, EventStoreError
from eventstore.sql import Mode
from eventstore.testing import FakeIds, placed, stream
from tests.eventstore.sql.files import add, altered, asked, new_store, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.mark.proves("WR-8")
def test_a_second_holder_is_told_who_the_first_is(path: Path) -> None:
    with opened(path):
        with pytest.raises(EventStoreError) as refused:
            opened(path)
        assert refused.value.code == "store-held"
        assert refused.value.fields["pid"] == os.getpid()
    with opened(path) as store:
        assert add(store).first == 1


@pytest.mark.proves("LG-4")
def test_each_hold_is_an_epoch_and_a_fact(path: Path) -> None:
    for _ in range(3):
        opened(path).close()

    assert asked(path, "SELECT epoch FROM log") == [(3,)]
    held = asked(path, "SELECT data ->> 'epoch' FROM events WHERE type = 'log.held'")
    assert held == [(1,), (2,), (3,)]


@pytest.mark.proves("LG-3", "LG-5", "LG-6")
def test_a_guest_appends_beside_the_holder(path: Path) -> None:
    with opened(path) as store, opened(path, "guest") as guest:
        add(store, 1)
        add(guest, 2)
        add(store, 1)
        add(guest, 1)

        assert [event.revision for event in store.read(stream(1))] == [1, 2, 3]
        assert store.verify().fault is None
        assert store.end() == guest.end()


@pytest.mark.proves("LG-5", "LG-6")
def test_a_guest_may_be_the_first_to_write(path: Path) -> None:
    new_store(path, FakeIds())
    with opened(path, "guest") as guest:
        add(guest, 2)

    with opened(path, "read") as store:
        assert store.verify().fault is None
        assert [event.type for row in store.read_log(limit=9) for event in row.events] == [
            "names.registered", "order.placed",
        ]  # fmt: skip


@pytest.mark.proves("LG-3")
def test_a_holder_of_an_older_epoch_can_append_nothing_more(path: Path) -> None:
    with opened(path) as zombie:
        add(zombie)
        with altered(path) as connection:
            connection.execute("UPDATE log SET epoch = epoch + 1")
            fence = asked_fence()
            connection.execute(fence)
        for _ in range(2):
            with pytest.raises(EventStoreError) as refused:
                add(zombie)
            assert refused.value.code == "log-fenced"
    assert len(asked(path, "SELECT 1 FROM events WHERE type = 'order.placed'")) == 1


def asked_fence() -> str:
    """Return the guard that `altered` took away, as the migration makes it."""
    from migrations.versions import __path__ as versions  # noqa: PLC0415

    source = (Path(next(iter(versions))) / "0001_log.py").read_text("utf-8")
    return source.split('COMMITS_FENCE = """')[1].split('"""')[0]


@pytest.mark.proves("LG-3")
def test_a_stream_that_a_guest_went_on_with_is_a_wrong_revision(path: Path) -> None:
    with opened(path) as store, opened(path, "guest") as guest:
        add(store, 1)
        add(guest, 1)
        with pytest.raises(EventStoreError) as refused:
            add(store, 1, expected=1)
        assert (refused.value.code, refused.value.fields["actual"]) == ("wrong-revision", 2)


@pytest.mark.proves("WR-10")
def test_a_forked_child_cannot_use_the_store_and_the_parent_still_can(path: Path) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from eventstore import EventStoreError\n"
        "from tests.eventstore.sql.files import add, opened\n"
        "from eventstore.testing import stream\n"
        "store = opened(Path(sys.argv[1]))\n"
        "add(store, 2)\n"
        "reader, events = store.subscribe('reader'), store.read(stream(2))\n"
        "page = reader.poll()\n"
        "uses = [lambda: add(store), lambda: store.head(stream(2)), reader.poll, page.done,\n"
        "        reader.reset, lambda: next(reader), lambda: next(events)]\n"
        "def code_of(use):\n"
        "    try:\n"
        "        use()\n"
        "    except EventStoreError as error:\n"
        "        return error.code\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    store.close()\n"
        "    os._exit(7 if {code_of(use) for use in uses} == {'store-closed'} else 1)\n"
        "ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "assert ended == 7, ended\n"
        "assert add(store).first == 1\n"
        "assert len(list(events)) == 1\n"
        "assert len(reader.poll().rows) == 1\n"
        "store.close()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.proves("ES-9")
def test_a_store_that_is_open_for_reading_appends_nothing(path: Path) -> None:
    opened(path).close()
    with opened(path, "read") as store, pytest.raises(EventStoreError) as refused:
        store.append(stream(1), [placed()], kind="order", expected=ANY)
    assert refused.value.code == "read-only"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_without_the_right_to_write_is_named(path: Path) -> None:
    opened(path).close()
    path.chmod(stat.S_IRUSR)
    with pytest.raises(EventStoreError) as refused:
        opened(path)
    assert refused.value.code == "read-only"


@pytest.mark.proves("AL-4")
def test_a_missing_folder_and_a_missing_file_are_named(path: Path) -> None:
    for mode, wrong in (("read", path), ("guest", path), ("hold", path.parent / "no" / "s.db")):
        with pytest.raises(EventStoreError) as refused:
            opened(wrong, mode)  # type: ignore[arg-type]
        assert refused.value.code == "no-such-store"
        assert str(wrong.name if mode != "hold" else wrong.parent) in refused.value.problem


@pytest.mark.proves("TB-7", "LG-3")
@pytest.mark.parametrize("mode", ["hold", "guest"])
def test_guards_that_somebody_took_away_by_hand_come_back(path: Path, mode: Mode) -> None:
    """As after `UPDATE log SET maintenance = 1` in a shell: the log goes on, and with guards."""
    opened(path).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE log SET maintenance = 1")
        raw.commit()
    with opened(path, mode) as store:
        add(store, 1, 2)
    with closing(sqlite3.connect(path)) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute("DELETE FROM commits")
    with opened(path) as store:
        assert (add(store, 1).first, store.verify().fault) == (3, None)

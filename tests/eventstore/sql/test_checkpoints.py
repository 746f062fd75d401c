"""The write-ahead log is cut back as soon as nobody looks on (WR-7)."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from eventstore import ANY, named_stream
from eventstore.drafts import Draft, Drafting
from eventstore.names import NameBook
from eventstore.sql import open_store
from eventstore.sql.log_file import LogFile
from eventstore.sql.wal import PASSIVE_BYTES, TRUNCATE_BYTES, Wal
from eventstore.testing import FakeClock, FakeIds, placed, registry, stream

MIB = 1 << 20


class Opened(NamedTuple):
    """A log file, and what makes drafts for it."""

    log: LogFile
    drafting: Drafting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a store that knows the names of what is appended below."""
    path = tmp_path / "store.db"
    with open_store(
        f"sqlite:///{path}",
        durability="volatile",
        registry=registry(),
        clock=FakeClock(),
        ids=FakeIds(),
    ) as store:
        store.append(stream(1), [placed()], kind="order", expected=ANY).result()
    return path


@pytest.fixture
def opened(path: Path) -> Iterator[Opened]:
    known = registry()
    names = NameBook(known, guest=False)
    drafting = Drafting(known, names, FakeClock(), FakeIds())
    log = LogFile(path, known, names, drafting, durability="volatile", guest=False)
    with closing(log):
        yield Opened(log, drafting)


def big(drafting: Drafting, size: int) -> Draft:
    return drafting.draft(stream(1), [placed(item="x" * size)], kind="order", expected=ANY)


def small(drafting: Drafting, number: int) -> Draft:
    name = named_stream("order", f"{number}")
    return drafting.draft(name, [placed()], kind="order", expected=ANY)


@pytest.mark.proves("WR-7")
def test_a_reader_at_the_end_of_the_log_does_not_let_it_grow_twice_as_long(
    path: Path, opened: Opened
) -> None:
    """All of it is brought over into the file then, and still it cannot be cut."""
    log, drafting = opened
    for _ in range(TRUNCATE_BYTES // (8 * MIB) + 1):
        log.flush([big(drafting, 8 * MIB)])
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM commits").fetchone()
        assert log.wants_checkpoint(idle=False)

        assert not log.checkpoint("TRUNCATE")

        assert not log.wants_checkpoint(idle=False)  # not again and again, for nothing
        log.flush([big(drafting, PASSIVE_BYTES)])
        assert log.wants_checkpoint(idle=False)

    assert log.checkpoint("TRUNCATE")
    assert path.with_name("store.db-wal").stat().st_size == 0


@pytest.mark.proves("WR-7", "KM-9")
def test_rows_that_touch_many_pages_each_are_counted_by_what_they_wrote(
    path: Path, opened: Opened
) -> None:
    """A row of 60 bytes in each of many streams writes a whole page of the index."""
    log, drafting = opened
    wal = path.with_name("store.db-wal")
    longest = 0
    for number in range(0, 20_000, 100):
        log.flush([small(drafting, each) for each in range(number, number + 100)])
        longest = max(longest, wal.stat().st_size)
        if log.wants_checkpoint(idle=False):
            log.checkpoint("TRUNCATE")

    assert 32 * MIB < longest < TRUNCATE_BYTES + 4 * MIB


@pytest.mark.proves("WR-7", "AR-2")
def test_pages_that_were_given_back_are_a_reason_to_look_again(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    wal = Wal(path)
    assert not wal.wants_truncate()
    with path.with_name("store.db-wal").open("wb") as file:
        file.truncate(TRUNCATE_BYTES)

    assert not wal.wants_truncate()  # nothing was written that it knows of
    wal.moved(pages=16)
    assert wal.wants_truncate()

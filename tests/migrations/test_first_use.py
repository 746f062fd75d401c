"""A new store is made once, whole, however many want it at once."""

import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from eventstore.sql import schema
from eventstore.testing import FakeClock, FakeIds, stream
from tests import warm
from tests.migrations.old_stores import opened, url

ROOT = Path(__file__).parents[2]
RACERS = 4


def uid_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as raw:
        return str(raw.execute("SELECT uid FROM log").fetchone()[0])


@pytest.mark.proves("AL-4")
def test_processes_racing_for_the_first_use_give_one_store(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    racers = [
        subprocess.Popen(
            [warm.python(), "-m", "tests.migrations.first_use", str(path), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(RACERS)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        racer.communicate()

    assert [racer.returncode for racer in racers] == [0] * RACERS
    with opened(path, "read") as store:
        assert store.verify().fault is None
        assert [store.head(stream(number)).revision for number in range(RACERS)] == [3] * RACERS
    assert list(tmp_path.glob("*.new*")) == []


@pytest.mark.proves("AL-4")
def test_makers_that_no_lock_keeps_apart_give_one_whole_store(tmp_path: Path) -> None:
    """As on a file system whose locks do nothing."""
    path = tmp_path / "new.db"
    begin = threading.Barrier(RACERS)
    seen: list[str] = []

    def make(number: int) -> None:
        begin.wait()
        schema.create(path, FakeClock(), FakeIds(number << 32))
        seen.append(uid_of(path))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == RACERS
    assert set(seen) == {uid_of(path)}
    assert schema.check(url(path), clock=FakeClock()).state == "current"
    assert list(tmp_path.glob("*.new*")) == []

"""A disk that is full or fails: nothing acknowledged is lost, nothing is there in part (WR-9)."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.kills import checks
from tests.kills.faults import Faults
from tests.kills.jobs import until_acknowledged
from tests.kills.launcher import NOT_OPENED, SURVIVED, Launcher
from tests.kills.plan import Commit, commits_of
from tests.migrations.old_stores import filled_store

ROOM = 160 << 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def fill_up(folder: Path, room: int) -> Path:
    """Leave only *room* bytes on a disk."""
    ballast = folder / "ballast"
    disk = os.statvfs(folder)
    ballast.write_bytes(bytes(max(disk.f_bavail * disk.f_frsize - room, 0)))
    return ballast


@pytest.mark.proves("WR-9")
def test_a_full_disk_refuses_appends_until_there_is_room_again(small_disk: Path) -> None:
    path = filled_store(small_disk / "store.db")
    seed = 77
    planned = commits_of(seed)
    refusals: list[str] = []
    with checks.opened(path, seed) as store:
        ballast = fill_up(small_disk, ROOM)

        def refused(commit: Commit, code: str) -> None:
            refusals.append(code)
            # Reads go on, and see nothing of what was refused.
            assert store.head(commit.stream_id).revision == commit.first - 1
            if len(refusals) == 50:
                ballast.unlink()

        for commit in planned:
            until_acknowledged(store, commit, partial(refused, commit))

    assert set(refusals) == {"store-full"}
    assert len(refusals) >= 50, "the disk was not full"
    everything = {commit.number for commit in planned}
    left = checks.check(path, seed + 1, set(), set())
    assert left.acked == 0
    checks.check(path, seed, everything, everything)


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there")


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    with Launcher() as launcher:
        yield Faults(tmp_path_factory.mktemp("faults"), launcher)


@needs_strace
@pytest.mark.proves("KM-3", "WR-9")
@pytest.mark.parametrize("at", [1, 2, 9, 20])
def test_a_failed_sync_is_never_repeated_and_settled_by_a_retry(faults: Faults, at: int) -> None:
    run = faults.meet(f"fdatasync:error=EIO:when={at}")

    assert run.ended == SURVIVED
    assert run.refused["commit-unknown"] == 1
    assert run.acked == run.sent


@needs_strace
@pytest.mark.proves("KM-3", "WR-9")
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_sync_that_fails_at_the_start_loses_nothing(faults: Faults, at: int) -> None:
    """The first syncs are those of opening and of a checkpoint, which is left for later."""
    run = faults.meet(f"fsync,fdatasync:error=EIO:when={at}", opening=True)

    assert run.ended in (SURVIVED, NOT_OPENED)
    assert (run.ended == NOT_OPENED) == (not run.sent)
    assert run.refused["commit-unknown"] <= 1
    assert run.acked == run.sent


@needs_strace
@pytest.mark.proves("WR-4", "WR-9")
def test_a_failed_sync_of_an_idle_store_is_not_repeated_either(faults: Faults) -> None:
    """The system drops what it could not write, so a second sync would mean nothing: the log is
    opened and held anew, and all of it is brought over."""
    run, held = faults.meet_idle("fdatasync:error=EIO:when=1")

    assert run.ended == SURVIVED
    assert held == 2


@needs_strace
@pytest.mark.proves("KM-3", "WR-9")
@pytest.mark.parametrize("at", [1, 8, 23])
def test_a_write_without_room_is_rolled_back(faults: Faults, at: int) -> None:
    run = faults.meet(f"pwrite64:error=ENOSPC:when={at}")

    assert run.ended == SURVIVED
    assert set(run.refused) == {"store-full"}
    assert run.acked == run.sent


@needs_strace
@pytest.mark.proves("KM-3", "WR-9")
@pytest.mark.parametrize("at", [1, 8, 16])
def test_a_disk_that_is_full_at_the_start_changes_nothing(faults: Faults, at: int) -> None:
    """The first calls are those of opening: it is refused, or goes on where it can."""
    run = faults.meet(f"pwrite64:error=ENOSPC:when={at}", opening=True)

    assert run.ended in (SURVIVED, NOT_OPENED)
    assert run.acked == run.sent
    assert (run.ended == NOT_OPENED) == (not run.sent)
    assert bool(run.refused) == (run.ended == NOT_OPENED) or set(run.refused) == {"store-full"}


@needs_strace
@pytest.mark.proves("KM-3", "KM-4")
@pytest.mark.parametrize(
    "at", [*(f"pwrite64:{n}" for n in range(1, 240, 24)), *(f"fdatasync:{n}" for n in (1, 7, 20))]
)
def test_a_process_killed_in_the_middle_of_a_write_leaves_it_whole_or_absent(
    faults: Faults, at: str
) -> None:
    """`make kill` does it at each call."""
    call, _, number = at.partition(":")
    run = faults.meet(f"{call}:signal=SIGKILL:when={number}")

    assert run.ended == -signal.SIGKILL, "the fault was not met"

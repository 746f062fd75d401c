"""A disk that is full or fails: nothing acknowledged is lost, nothing is there in part (WR-9)."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.kills import checks
from tests.kills.failing import NOT_OPENED, insist
from tests.kills.launcher import ROOT, Told
from tests.kills.plan import Commit
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
    planned = checks.commits_of(seed)
    refusals: list[str] = []
    read: list[int] = []
    with checks.opened(path, seed) as store:
        ballast = fill_up(small_disk, ROOM)

        def refused(commit: Commit, code: str) -> None:
            refusals.append(code)
            # Reads go on, and see nothing of what was refused.
            read.append(store.head(commit.stream_id).revision)
            assert read[-1] == commit.first - 1
            if len(refusals) == 50:
                ballast.unlink()

        insist(store, planned, refused)

    assert set(refusals) == {"store-full"}
    assert len(refusals) >= 50, "the disk was not full"
    everything = {commit.number for commit in planned}
    left = checks.check(path, seed + 1, set(), set())
    assert left.acked == 0
    checks.check(path, seed, everything, everything)


def inject(folder: Path, fault: str) -> tuple[set[int], set[int], Counter[str], int]:
    """Run `tests.kills.failing` under a fault of strace, which counts the calls of each thread.

    Give what it sent, what was acknowledged, what was refused, and how it ended.
    """
    path = folder / "store.db"
    shutil.copy(filled_store(folder / "template.db"), path)
    calls = fault.partition(":")[0]
    traced = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}"]
    run = subprocess.run(
        [*traced, "-e", f"inject={fault}", sys.executable, "-m", "tests.kills.failing", path, "7"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    told = [msgspec.json.decode(line, type=Told) for line in run.stdout.splitlines()]
    sent = {each.sent for each in told if each.sent is not None}
    acked = {each.acked for each in told if each.acked is not None}
    return sent, acked, Counter(each.refused for each in told if each.refused), run.returncode


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there")


@needs_strace
@pytest.mark.proves("KM-3", "WR-9")
@pytest.mark.parametrize("at", [5, 9, 14])
def test_a_failed_sync_is_never_repeated_and_settled_by_a_retry(tmp_path: Path, at: int) -> None:
    sent, acked, refused, ended = inject(tmp_path, f"fsync,fdatasync:error=EIO:when={at}")

    assert ended == 0
    assert refused["commit-unknown"] == 1
    assert acked == sent
    checks.check(tmp_path / "store.db", 7, sent, acked)


@needs_strace
@pytest.mark.proves("KM-3", "WR-9")
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_sync_that_fails_at_the_start_loses_nothing(tmp_path: Path, at: int) -> None:
    """The first syncs are those of opening and of a checkpoint, which is left for later."""
    sent, acked, refused, ended = inject(tmp_path, f"fsync,fdatasync:error=EIO:when={at}")

    assert ended in (0, NOT_OPENED)
    assert (ended == NOT_OPENED) == (not sent)
    assert refused["commit-unknown"] <= 1
    assert acked == sent
    checks.check(tmp_path / "store.db", 7, sent, acked)


@needs_strace
@pytest.mark.proves("KM-3", "WR-9")
@pytest.mark.parametrize("at", [30, 47, 60, 111])
def test_a_write_without_room_is_rolled_back(tmp_path: Path, at: int) -> None:
    sent, acked, refused, ended = inject(tmp_path, f"pwrite64:error=ENOSPC:when={at}")

    assert ended == 0
    assert set(refused) == {"store-full"}
    assert acked == sent
    checks.check(tmp_path / "store.db", 7, sent, acked)


@needs_strace
@pytest.mark.proves("KM-3", "WR-9")
@pytest.mark.parametrize("at", [1, 8, 16])
def test_a_disk_that_is_full_at_the_start_changes_nothing(tmp_path: Path, at: int) -> None:
    """The first calls are those of opening: it is refused, or goes on where it can."""
    sent, acked, refused, ended = inject(tmp_path, f"pwrite64:error=ENOSPC:when={at}")

    assert ended in (0, NOT_OPENED)
    assert acked == sent
    assert (ended == NOT_OPENED) == (not sent)
    assert bool(refused) == (ended == NOT_OPENED) or set(refused) == {"store-full"}
    checks.check(tmp_path / "store.db", 7, sent, acked)


@needs_strace
@pytest.mark.proves("KM-3", "KM-4")
@pytest.mark.parametrize(
    "fault", [*(f"pwrite64:signal=SIGKILL:when={n}" for n in (26, 37, 52, 83)),
              *(f"fsync,fdatasync:signal=SIGKILL:when={n}" for n in (3, 6, 10))],
)  # fmt: skip
def test_a_process_killed_in_the_middle_of_a_write_leaves_it_whole_or_absent(
    tmp_path: Path, fault: str
) -> None:
    sent, acked, _, ended = inject(tmp_path, fault)

    assert ended in (-9, 137), "the fault was not met"
    checks.check(tmp_path / "store.db", 7, sent, acked)

"""A store survives power cuts with all that its durability promises (KM-5, KM-6, WR-4).

40 images a level; `make kill` builds 400, `TIMESCAPE_POWER_CUTS` sets another number.
"""

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from eventstore.sql import Durability
from tests.kills.disk import Disk
from tests.kills.launcher import Launcher, Told
from tests.kills.power import LEVELS, Recording, cuts, record
from tests.kills.recording import Sync

IMAGES = int(os.environ.get("TIMESCAPE_POWER_CUTS", "40"))

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there")


class Recordings:
    """One of each level, made when it is needed."""

    def __init__(self, folder: Path, launcher: Launcher) -> None:
        self._folder = folder
        self._launcher = launcher
        self.of = cache(self._record)

    def _record(self, durability: Durability) -> Recording:
        folder = self._folder / durability
        folder.mkdir()
        return record(self._launcher, folder, durability, 21)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recordings]:
    with Launcher() as launcher:
        yield Recordings(tmp_path_factory.mktemp("recorded"), launcher)


@pytest.mark.proves("KM-5", "KM-6", "KM-4", "WR-3", "WR-4")
@pytest.mark.parametrize("durability", LEVELS)
def test_a_store_survives_power_cuts(
    recordings: Recordings, durability: Durability, tmp_path: Path
) -> None:
    """`process` loses commits that were acknowledged: were the disk too kind, it would not."""
    found = list(cuts(recordings.of(durability), IMAGES, tmp_path))

    assert len(found) == IMAGES
    assert sum(cut.acked for cut in found) > IMAGES
    assert (
        bool(sum(cut.lost for cut in found)) == (durability != "fsync") or durability == "bounded"
    )


@pytest.mark.proves("KM-5")
@pytest.mark.parametrize("durability", LEVELS)
def test_the_recording_is_what_was_done_to_the_files(
    recordings: Recordings, durability: Durability
) -> None:
    """Had strace or its reader missed a call, the files would not be those that are there."""
    recording = recordings.of(durability)
    disk = Disk(recording.folder)
    for happened in recording.happened:
        if not isinstance(happened, Told):
            disk.happen(happened)

    files = Path(recording.folder).iterdir()
    real = {str(file): file.read_bytes() for file in files if file.suffix != ".db-shm"}
    assert disk.now() == real


@pytest.mark.proves("WR-4")
def test_an_idle_bounded_store_syncs_by_itself_and_once(recordings: Recordings) -> None:
    """Nothing is appended meanwhile: it writes to its log row, and syncs that."""
    happened = recordings.of("bounded").happened
    wal = f"{recordings.of('bounded').folder}/store.db-wal"
    told = {
        word: [
            at for at, each in enumerate(happened) if isinstance(each, Told) and each.done == word
        ]
        for word in ("appended", "synced", "left alone")
    }
    assert len(told["synced"]) == len(told["left alone"]) == 2

    for synced, alone in zip(told["synced"], told["left alone"], strict=True):
        appended = max(at for at in told["appended"] if at < synced)
        own = [each for each in happened[appended:synced] if not isinstance(each, Told)]
        assert [type(each) for each in own][-1] is Sync
        assert {each.file for each in own} == {wal}
        assert sum(isinstance(each, Sync) for each in own) == 1
        assert happened[synced + 1 : alone] == []


@pytest.mark.proves("WR-3", "WR-4")
def test_only_fsync_syncs_before_each_answer(recordings: Recordings) -> None:
    """Between a commit's sending and its answer the log is synced, or need not be.

    What the store writes for itself meanwhile, a keyframe or a seal, needs no sync.
    """

    def unsynced_answers(durability: Durability) -> int:
        syncs, count = 0, 0
        sent: dict[int, int] = {}
        for each in recordings.of(durability).happened:
            if isinstance(each, Sync):
                syncs += each.file.endswith("-wal")
            elif isinstance(each, Told) and each.sent is not None:
                sent[each.sent] = syncs
            elif isinstance(each, Told) and each.acked is not None:
                count += sent[each.acked] == syncs
        return count

    assert unsynced_answers("fsync") == 0
    assert unsynced_answers("process") > 0
    # How many depends on the time between answers: on a slow machine each has its sync.
    assert unsynced_answers("process") >= unsynced_answers("bounded")

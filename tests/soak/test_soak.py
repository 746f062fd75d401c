"""A reader that does not let go makes the write-ahead log grow, and no longer than that (WR-7)."""

from pathlib import Path

import pytest

from eventstore.testing import placed
from tests.soak.soaking import WAL_BYTES, soak


@pytest.mark.proves("KM-9", "WR-7")
def test_the_write_ahead_log_is_cut_back_once_a_stuck_reader_is_gone(tmp_path: Path) -> None:
    """`make soak` does it with 10 million events; here 150 MB in large ones."""
    event = placed(item="x" * 100_000)
    soaked = soak(tmp_path / "store.db", 1_500, [event], durability="volatile")

    assert max(each.wal for each in soaked.while_stuck) > WAL_BYTES
    assert len(soaked.after_cut) > 30
    assert max(each.wal for each in soaked.after_cut) <= WAL_BYTES

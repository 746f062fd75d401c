"""The SQLite store and the memory store never part."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from eventstore import Store
from eventstore.sql import open_store
from eventstore.testing import CountingReducer, registry
from tests.conformance.moving import StoresAgreeThoughArchived
from tests.eventstore.sql.files import new_store


class SqliteAgrees(StoresAgreeThoughArchived):
    def open_subject(self, mode: str) -> Store:
        if not hasattr(self, "folder"):
            self.folder = tempfile.mkdtemp()
            new_store(Path(self.folder, "store.db"), self.ids)
        return open_store(
            f"sqlite:///{self.folder}/store.db",
            mode="guest" if mode == "guest" else "hold",
            durability="volatile",
            registry=registry(),
            clock=self.clock,
            ids=self.ids,
            keyframes={"order": CountingReducer()},
            check_keyframes=1,
            seal_key=bytes(32),
        )

    def remove_subject(self) -> None:
        shutil.rmtree(self.folder)


@pytest.mark.proves("CF-2", "ES-3", "ES-4", "ES-7", "FK-1", "LG-3", "LG-5", "AR-3")
def test_sqlite_agrees_with_memory() -> None:
    """Any sequence of calls gets the same answers and leaves the same rows and chain."""
    # Shrinking takes minutes, which would look like a hang: a failure tells how to do it by hand.
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    run_state_machine_as_test(
        SqliteAgrees,
        # Each example archives, forks and opens stores: the dearest there are.
        settings=settings(
            max_examples=settings().max_examples * 2 // 5,
            stateful_step_count=15,
            phases=phases,
            print_blob=True,
        ),
    )

"""Every backend passes the same suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore import Store
from eventstore.memory import MemoryStore
from eventstore.sql import Durability, open_store
from eventstore.testing import CountingReducer, FakeClock, FakeIds, StoreContract, keyring, registry


class TestMemory(StoreContract):
    moves = False

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        with MemoryStore(registry(), FakeClock(), FakeIds(), keyring()) as store:
            yield store


class OnSqlite(StoreContract):
    durability: Durability

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with open_store(
            f"sqlite:///{tmp_path}/store.db",
            durability=self.durability,
            registry=registry(),
            clock=FakeClock(),
            ids=FakeIds(),
            keyring=keyring(),
            keyframes={"order": CountingReducer()},
            check_keyframes=1,
        ) as store:
            yield store


class TestSqliteVolatile(OnSqlite):
    durability = "volatile"


class TestSqliteFsync(OnSqlite):
    durability = "fsync"


class TestSqliteGuest(StoreContract):
    """A guest appends as well as a holder does."""

    seals = False

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        url = f"sqlite:///{tmp_path}/store.db"
        clock, ids = FakeClock(), FakeIds()
        with (
            open_store(url, registry=registry(), clock=clock, ids=ids),
            open_store(
                url,
                mode="guest",
                durability="process",
                registry=registry(),
                clock=clock,
                ids=ids,
                keyring=keyring(),
            ) as guest,
        ):
            yield guest

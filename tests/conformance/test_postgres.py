"""The suite over PostgreSQL, and PostgreSQL in lockstep with memory."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from eventstore import Store
from eventstore.sql import Durability, open_store
from eventstore.testing import (
    CountingReducer,
    FakeClock,
    FakeIds,
    LogContract,
    StoreContract,
    keyring,
    registry,
)
from tests.conformance.moving import StoresAgreeThoughArchived
from tests.postgres import Server


class OnPostgres:
    durability: Durability
    gone = False

    @pytest.fixture
    def store(self, postgres: Server, tmp_path: Path) -> Iterator[Store]:
        with open_store(
            postgres.cleared(),
            durability=self.durability,
            registry=registry(),
            clock=FakeClock(),
            ids=FakeIds(),
            keyring=keyring(),
            keyframes={"order": CountingReducer()},
            check_keyframes=1,
            seal_key=bytes(32),
            segments=tmp_path / "segments",
        ) as store:
            yield store


class TestPostgresFsync(OnPostgres, StoreContract):
    durability = "fsync"


class TestPostgresJoined(LogContract):
    """One of several nodes appends as well as a holder does."""

    @pytest.fixture
    def store(self, postgres: Server) -> Iterator[Store]:
        url = postgres.cleared()
        clock, ids = FakeClock(), FakeIds()
        with (
            open_store(url, mode="join", registry=registry(), clock=clock, ids=ids),
            open_store(
                url, mode="join", durability="bounded", registry=registry(), clock=clock, ids=ids
            ) as node,
        ):
            yield node


class TestPostgresGuest(StoreContract):
    """A guest appends as well as a holder does."""

    seals = False
    gone = False

    @pytest.fixture
    def store(self, postgres: Server) -> Iterator[Store]:
        url = postgres.cleared()
        clock, ids = FakeClock(), FakeIds()
        with (
            open_store(url, registry=registry(), clock=clock, ids=ids, seal_key=bytes(32)),
            open_store(
                url, mode="guest", registry=registry(), clock=clock, ids=ids, keyring=keyring()
            ) as guest,
        ):
            yield guest


class PostgresAgrees(StoresAgreeThoughArchived):
    server: ClassVar[Server]
    gone = False

    def open_subject(self, mode: str) -> Store:
        if not hasattr(self, "url"):
            self.url = self.server.cleared()
            self.folder = Path(tempfile.mkdtemp())
        return open_store(
            self.url,
            mode="guest" if mode == "guest" else "hold",
            durability="process",
            registry=registry(),
            clock=self.clock,
            ids=self.ids,
            seal_key=bytes(32),
            segments=self.folder,
        )

    def remove_subject(self) -> None:
        shutil.rmtree(self.folder)


@pytest.mark.proves("CF-2", "ES-3", "ES-4", "ES-7", "FK-1", "LG-3", "LG-5", "AR-3")
def test_postgres_agrees_with_memory(postgres: Server) -> None:
    """Any sequence of calls gets the same answers and leaves the same rows and chain."""
    PostgresAgrees.server = postgres
    # Fewer than of SQLite: a call of a server is some round trips, and opening it some fifty.
    few = settings(max_examples=20, stateful_step_count=12)
    run_state_machine_as_test(PostgresAgrees, settings=few)

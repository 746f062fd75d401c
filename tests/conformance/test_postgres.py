"""The suite over PostgreSQL, and PostgreSQL in lockstep with memory."""

from collections.abc import Iterator

import pytest

from eventstore import Store
from eventstore.sql import Durability, open_store
from eventstore.testing import FakeClock, FakeIds, StoreContract, registry
from tests.postgres import Server


class OnPostgres(StoreContract):
    durability: Durability

    @pytest.fixture
    def store(self, postgres: Server) -> Iterator[Store]:
        with open_store(
            postgres.upgraded(),
            durability=self.durability,
            registry=registry(),
            clock=FakeClock(),
            ids=FakeIds(),
        ) as store:
            yield store


class TestPostgresFsync(OnPostgres):
    durability = "fsync"


class TestPostgresBounded(OnPostgres):
    durability = "bounded"


class TestPostgresGuest(StoreContract):
    """A guest appends as well as a holder does."""

    @pytest.fixture
    def store(self, postgres: Server) -> Iterator[Store]:
        url = postgres.upgraded()
        clock, ids = FakeClock(), FakeIds()
        with (
            open_store(url, registry=registry(), clock=clock, ids=ids),
            open_store(url, mode="guest", registry=registry(), clock=clock, ids=ids) as guest,
        ):
            yield guest

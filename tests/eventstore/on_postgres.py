"""Opens stores in PostgreSQL, also in processes that load no test."""

from eventstore import Store
from eventstore.sql import open_store
from eventstore.testing import FakeClock, FakeIds, registry


def opened(
    url: str,
    *,
    mode: str = "hold",
    durability: str = "process",
    seed: int = 0,
    key: bytes | None = None,
) -> Store:
    return open_store(
        url,
        mode=mode,  # type: ignore[arg-type]
        durability=durability,  # type: ignore[arg-type]
        registry=registry(),
        clock=FakeClock(),
        ids=FakeIds(seed),
        seal_key=key,
    )

"""Streams that grow: what was appended elsewhere counts, and whoever runs the program is told."""

import logging
from pathlib import Path

import pytest

from eventstore import ANY, NEW, NewEvent, Store
from eventstore.memory import MemoryStore
from eventstore.testing import FakeClock, FakeIds, placed, refused, registry, several, stream
from eventstore.testing.fakes import MOST_BYTES, MOST_EVENTS
from tests.eventstore.on_postgres import opened
from tests.postgres import Server

LARGE = NewEvent("order.noted", "x" * (MOST_BYTES * 2 // 5))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: Server = request.getfixturevalue("postgres")
    return server.cleared()


@pytest.mark.proves("ES-6")
def test_the_bytes_of_a_stream_are_counted_whoever_appended_them(url: str) -> None:
    with opened(url) as store, opened(url, mode="guest", seed=1 << 40) as guest:
        store.append(stream(1), [LARGE], kind="short", expected=NEW).result()
        guest.append(stream(1), [LARGE], kind="short", expected=1).result()
        with refused("stream-too-long") as refusal:
            store.append(stream(1), [LARGE], kind="short", expected=2).result()
    with opened(url, seed=1 << 41) as store:
        with refused("stream-too-long"):
            store.append(stream(1), [LARGE], kind="short", expected=ANY).result()
        store.append(stream(1), [placed()], kind="short", expected=2).result()

    assert (refusal.error.fields["limit"], refusal.error.fields["unit"]) == (MOST_BYTES, "bytes")


def appended(store: Store, counts: list[int], number: int) -> None:
    for count in counts:
        store.append(stream(number), several(count), kind="short", expected=ANY).result()


@pytest.mark.proves("ES-6")
@pytest.mark.parametrize("backend", ["sqlite", "memory"])
def test_a_long_stream_is_warned_of_once(
    tmp_path: Path, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At a fifth of either limit; others are not."""
    store: Store = (
        MemoryStore(registry(), FakeClock(), FakeIds())
        if backend == "memory"
        else opened(f"sqlite:///{tmp_path}/store.db")
    )
    with caplog.at_level(logging.WARNING, "eventstore"), store:
        caplog.clear()
        appended(store, [MOST_EVENTS // 5 - 1], 1)
        assert caplog.messages == []
        appended(store, [1, 1, 50], 1)
        store.append(stream(2), [LARGE], kind="short", expected=NEW).result()
        store.append(stream(3), several(MOST_EVENTS // 2), kind="order", expected=NEW).result()

    assert caplog.messages == [
        f"stream_long kind=short stream={stream(1)} events={MOST_EVENTS // 5}",
        f"stream_long kind=short stream={stream(2)} events=1",
    ]

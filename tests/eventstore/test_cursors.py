"""Cursors as text, and the bell that wakes whoever waits."""

import asyncio
import threading
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Cursor, EventStoreError
from eventstore.bell import Bell
from eventstore.cursors import LAST, Mark

LOG = UUID("01990000-0000-7000-8000-000000000001")
marks = st.builds(
    Mark, st.integers(0, LAST), st.integers(0, LAST), st.binary(min_size=32, max_size=32)
)


@pytest.mark.proves("SB-1")
@given(cursor=st.builds(Cursor, st.dictionaries(st.uuids(), marks, max_size=3)))
def test_the_text_of_a_cursor_is_the_cursor(cursor: Cursor) -> None:
    text = str(cursor)

    assert Cursor.parse(text) == cursor
    assert text.isascii()
    assert not any(character.isspace() for character in text)


@pytest.mark.proves("SB-1")
def test_a_cursor_reads_well() -> None:
    cursor = Cursor({LOG: Mark(3, 1042, bytes(range(32)))})

    assert str(cursor) == f"{LOG.hex}.3.1042.{bytes(range(32)).hex()}"
    assert str(Cursor()) == ""


@pytest.mark.proves("SB-1")
@pytest.mark.parametrize(
    "text",
    [
        "x", ",", "1.2.3", f"{LOG.hex}.3.1042", f"{LOG.hex}.3.1042.ab",
        f"{LOG.hex}.-3.1.{'0' * 64}",
        f"{LOG.hex}.3.1_0.{'0' * 64}", f"{LOG}.3.1.{'0' * 64}", f"{LOG.hex}.3.².{'0' * 64}",
        f"{LOG.hex}.3.1.{'0' * 64},", f"{'g' * 32}.3.1.{'0' * 64}",
        f"{LOG.hex}.3.{1 << 63}.{'0' * 64}", f"{LOG.hex}.{'9' * 5_000}.3.{'0' * 64}",
        f"{LOG.hex}.3.1.{'0' * 64},{LOG.hex}.3.2.{'0' * 64}",
    ],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(EventStoreError) as caught:
        Cursor.parse(text)

    assert caught.value.code == "invalid-cursor"


def test_a_bell_that_rang_before_is_not_waited_for() -> None:
    """Between the look and the wait nothing is lost: else these would wait for an hour."""
    bell = Bell()
    rings = bell.rings
    bell.ring()

    bell.wait(rings, 3600)
    asyncio.run(bell.wait_async(rings, 3600))

    assert bell.rings == rings + 1


def test_a_bell_wakes_threads_and_event_loops() -> None:
    bell = Bell()
    woken: list[str] = []

    def wait() -> None:
        bell.wait(rings, 3600)
        woken.append("thread")

    async def wait_async() -> None:
        await bell.wait_async(rings, 3600)
        woken.append("loop")

    rings = bell.rings
    waiting = [
        threading.Thread(target=wait),
        threading.Thread(target=lambda: asyncio.run(wait_async())),
    ]
    for thread in waiting:
        thread.start()
    bell.ring()
    for thread in waiting:
        thread.join()

    assert sorted(woken) == ["loop", "thread"]


def test_a_bell_that_does_not_ring_is_waited_for_no_longer_than_said() -> None:
    bell = Bell()

    bell.wait(bell.rings, 0.001)
    asyncio.run(bell.wait_async(bell.rings, 0.001))

    assert bell.rings == 0

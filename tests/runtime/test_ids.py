"""Ids from the operating system: rising, of their time, never handed out twice."""

import os
import threading
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.effects import SystemIds

NOW_US = 1_764_000_000_000_000


@pytest.mark.proves("ES-1")
@given(clock=st.lists(st.integers(0, 2**48 - 1).map(lambda ms: ms * 1_000), max_size=30))
def test_ids_rise_whatever_the_clock_says(clock: list[int]) -> None:
    ids = SystemIds()

    made = [ids.uuid7(at_us) for at_us in clock]

    assert made == sorted(set(made))
    assert all((each.version, each.variant) == (7, "specified in RFC 4122") for each in made)


@pytest.mark.proves("ES-1")
def test_an_id_begins_with_its_time_and_keeps_it_for_a_millisecond() -> None:
    ids = SystemIds()

    made = [ids.uuid7(NOW_US + us) for us in (0, 0, 999, 1_000, 0)]

    assert [each.int >> 80 for each in made] == [NOW_US // 1_000] * 3 + [NOW_US // 1_000 + 1] * 2


@pytest.mark.proves("ES-1")
def test_a_millisecond_without_room_goes_over_into_the_next() -> None:
    ids = SystemIds()
    first = ids.uuid7(NOW_US)
    ids._low = (1 << 62) - 1

    second = ids.uuid7(NOW_US)

    assert (first < second, second.int >> 80) == (True, NOW_US // 1_000 + 1)
    assert (second.version, second.variant) == (7, "specified in RFC 4122")


@pytest.mark.proves("ES-1")
@given(sizes=st.lists(st.integers(1, 5_000), max_size=8))
def test_a_token_is_of_its_size(sizes: list[int]) -> None:
    ids = SystemIds()

    assert [len(ids.token(size)) for size in sizes] == sizes


@pytest.mark.proves("ES-1")
def test_no_token_comes_twice_from_any_thread() -> None:
    ids = SystemIds()
    taken: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(ids.token(16) for _ in range(1_000)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(taken)) == len(taken) == 4_000


@pytest.mark.proves("ES-1")
def test_a_forked_child_hands_out_others_than_its_parent() -> None:
    ids = SystemIds()
    ids.token(16)
    ids.uuid7(NOW_US)
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        # Newer Pythons warn where there are threads; this child only writes, and ends.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.write(writes, ids.token(16) + ids.uuid7(NOW_US).bytes)
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reads, 32)
    os.close(reads)
    os.close(writes)

    assert told[:16] != ids.token(16)
    assert told[16:] != ids.uuid7(NOW_US).bytes

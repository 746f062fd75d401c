"""Ids of streams, and errors that keep what they say."""

import datetime as dt
import pickle
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event, EventStoreError, NewEvent, Revision, Row, named_stream, uuid7
from tests.strategies import STREAM, as_events


@pytest.mark.proves("ES-1")
@given(at_ms=st.integers(0, 2**48 - 1), random=st.binary(min_size=10, max_size=10))
def test_an_id_is_a_uuid_of_version_7_that_begins_with_its_time(at_ms: int, random: bytes) -> None:
    made = uuid7(at_ms, random)

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == at_ms
    assert made.bytes[9:] == random[3:]


@pytest.mark.proves("ES-1")
def test_the_layout_is_that_of_the_rfc() -> None:
    """The example of RFC 9562, appendix A.6."""
    random = bytes([0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F])

    assert uuid7(0x017F22E279B0, random) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@pytest.mark.proves("ES-1")
def test_a_named_stream_has_the_same_id_everywhere() -> None:
    assert named_stream("control", "main") == UUID("00000000-0000-7383-a3c8-3c3808385e3b")
    assert named_stream("control", "main") != named_stream("control", "other")
    assert named_stream("a", "b") != named_stream("a\0b", "")


def test_an_error_survives_pickle_with_its_fields() -> None:
    error = EventStoreError("wrong-revision", "At 3, not 2.", "Read again.", {"actual": 3})

    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert str(again) == str(error) == "At 3, not 2. Read again. [wrong-revision]"
    assert (again.code, again.remedy, again.fields) == (error.code, error.remedy, error.fields)


def test_times_of_events_are_aware_and_exact() -> None:
    (event,) = as_events([NewEvent("a.b", None, at_us=1_700_000_000_000_001)])

    assert event.at == dt.datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=dt.UTC)


def test_a_row_knows_its_last_revision() -> None:
    events: list[Event] = as_events([NewEvent("a.b", None)] * 3, first=5)
    row = Row(
        position=events[0].position,
        stream=STREAM,
        first=events[0].revision,
        kind="request",
        closes=False,
        began_us=0,
        at_us=0,
        parent=None,
        parent_revision=Revision(0),
        events=events,
    )

    assert row.last == 7

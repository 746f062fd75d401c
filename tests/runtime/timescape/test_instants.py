"""Instants as callers write them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.timescape.instants import http_date, parse_http_date, parse_instant, rfc3339
from runtime.timescape.selectors import Edition, Instant, Latest, Selector, Tag, read
from runtime.timescape.version_ids import VersionId

moments = st.datetimes(max_value=dt.datetime.max - dt.timedelta(2))  # noqa: DTZ901
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def micros(moment: dt.datetime) -> int:
    return (moment - EPOCH) // dt.timedelta(microseconds=1)


@pytest.mark.proves("TR-2")
@given(moment=moments, minutes=offsets)
def test_rfc_3339_is_read_at_any_offset(moment: dt.datetime, minutes: int) -> None:
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    text = moment.replace(tzinfo=zone).isoformat()

    assert parse_instant(text) == micros(moment.replace(tzinfo=zone))
    assert parse_instant(rfc3339(micros(moment.replace(tzinfo=zone)))) == parse_instant(text)


@pytest.mark.proves("TR-2")
@given(at_us=st.integers(-(10**15), 10**17), more=st.integers(0, 999))
def test_unix_seconds_are_floored_to_microseconds(at_us: int, more: int) -> None:
    nanos = at_us * 1_000 + more
    sign = "-" if nanos < 0 else ""
    text = f"@{sign}{abs(nanos) // 10**9}.{abs(nanos) % 10**9:09}"

    assert parse_instant(text) == at_us


@pytest.mark.proves("TR-2", "TR-9")
@given(moments.map(lambda moment: moment.replace(microsecond=0, tzinfo=dt.UTC)))
def test_an_http_date_is_read_back_as_it_was_written(moment: dt.datetime) -> None:
    written = http_date(micros(moment))

    assert parse_http_date(written) == micros(moment)
    assert len(written) == 29


@pytest.mark.proves("TR-2")
@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01T12:00:00",
        "2026-10-01 12:00:00Z",
        "2026-10-01t12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-10-01T24:00:00Z",
        "2026-10-01T12:00:60Z",
        "2026-10-01T12:00:00+24:00",
        "2026-10-01T12:00:00.Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00Z",
        "@",
        "@1e3",
        "@99999999999999999999",
        "1790000000",
        "٢026-10-01T12:00:00Z",
    ],
)
def test_other_text_is_no_instant(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.proves("TR-2")
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tsv:0-get-a-001", VersionId(0, 1, "get-a")),
        ("2026-10-01", Edition("2026-10-01")),
        ("1970-01-01T00:00:01.5Z", Instant(1_500_000)),
        ("@1.0000009", Instant(1_000_000)),
        ("@-1.0000001", Instant(-1_000_001)),
        ("stable", Tag("stable")),
        ("v1.2.0", Tag("v1.2.0")),
        ("stable;at=@1", Tag("stable", 1_000_000)),
        ("latest", Latest()),
        ("latest;at=@1", None),
        ("stable;at=", None),
        ("stable;at=2026-10-01", None),
        ("a" * 64, None),
        ("", None),
        ("1.2", None),
        ("a" * 50 + ";at=@" + "1" * 80, None),
    ],
)
def test_the_form_alone_decides_what_a_selector_is(text: str, meant: object) -> None:
    assert read(Selector("query", "query v", text)) == meant


@pytest.mark.proves("TR-2")
def test_accept_datetime_takes_an_http_date_and_nothing_else() -> None:
    def asked(text: str) -> object:
        return read(Selector("datetime", "header accept-datetime", text))

    assert asked("Thu, 01 Jan 1970 00:00:07 GMT") == Instant(7_000_000)
    for text in (
        "Fri, 01 Jan 1970 00:00:07 GMT",
        "Thu, 01 Jan 1970 00:00:07 UTC",
        "1970-01-01T00:00:07Z",
        "latest",
        "@7",
    ):
        assert asked(text) is None


@pytest.mark.proves("TR-2")
@given(st.text(max_size=200), st.sampled_from(["query", "datetime"]))
def test_any_text_is_read_without_an_error(text: str, source: str) -> None:
    meant = read(Selector(source, "somewhere", text))

    assert meant is None or text.isascii()

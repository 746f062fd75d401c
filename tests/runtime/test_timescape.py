"""Versions: their ids, their line, and which one a caller means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import VersionFormatError
from runtime.timescape import (
    VersionId,
    check_edition,
)

HANDLER = "post-orders"
handlers = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
ids = st.builds(
    VersionId,
    seconds=st.integers(0, 10**12),
    sequence=st.integers(1, 10**6),
    handler=handlers,
)


# --- ids ---


@pytest.mark.proves("TS-1")
@given(ids)
def test_an_id_is_read_back_as_it_was_written(version_id: VersionId) -> None:
    assert VersionId.parse(str(version_id)) == version_id


@pytest.mark.proves("TS-1")
def test_an_id_names_seconds_handler_and_sequence() -> None:
    assert str(VersionId(1759, 7, "get-a-b")) == "tsv:1759-get-a-b-007"
    assert VersionId.parse("tsv:1759-get-a-b-1234").sequence == 1234


@pytest.mark.proves("TS-1")
@given(one=ids, two=ids)
def test_ids_are_ordered_by_seconds_then_sequence(one: VersionId, two: VersionId) -> None:
    numbers = (one.seconds, one.sequence), (two.seconds, two.sequence)

    assert numbers[0] == numbers[1] or (one < two) == (numbers[0] < numbers[1])


@pytest.mark.proves("TS-1")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "tsv:",
        "tsv:1-a",
        "tsv:1-a-1",
        "tsv:1-a-000",
        "tsv:1-a-0001",
        "tsv:01-a-001",
        "tsv:-a-001",
        "tsv:1--001",
        "TSV:1-a-001",
        "tsv:1-a-001 ",
        "tsv:1-ä-001",
        "tsv:\u0661-a-001",
    ],
)
def test_other_text_is_no_id(text: str) -> None:
    with pytest.raises(VersionFormatError, match="no version id"):
        VersionId.parse(text)


@pytest.mark.proves("TS-2")
def test_an_edition_is_a_calendar_date() -> None:
    assert check_edition("2026-02-28") == "2026-02-28"
    assert check_edition(None) is None
    for text in ("2026-02-30", "2026-2-3", "v1", "", "20260228", 20260228):
        with pytest.raises(VersionFormatError, match="no edition"):
            check_edition(text)

"""Versions: their ids, their line, and which one a caller means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import VersionFormatError
from runtime.timescape import (
    Deployment,
    Deployments,
    Line,
    Refusal,
    Selector,
    Version,
    VersionId,
    check_edition,
    resolve,
)

HANDLER = "post-orders"
handlers = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
ids = st.builds(
    VersionId,
    seconds=st.integers(0, 10**12),
    sequence=st.integers(1, 10**6),
    handler=handlers,
)
editions = st.none() | st.dates().map(str)


def version(edition: str | None, seconds: int, sequence: int) -> Version[str]:
    return Version(VersionId(seconds, sequence, HANDLER), edition, f"{edition}/{sequence}")


def ask(line: Line[str], text: str, source: str = "query") -> Version[str] | Refusal:
    return resolve(line, [Selector(source, f"{source} v", text)])


LINE = Line.of(
    HANDLER,
    [version("2026-10-01", 5, 2), version("2026-03-01", 9, 3), version("2026-03-01", 4, 1)],
    absent=["tsv:1-post-orders-009"],
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


# --- the line ---


@pytest.mark.proves("TS-2")
def test_the_line_goes_by_edition_then_id_and_without_edition_first() -> None:
    line = Line.of(HANDLER, [*LINE.versions, version(None, 99, 4)])

    assert [v.code for v in line.versions] == [
        "None/4",
        "2026-03-01/1",
        "2026-03-01/3",
        "2026-10-01/2",
    ]


@pytest.mark.proves("TR-3", "TR-5")
def test_nothing_and_latest_mean_the_newest() -> None:
    assert resolve(LINE, []) == LINE.versions[-1]
    assert ask(LINE, "latest") == LINE.versions[-1]


@pytest.mark.proves("TR-3")
@pytest.mark.parametrize(
    ("edition", "code"),
    [
        ("2026-03-01", "2026-03-01/3"),
        ("2026-09-30", "2026-03-01/3"),
        ("2026-10-01", "2026-10-01/2"),
        ("2999-01-01", "2026-10-01/2"),
    ],
)
def test_an_edition_means_the_last_version_not_after_it(edition: str, code: str) -> None:
    answer = ask(LINE, edition)

    assert isinstance(answer, Version)
    assert answer.code == code


@pytest.mark.proves("TR-3")
@given(st.lists(st.tuples(editions, st.integers(0, 9)), min_size=1, max_size=8), st.dates())
def test_an_edition_means_what_a_plain_search_finds(
    drawn: list[tuple[str | None, int]], day: object
) -> None:
    versions = [version(e, seconds, n + 1) for n, (e, seconds) in enumerate(drawn)]
    line = Line.of(HANDLER, versions)
    fitting = [v for v in versions if v.edition is None or v.edition <= str(day)]

    answer = ask(line, str(day))

    if all(v.edition is None for v in versions):
        assert answer == line.versions[-1]
    elif fitting:
        assert answer == max(fitting, key=lambda v: (v.edition or "", v.id))
    else:
        assert isinstance(answer, Refusal)
        assert (answer.status, answer.code) == (404, "version-before-first")


@pytest.mark.proves("TR-3", "TR-8")
def test_an_id_means_that_version_of_this_handler() -> None:
    assert ask(LINE, "tsv:4-post-orders-001") == LINE.versions[0]


@pytest.mark.proves("TR-2", "TR-8", "PL-3")
@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("tsv:4-other-001", 404, "version-not-found"),
        ("tsv:8-post-orders-001", 404, "version-not-found"),
        ("tsv:1-post-orders-009", 503, "version-unavailable"),
        ("tsv:1", 400, "version-malformed"),
        ("2026-02-28", 404, "version-before-first"),
        ("2026-02-30", 400, "version-malformed"),
        ("20260301", 400, "version-malformed"),
        ("1", 400, "version-malformed"),
        ("stable", 404, "tag-not-found"),
        ("é", 400, "version-malformed"),
        ("x" * 129, 400, "version-malformed"),
        ("<b>\x00", 400, "version-malformed"),
    ],
)
def test_what_means_no_version_is_refused(text: str, status: int, code: str) -> None:
    answer = ask(LINE, text)

    assert isinstance(answer, Refusal)
    assert (answer.status, answer.code) == (status, code)
    assert answer.remedy
    if status != 400:
        assert answer.members["latest"] == "tsv:5-post-orders-002"


@pytest.mark.proves("TR-2")
@given(st.text(max_size=300))
def test_any_text_gets_an_answer_that_echoes_little_of_it(text: str) -> None:
    answer = ask(LINE, text)

    if isinstance(answer, Refusal) and answer.code == "version-malformed":
        assert len(answer.detail) < 120
        assert answer.detail.isascii()


@pytest.mark.proves("TR-1", "TR-4")
def test_several_selectors_must_mean_the_same() -> None:
    same = [
        Selector("query", "query v", "2026-05-05"),
        Selector("header", "header x", "2026-03-01"),
    ]
    other = [*same, Selector("header", "header y", "latest")]
    faulty = [*same, Selector("header", "header y", "1")]

    assert resolve(LINE, same) == LINE.versions[1]
    conflict, fault = resolve(LINE, other), resolve(LINE, faulty)
    assert isinstance(conflict, Refusal)
    assert (conflict.status, conflict.code) == (400, "version-conflict")
    assert conflict.members["sources"] == ["query v", "header x", "header y"]
    assert isinstance(fault, Refusal)
    assert fault.code == "version-malformed"


# --- deployments ---


@pytest.mark.proves("TS-1", "TS-3")
@given(st.lists(st.tuples(editions, st.sampled_from("abc"), st.integers(0, 2**50)), max_size=12))
def test_new_code_gets_a_later_and_higher_id_and_known_code_none(
    steps: list[tuple[str | None, str, int]],
) -> None:
    known = Deployments()
    for edition, code, now_us in steps:
        before = known.by_handler.get(HANDLER, ())
        last = [d for d in before if d.edition == edition][-1:]
        needed = known.needed(HANDLER, edition, code)

        assert needed == (not last or last[0].fingerprint != code)
        if needed:
            new = known.next_id(HANDLER, now_us)
            assert all(d.id < new for d in before)
            assert new.sequence == len(before) + 1
            known = known.plus(HANDLER, Deployment(new, edition, code))


@pytest.mark.proves("TS-3")
def test_going_back_to_earlier_code_is_a_new_version() -> None:
    known = Deployments()
    for code in ("a", "b", "a"):
        assert known.needed(HANDLER, None, code)
        known = known.plus(HANDLER, Deployment(known.next_id(HANDLER, 0), None, code))

    assert [str(d.id) for d in known.by_handler[HANDLER]] == [
        "tsv:0-post-orders-001",
        "tsv:0-post-orders-002",
        "tsv:0-post-orders-003",
    ]

"""P33: which version is meant is a function of the table at a position, selectors and time."""

import datetime as dt

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event
from runtime.timescape import Refusal, Resolution, RouteTable, Selector, fold_table, resolve
from runtime.version_facts import VersionTagged, VersionUntagged
from tests.routes import (
    EDITIONS,
    HANDLER,
    MINUTE_US,
    START_US,
    TAGS,
    Naive,
    at,
    deployed,
    histories,
    history,
    version_id,
)

SOURCES = (
    ("query", "query version"),
    ("query", "query v"),
    ("header", "header timescape-version"),
    ("header", "header x-api-version"),
)


class Wanted:
    """A selector and what it means by the naive reckoning: an id, or a problem code."""

    def __init__(self, text: str, means: str) -> None:
        self.text = text
        self.means = means


def _rfc3339(at_us: int) -> str:
    return dt.datetime.fromtimestamp(at_us / 1e6, dt.UTC).isoformat()


@st.composite
def wanted(  # noqa: PLR0911 - one a form
    draw: st.DrawFn, naive: Naive, now_us: int
) -> Wanted:
    count = len(naive.versions)
    match draw(st.sampled_from(["id", "edition", "instant", "tag", "tag at", "latest", "bad"])):
        case "id":
            key = version_id(draw(st.integers(1, count + 1)))
            known = naive.versions.get(key)
            found = key if known is not None and known[2] <= now_us else None
            return Wanted(key, found or "version-not-found")
        case "edition":
            near = draw(st.sampled_from([e for e in EDITIONS if e] + ["2026-01-01", "2030-12-31"]))
            return Wanted(near, naive.by_edition(near, now_us) or "version-before-first")
        case "instant":
            edges = [entry[0] for entry in naive.entries] or [START_US]
            at_us = draw(st.sampled_from(edges)) + draw(st.sampled_from([-1, 0, 1, MINUTE_US]))
            at_us += draw(st.sampled_from([0, 0, now_us - at_us, now_us - at_us + 5_000_001]))
            if at_us > now_us + 5_000_000:
                return Wanted(_at(at_us), "version-in-future")
            found = naive.current(min(at_us, now_us))
            return Wanted(_at(at_us), found or "version-before-first")
        case "tag":
            tag = draw(st.sampled_from([*TAGS, "unknown"]))
            return Wanted(tag, _tagged(naive, naive.meant(tag, None, now_us), now_us))
        case "tag at":
            moves = [move[:2] for move in naive.moves] or [(START_US, "stable")]
            at_us, tag = draw(st.sampled_from(moves))
            at_us += draw(st.sampled_from([-1, 0, 1]))
            if at_us > now_us + 5_000_000:
                return Wanted(f"{tag};at={_at(at_us)}", "version-in-future")
            meant = _tagged(naive, naive.meant(tag, at_us, now_us), now_us)
            return Wanted(f"{tag};at={_at(at_us)}", meant)
        case "latest":
            return Wanted("latest", naive.current(now_us) or "version-before-first")
        case _:
            text = draw(st.sampled_from(["1", "20260301", "2026-02-30", "tsv:1", "a b", "é", "@"]))
            return Wanted(text, "version-malformed")


def _at(at_us: int) -> str:
    return f"@{at_us // 1_000_000}.{at_us % 1_000_000:06d}"


def _tagged(naive: Naive, key: str | None, now_us: int) -> str:
    if key is None:
        return "tag-not-found"
    return key if naive.versions[key][2] <= now_us else "version-not-found"


def answered(table: RouteTable, selectors: list[Selector], now_us: int) -> str:
    answer = resolve(table.handlers[HANDLER], selectors, now_us=now_us)
    return str(answer.version.id) if isinstance(answer, Resolution) else answer.code


def expected(naive: Naive, asked: list[Wanted], now_us: int) -> str:
    """Say what a request that names *asked* gets, by TR-4, TR-5 and TR-8."""
    if not asked:
        named = naive.meant("default", None, now_us)
        seen = named is not None and naive.versions[named][2] <= now_us
        meant = (named if seen else naive.current(now_us)) or "version-before-first"
    else:
        faults = [each.means for each in asked if not each.means.startswith("tsv:")]
        if faults:
            return faults[0]
        if len({each.means for each in asked}) > 1:
            return "version-conflict"
        meant = asked[0].means
    return naive.fate(meant, now_us) if meant.startswith("tsv:") else meant


@pytest.mark.proves("P33", "TR-2", "TR-3", "TR-4", "TR-5", "TR-8", "TS-2", "TS-6", "TS-7")
@given(data=st.data(), events=histories())
def test_p33_resolving_is_a_function_of_table_selectors_and_time(
    data: st.DataObject, events: list[Event]
) -> None:
    """Seen to fail with the older version at exactly the time when another one begins."""
    naive = Naive(events)
    now_us = naive.now_us + data.draw(st.sampled_from([0, 1, 60, 95, 2_000])) * MINUTE_US
    asked = data.draw(st.lists(wanted(naive, now_us), max_size=3), "asked")
    sources = data.draw(st.permutations(SOURCES))
    selectors = [Selector(s, n, a.text) for (s, n), a in zip(sources, asked, strict=False)]

    got = answered(fold_table(events), selectors, now_us)

    seen("a version" if got.startswith("tsv:") else got)
    assert got == expected(naive, asked, now_us)


@pytest.mark.proves("P33", "TS-5")
@given(events=histories(minimum=2), data=st.data())
def test_p33_a_later_log_never_changes_an_earlier_answer(
    events: list[Event], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(events) - 1))
    before = fold_table(events[:cut])
    asked = data.draw(wanted(Naive(events[:cut]), before.at_us))
    selectors = [Selector("query", "query v", asked.text)]
    first = answered(before, selectors, before.at_us)

    after = fold_table(events[cut:], before)

    assert answered(before, selectors, before.at_us) == first
    assert after.revision == len(events)


EXAMPLE = history(
    deployed(1, "2026-03-01", tags=("stable",)),
    deployed(2, "2026-10-01"),
    deployed(3, "2026-03-01", activation="edition"),
)


@pytest.mark.proves("P33", "TR-3", "DP-3")
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("latest", 2),
        ("2026-03-01", 3),
        ("2026-09-30", 3),
        ("2026-10-01", 2),
        ("2999-12-31", 2),
        ("stable", 1),
        (f"stable;at=@{START_US // 1_000_000}", 1),
        (f"@{START_US // 1_000_000}", 1),
        (f"@{START_US // 1_000_000 + 60}", 2),
        (_rfc3339(at(0.5)), 1),
        (version_id(1), 1),
    ],
)
def test_p33_by_example(text: str, number: int) -> None:
    selectors = [Selector("query", "query v", text)]

    assert answered(fold_table(EXAMPLE), selectors, at(10)) == version_id(number)


@pytest.mark.proves("P33", "TR-3")
def test_p33_a_tag_is_looked_up_where_it_pointed_then() -> None:
    table = fold_table(
        history(
            deployed(1),
            deployed(2),
            (version_id(1), VersionTagged("stable")),
            (version_id(2), VersionTagged("stable")),
            (version_id(2), VersionUntagged("stable")),
        )
    )

    said = [
        answered(table, [Selector("query", "query v", f"stable;at={_at(at(minute))}")], at(10))
        for minute in (1.9, 2, 2.9, 3, 3.9, 4)
    ]

    gone, one, two = "tag-not-found", version_id(1), version_id(2)
    assert said == [gone, one, one, two, two, gone]


@pytest.mark.proves("P33", "TR-3", "TR-8")
@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("2026-02-28", 404, "version-before-first"),
        (f"@{START_US // 1_000_000 - 1}", 404, "version-before-first"),
        (f"@{START_US // 1_000_000 + 606}", 400, "version-in-future"),
        ("unstable", 404, "tag-not-found"),
        (version_id(9), 404, "version-not-found"),
        (version_id(1, "other"), 404, "version-not-found"),
        ("1", 400, "version-malformed"),
    ],
)
def test_p33_refused_by_example(text: str, status: int, code: str) -> None:
    answer = resolve(
        fold_table(EXAMPLE).handlers[HANDLER], [Selector("query", "query v", text)], now_us=at(10)
    )

    assert isinstance(answer, Refusal)
    assert (answer.status, answer.code) == (status, code)
    assert answer.remedy
    if status == 404:
        assert answer.members["latest"] == version_id(2)

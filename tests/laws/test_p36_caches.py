"""P36: with a cache of any size, dropped at any time, the answers are those without."""

import pytest
from hypothesis import event as seen
from hypothesis import example, given
from hypothesis import strategies as st

from eventstore import Event
from runtime.timescape import (
    Refusal,
    Resolution,
    ResolveCache,
    RouteTable,
    Selector,
    fold_table,
    resolve,
)
from tests.routes import (
    EDITIONS,
    HANDLER,
    MINUTE_US,
    START_US,
    TAGS,
    at,
    deployed,
    histories,
    history,
    version_id,
)

TEXTS = (
    *(edition for edition in EDITIONS if edition),
    *TAGS,
    "latest",
    version_id(1),
    version_id(2),
    "1",
    f"@{START_US // 1_000_000 + 3_600}",
)


def _ask(cache: ResolveCache[Resolution], table: RouteTable, text: str | None, now_us: int) -> str:
    """Ask as the edge does."""
    selectors = (Selector("query", "query v", text),) if text else ()
    known = cache.get(table, HANDLER, selectors, now_us)
    if known is not None:
        return str(known.version.id)
    answer = resolve(table.handlers[HANDLER], selectors, now_us=now_us)
    if isinstance(answer, Refusal):
        return answer.code
    cache.put(table.handlers[HANDLER], selectors, now_us, answer)
    return str(answer.version.id)


def _next_edge(table: RouteTable, now_us: int) -> int:
    routes = table.handlers[HANDLER]
    edges = [version.effective_us for version in routes.line]
    edges += [each.sunset_us for each in routes.retired.values() if each.sunset_us]
    return min((each for each in edges if each > now_us), default=now_us)


@pytest.mark.proves("P36", "TS-8")
@example(
    events=history(deployed(1), deployed(2, effective_us=at(30))),
    size=3,
    steps=[("deploy", None, 0), ("ask", None, None)],
)
@given(
    events=histories(minimum=3),
    size=st.integers(0, 3),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["ask", "ask", "ask", "deploy", "drop"]),
            st.sampled_from([None, *TEXTS]),
            st.sampled_from([0, 1, -1, 90 * MINUTE_US, 5_000_001, None]),
        ),
        min_size=4,
        max_size=20,
    ),
)
def test_p36_a_cache_of_any_size_is_invisible(
    events: list[Event], size: int, steps: list[tuple[str, str | None, int | None]]
) -> None:
    """Seen to fail with an answer that is kept for a µs after time alone has changed it."""
    cache: ResolveCache[Resolution] = ResolveCache(most=size)
    nothing: ResolveCache[Resolution] = ResolveCache(most=0)
    known = 1
    table, now_us = fold_table(events[:known]), events[0].at_us
    for kind, text, passed_us in steps:
        if passed_us is None:
            # On to the very µs at which time alone changes what is meant.
            now_us = _next_edge(table, now_us)
            assert _ask(cache, table, text, now_us - 1) == _ask(nothing, table, text, now_us - 1)
        else:
            now_us += passed_us
        if kind == "deploy" and known < len(events):
            table = fold_table([events[known]], table)
            known += 1
        if kind == "drop":
            cache.clear()
        expected = _ask(nothing, table, text, now_us)
        assert _ask(cache, table, text, now_us) == expected
        seen("kept" if len(cache) else "not kept")
        assert _ask(cache, table, text, now_us) == expected
        assert len(cache) <= size


@pytest.mark.proves("P36", "TS-8", "TS-7")
def test_p36_what_is_cached_ends_when_a_scheduled_version_begins() -> None:
    table = fold_table(history(deployed(1), deployed(2, effective_us=at(30))))
    cache: ResolveCache[Resolution] = ResolveCache()

    said = [_ask(cache, table, None, at(minute)) for minute in (10, 29, 30, 31, 29)]

    assert said == [version_id(1), version_id(1), version_id(2), version_id(2), version_id(1)]
    assert len(cache) == 1


@pytest.mark.proves("TS-8")
def test_refused_text_takes_no_room() -> None:
    table = fold_table(history(deployed(1)))
    cache: ResolveCache[Resolution] = ResolveCache()

    assert _ask(cache, table, "nonsense!", at(1)) == "version-malformed"
    assert len(cache) == 0

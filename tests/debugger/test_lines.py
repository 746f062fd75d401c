"""Lines of a run, spans of a request, and two histories side by side."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.session.comparing import compare
from debugger.session.lines import LineTrace, Local
from debugger.timeline import Timeline
from debugger.timeline.spans import spans
from debugger.timeline.stops import Spans
from eventstore import Event
from runtime import facts
from runtime.replay import Line
from runtime.replay.lines import MOST_LINES
from tests.debugger.stores import Story, order
from tests.debugger.test_timeline import told
from tests.strategies import STREAM, History, as_events, histories

# --- lines ---

_happenings = st.lists(
    st.tuples(
        st.sampled_from(["line", "line", "call", "return", "fact"]),
        st.sampled_from([{}, {"a": "1"}, {"a": "2", "b": "1"}, {"b": "2"}]),
        st.sampled_from([(), (), ("a",), ("b",)]),
    ),
    min_size=1,
    max_size=16,
)


def run_of(happenings: Sequence[tuple[str, dict[str, str], tuple[str, ...]]]) -> list[Line]:
    """Tell a run of nested calls: each line is of the innermost one, facts come between."""
    lines: list[Line] = []
    stack, calls, revision = [0, 1], 1, 0
    for what, changed, gone in happenings:
        if what == "call":
            lines.append(Line(revision, f"a.py:{len(lines)}", "f", stack[-1], within=stack[-2]))
            calls += 1
            stack.append(calls)
        elif what == "return" and len(stack) > 1:
            stack.pop()
            if len(stack) == 1:  # a hook has ended; another one begins
                calls += 1
                stack.append(calls)
        elif what == "fact":
            revision += 1
        kept = {name: text for name, text in changed.items() if name not in gone}
        lines.append(Line(revision, f"a.py:{len(lines)}", "f", stack[-1], kept, gone, stack[-2]))
    return lines


runs = _happenings.map(run_of)


def calls_of(call: int, within: Mapping[int, int]) -> list[int]:
    """Give *call* and those around it of which a line ran."""
    found: list[int] = []
    while call in within:
        found.append(call)
        call = within[call]
    return found


def trace_of(lines: Sequence[Line]) -> LineTrace:
    return LineTrace(lines, most=MOST_LINES)


@pytest.mark.proves("LN-2")
@given(lines=runs)
def test_over_and_out_pass_what_deeper_frames_ran(lines: list[Line]) -> None:
    trace = trace_of(lines)
    within = {line.call: line.within for line in lines}
    depths = [len(calls_of(line.call, within)) for line in lines]

    for step, here in enumerate(depths):
        after = trace.next(step)
        assert after == (step + 1 if step + 1 < len(depths) else None)
        assert after is None or trace.previous(after) == step
        later, earlier = range(step + 1, len(depths)), range(step - 1, -1, -1)
        for steps, forward in ((later, True), (earlier, False)):
            level = next((n for n in steps if depths[n] <= here), None)
            outside = next((n for n in steps if depths[n] < here), None)
            assert trace.over(step, forward=forward) == level
            assert trace.out(step, forward=forward) == outside


@pytest.mark.proves("LN-2")
@given(lines=runs)
def test_the_stack_of_a_step_is_where_each_call_around_it_stood(lines: list[Line]) -> None:
    trace = trace_of(lines)

    for step, line in enumerate(lines):
        passed = lines[: step + 1]
        calls = calls_of(line.call, {each.call: each.within for each in passed})
        assert trace.stack(step) == [
            max(n for n, each in enumerate(passed) if each.call == call) for call in calls
        ]


@pytest.mark.proves("LN-2", "LN-3")
@given(lines=runs)
def test_locals_are_what_the_frame_had_set_whichever_way_one_came(lines: list[Line]) -> None:
    trace = trace_of(lines)
    frames: dict[int, dict[str, str]] = {}
    before: dict[int, dict[str, str]] = {}

    for step, line in enumerate(lines):
        now = frames.setdefault(line.call, {})
        then = before.get(line.call, {})
        shown = {each.name: each for each in trace.locals_at(step)}
        assert {n: each.text for n, each in shown.items() if each.sign != "-"} == now
        for name, each in shown.items():
            assert each.sign == _sign(then.get(name), now.get(name))
            assert each.was == ("" if each.sign in ("", "+") else then[name])
        before[line.call] = dict(now)
        for name in line.gone:
            now.pop(name, None)
        now.update(line.changed)


def _sign(then: str | None, now: str | None) -> str:
    if then is None:
        return "+"
    return "-" if now is None else "" if then == now else "~"


@pytest.mark.proves("LN-1", "LN-2", "LN-3")
def test_facts_lie_between_lines_and_a_full_trace_is_said_to_be_cut() -> None:
    lines = [Line(6, "a.py:1", "f", 1, {"x": "1"}), Line(6, "a.py:2", "f", 1, {"x": "2"}),
             Line(8, "a.py:3", "f", 1)]  # fmt: skip
    trace = trace_of(lines)

    assert [trace.before(revision) for revision in (0, 6, 7, 8, 9)] == [-1, -1, 1, 1, 2]
    assert trace.locals_at(2) == [Local("~", "x", "2", "1")]
    assert not trace.cut
    assert LineTrace(lines, most=3).cut
    assert trace.runs_of(2) == 1


# --- steps by spans ---


@pytest.mark.proves("TM-2", "TM-3")
@given(history=histories())
def test_over_goes_past_what_opens_and_out_to_the_end_around(history: History) -> None:
    timeline = told(history)
    around = naive_spans(history.events)

    for at in range(timeline.last + 1):
        opened = next((end for start, end in around if start == at + 1), None)
        wanted = opened if opened is not None else at + 1
        assert timeline.over(at) == (wanted if wanted <= timeline.last else None)
        closed = next((start for start, end in around if end == at), at)
        assert timeline.over(at, forward=False) == (closed - 1 if closed else None)
        inside = [(start, end) for start, end in around if start <= at < (end or at + 1)]
        start, end = max(inside, default=(0, None))
        assert timeline.out(at) == end
        assert timeline.out(at, forward=False) == (start if 0 < start < at else None)


def naive_spans(events: Sequence[Event]) -> list[tuple[int, int | None]]:
    """Pair starts and ends of hooks and handlers by counting."""
    found: list[tuple[int, int | None]] = []
    for start, event in enumerate(events, 1):
        if event.type not in ("hook.started", "handler.started"):
            continue
        depth, end = 0, None
        for number, later in enumerate(events[start:], start + 1):
            subject, _, what = later.type.partition(".")
            if subject in ("hook", "handler") and what != "registered":
                depth += 1 if what == "started" else -1
                if depth < 0:
                    end = number
                    break
        found.append((start, end))
    return found


@pytest.mark.proves("TM-2")
def test_steps_by_line_stop_where_another_line_speaks() -> None:
    timeline = Timeline(STREAM, as_events(order(lambda: 0).events))

    assert list(timeline.stops("line")) == [11, 12, 14, 15, 16, 17, 18, 19]
    assert Spans([]).over(0, forward=True) is None


# --- spans with time ---


@pytest.mark.proves("UI-4")
@given(history=histories())
def test_every_span_lies_within_the_request_and_own_time_within_its_own(history: History) -> None:
    found = spans(history.events)

    if not found:
        assert not history.events
        return
    whole = found[0]
    assert [span.start for span in found] == sorted(span.start for span in found)
    for span in found:
        assert 0 <= span.own_us <= span.end_us - span.start_us
        assert whole.start_us <= span.start_us <= span.end_us <= max(whole.end_us, span.end_us)
        assert (span.end is None) == ("open" in span.note)


@pytest.mark.proves("UI-4")
def test_attempts_pauses_and_own_time_are_told_apart() -> None:
    clock = iter(range(0, 100_000, 1000))
    story = Story(lambda: next(clock)).received("GET /", "/")
    failure = facts.Failure("Boom")
    story.add(facts.HookStarted("before", "route"), "tax")
    story.add(facts.HookFailed("before", failure, 1, 2, will_retry=True), "tax")
    story.add(facts.HookStarted("before", "route", 2), "tax")
    story.effect(1, "pricing.quote", [], 3).add(facts.HookEnded("before"), "tax").sent()
    told = spans(as_events(story.events))

    assert [(s.kind, s.name, s.note, s.own_us) for s in told] == [
        ("request", "request", "", 6000),
        ("hook", "tax", "failed", 1000),
        ("wait", "before attempt 2", "", 1000),
        ("hook", "tax", "attempt 2", 2000),
        ("effect", "pricing.quote", "", 1000),
    ]
    assert [span.waits for span in told] == [False, False, True, False, False]


# --- side by side ---


@pytest.mark.proves("UI-6", "TM-12")
@given(one=histories(), other=histories())
def test_every_fact_of_both_stands_in_one_row_and_in_its_order(
    one: History, other: History
) -> None:
    a, b = told(one), told(other)
    found = compare(a, b)

    assert [pair.a for pair in found.pairs if pair.a] == list(range(1, a.last + 1))
    assert [pair.b for pair in found.pairs if pair.b] == list(range(1, b.last + 1))
    for pair in found.pairs:
        assert (pair.a is None) == (pair.sign == "+")
        assert (pair.b is None) == (pair.sign == "-")
        if pair.a and pair.b:
            assert a.fact(pair.a).type == b.fact(pair.b).type
    assert all(pair.sign == "=" for pair in compare(a, a).pairs)
    assert compare(a, a).equal
    assert (found.first is None) == all(pair.sign == "=" for pair in found.pairs)

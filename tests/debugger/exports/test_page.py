"""The exported page, in a real browser: its own fold, its keys, its links, its silence."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from debugger.errors import BadInputError
from debugger.exports import Recorded, Recording, as_page, gather
from debugger.exports.page import policy
from debugger.session import Session, Source
from debugger.timeline import StepKind, Timeline
from debugger.timeline.pointers import join
from eventstore import Event, StreamId
from runtime import facts
from tests.debugger.exports.browser import Page
from tests.debugger.stores import HOSTILE, Shop, Story, Ticks, memory_store, record, shop
from tests.faces.command_line import run
from tests.strategies import STREAM, History, as_events, histories

ASKED = "document.querySelector('[aria-selected=true] .number').textContent"


class Told:
    """A filled store, its page as a file, and the timelines that the page has to agree with."""

    def __init__(self, folder: Path) -> None:
        self.store = memory_store()
        self.shop: Shop = shop(self.store)
        self.session = Session(self.store)
        self.recording = gather(self.session, self.shop.all)
        self.source = Source("shop.py:30", 30, "shop.py", [f"line {n}" for n in range(1, 61)])
        self.file = folder / "shop.html"
        self.file.write_bytes(as_page(self.recording, {"shop.py": self.source}))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("page"))


def strict(value: Any) -> str:
    """1, 1.0 and true differ, and so does another order of keys."""
    return json.dumps(value)


def rows_of(told: Told, stream: StreamId, at: int) -> list[Mapping[str, Any]]:
    said = run("state", f"req-{stream.hex}", "--at", str(at), "--json", store=told.store)
    names = ("path", "value", "revision", "by", "line")
    return [{name: row[name] for name in names} for row in said.records]


STATES = """
timescape.requests.map(of => Array.from({length: of.last + 1}, (_, at) => at).map(at =>
  of.rows(at).map(row =>
    [row.path, timescape.writeJson(row.value), row.revision, row.by, row.line])))
"""


@pytest.mark.proves("AD-16", "TT-5")
def test_the_state_at_every_moment_is_what_the_command_prints(told: Told, browser: Page) -> None:
    browser.open(told.file)

    shown = dict(zip(told.shop.all, browser.ask(STATES), strict=True))

    for stream in (told.shop.order, told.shop.hostile):
        for at, rows in enumerate(shown[stream]):
            printed = rows_of(told, stream, at)
            found = [[row[0], strict(json.loads(row[1])), *row[2:]] for row in rows]
            assert found == [
                [row["path"], strict(row["value"]), row["revision"], row["by"], row["line"]]
                for row in printed
            ]


RUN = """
(() => {
  const of = timescape.readRecording(%s).requests[0];
  const states = [], diffs = [];
  for (let at = 0; at <= of.last; at += 1) {
    states.push(timescape.writeJson(of.stateAt(at)));
    if (at) diffs.push(of.diff(at - 1, at).map(each => each.sign + each.path));
  }
  const writes = [];
  for (let at = 0; at <= of.last; at += 1) writes.push(of.rows(at).map(row => row.revision));
  const back = [];
  for (let at = of.last; at >= 0; at -= 1) back.push(timescape.writeJson(of.stateAt(at)));
  return [states, diffs, back.reverse(), writes];
})()
"""


@pytest.mark.proves("AD-16", "TT-5", "TM-3")
@settings(max_examples=100)
@given(history=histories())
def test_the_fold_of_the_page_is_ours_on_any_history(
    told: Told, browser: Page, history: History
) -> None:
    check_agrees(told, browser, history.events)


@pytest.mark.proves("AD-16", "SN-6")
def test_a_splice_in_the_middle_moves_what_stands_behind_it(told: Told, browser: Page) -> None:
    story = Story(Ticks()).set("l", [1, 2, 3, 4]).set("d", {"a": {"b": 1}, "c": 2})
    story.edit("l", facts.Change("splice", (1,), [9, 8], 1))
    story.edit("l", facts.Change("splice", (0,), [], 2), facts.Change("replace", (1,), 1.0))
    story.edit("d", facts.Change("remove", ("a", "b")), facts.Change("add", ("a", "z"), None))
    story.edit("l", facts.Change("splice", (9,), [], 9))
    story.add(facts.ContextRestored(1, (facts.Change("remove", ("d",)),)), "one")

    check_agrees(told, browser, as_events(story.events))


def check_agrees(told: Told, browser: Page, events: Sequence[Event]) -> None:
    """Hold the page's states, differences and writers against ours, forwards and back."""
    timeline = Timeline(STREAM, events)
    recorded = Recorded(told.recording.requests[0].summary, timeline)
    page = as_page(Recording([recorded], [], told.recording.end)).decode()
    data = re.search(r'id="recording">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    if not browser.ask("typeof timescape === 'object'"):
        browser.open(told.file)

    states, diffs, back, writes = browser.ask(RUN % json.dumps(data[1]))

    ours = [strict(dict(timeline.state_at(at).values)) for at in range(timeline.last + 1)]
    assert [strict(json.loads(each)) for each in states] == ours
    assert back == states
    assert diffs == [
        [each.sign + each.path for each in timeline.diff(at - 1, at)]
        for at in range(1, timeline.last + 1)
    ]
    assert writes == [
        [write and write.revision for key in state.values
         for write in [timeline.last_write(join((key,)), at)]]
        for at in range(timeline.last + 1) for state in [timeline.state_at(at)]
    ]  # fmt: skip


@pytest.mark.proves("AD-16", "TT-5", "RN-3")
def test_it_asks_for_nothing_complains_of_nothing_and_makes_no_element_of_data(
    told: Told, browser: Page
) -> None:
    browser.open(told.file)
    hostile = f"req-{told.shop.hostile.hex}"
    browser.ask(f"location.hash = '#{hostile}@12'")
    for at in range(told.session.timeline(told.shop.hostile).last + 1):
        browser.ask(f"timescape.app.go({at})")
    # Whatever was planted would be one of these, or carry a handler.
    planted = browser.ask(
        "document.querySelectorAll('img, iframe, object, embed, link, form, [onerror], [onclick],"
        " script:not(#recording):not(:last-of-type)').length"
    )
    text = browser.ask("document.body.innerText")

    assert browser.requested == [told.file.as_uri()]
    assert browser.complaints == []
    assert planted == 0
    assert "[red]markup[/red]" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066]", text)


@pytest.mark.proves("AD-16", "KB-2")
def test_keys_step_both_ways_and_back_undoes_forward(told: Told, browser: Page) -> None:
    browser.open(told.file, "#0")
    timeline = told.session.timeline(told.shop.order)
    kinds: dict[str, StepKind] = {"s": "event", "m": "mutation", "e": "effect"}

    for key, kind in kinds.items():
        browser.press("Home")
        at = 0
        while (after := timeline.next(at, kind)) is not None:
            browser.press(key)
            at = after
            assert browser.ask(ASKED) == str(at)
        browser.press(key)
        assert browser.ask("document.querySelector('[role=status]').textContent").startswith("No ")
        while (before := timeline.previous(at, kind)) is not None:
            browser.press(key.upper())
            at = before
            assert browser.ask(ASKED) == str(at)


@pytest.mark.proves("AD-16")
def test_a_link_opens_its_moment_and_the_cursor_writes_it(told: Told, browser: Page) -> None:
    failing = f"req-{told.shop.failing.hex}"
    browser.open(told.file, f"#{failing}@3")
    assert browser.ask(ASKED) == "3"

    browser.press("s")
    waited = "new Promise(done => setTimeout(() => done(location.hash), 250))"

    assert browser.ask(waited) == f"#{failing}@4"
    assert browser.ask("document.title").startswith("POST /orders/8")


@pytest.mark.proves("AD-16", "LN-4")
def test_the_source_stands_at_the_line_that_spoke(told: Told, browser: Page) -> None:
    timeline = told.session.timeline(told.shop.order)
    at = next(n for n, event in enumerate(timeline.events, 1) if event.site == "shop.py:30")
    browser.open(told.file, f"#{at}")
    browser.ask(f"timescape.app.open(timescape.requests[0], {at})")

    assert (
        browser.ask("document.querySelector('.line[data-here=true] code').textContent") == "line 30"
    )


@pytest.mark.proves("AD-16")
def test_without_scripts_there_is_a_table(told: Told, browser: Page) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(told.file)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    rows = browser.ask("document.querySelectorAll('.plain tr').length")
    text = browser.ask("document.querySelector('.plain').innerText")

    assert rows == told.recording.facts + len(told.shop.all)
    assert "The handler shop.place_order" in text
    assert browser.complaints == []


# --- without a browser ---


@pytest.mark.proves("AD-16")
def test_the_policy_lets_nothing_in_but_the_programs_of_the_page(told: Told) -> None:
    page = told.file.read_text("ascii")
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)

    assert len(script) == len(style) == 1
    assert f'content="{policy(script[0], style[0])}"' in page
    assert "default-src 'none'; script-src 'sha256-" in page
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script[0])


@pytest.mark.proves("AD-16", "RN-3", "TT-1")
def test_markup_in_a_recording_stays_text() -> None:
    store = memory_store()
    evil = "</script></noscript><img src=x onerror=alert(1)><!--" + HOSTILE.replace("\0", "")
    story = Story(Ticks()).received("GET /items", "/" + evil, {"q": evil}, principal="a<b>")
    story.handler().set("k" + evil[:60], evil, site="<i>.py:1").sent()
    stream = record(store, story, stream=STREAM)
    with Session(store) as session:
        page = as_page(gather(session, [stream])).decode("ascii")

    assert "<img" not in page
    assert page.count("</script>") == 2
    assert page.count("</noscript>") == 1


@pytest.mark.proves("AD-16")
def test_a_page_takes_no_more_facts_than_a_browser_keeps() -> None:
    event = Story(Ticks()).received("GET /items", "/items").events[0]
    timeline = Timeline(STREAM, [event] * 20_001)  # type: ignore[list-item]
    with pytest.raises(BadInputError, match="20000 facts"):
        as_page(Recording([Recorded(None, timeline)], [], None))  # type: ignore[arg-type]

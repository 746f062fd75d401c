"""What an editor is answered: the session's own truth, in the protocol's shapes (BY-1)."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.dap import Adapter, Launch, Opened, serve
from debugger.dap.framing import framed, read_message
from debugger.dap.handles import Handles
from debugger.dap.points import path_of, site_of
from debugger.dap.protocol import Variables, read_asked
from debugger.dap.values import MOST, Tree, token_of, variable, variables
from debugger.errors import BadInputError, NotFoundError
from debugger.session import Session
from debugger.session.again import Again
from debugger.timeline import is_hidden, sentence
from eventstore import EventStoreError, Store
from tests.debugger.stores import memory_store, shop
from tests.faces.rerun import Here, Stuck, served

ROOT = Path(__file__).parents[3]
STORE = memory_store()
SHOP = shop(STORE)
SERVED, ORDER = served()
CODE = ROOT / "tests" / "runtime" / "replay" / "shop.py"
LINES = {text.strip(): n for n, text in enumerate(CODE.read_text().splitlines(), 1)}


class Refused(msgspec.Struct):
    """An answer that says no."""

    message: str


class Client:
    """Talks with an adapter in this process."""

    def __init__(self, store: Store = STORE, again: Again | None = None) -> None:
        self.session = Session(store)
        self.sent: list[dict[str, Any]] = []
        self._seq = 0
        self.adapter = Adapter(self._opened, self._take)
        self._again = again

    def _opened(self, launch: Launch) -> Opened:
        return Opened(self.session, self._again, [ROOT])

    def _take(self, message: Any) -> None:
        body = framed(message)
        self.sent.append(json.loads(body[body.index(b"{") :]))

    def tell(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Ask; give the whole answer."""
        self._seq += 1
        before = len(self.sent)
        asked = {"seq": self._seq, "command": command, "arguments": arguments}
        self.adapter.answer(read_asked(json.dumps(asked).encode()))
        answer = self.sent[before]
        assert (answer["type"], answer["request_seq"]) == ("response", self._seq)
        return answer

    def ask(self, command: str, **arguments: Any) -> Any:
        answer = self.tell(command, **arguments)
        assert answer["success"], answer["message"]
        return answer.get("body")

    def refused(self, command: str, **arguments: Any) -> str:
        answer = self.tell(command, **arguments)
        assert not answer["success"]
        assert answer["body"]["error"]["format"] == answer["message"]
        return str(answer["message"])

    def stop(self, command: str, thread: int = 1, **arguments: Any) -> dict[str, Any]:
        """Move, and give where it stopped."""
        before = len(self.sent)
        self.ask(command, threadId=thread, **arguments)
        [stopped] = [m["body"] for m in self.sent[before:] if m.get("event") == "stopped"]
        return dict(stopped)

    def line(self, thread: int = 1) -> int:
        return int(self.ask("stackTrace", threadId=thread)["stackFrames"][0]["line"])

    def scope(self, name: str, thread: int = 1) -> int:
        [frame, *_] = self.ask("stackTrace", threadId=thread)["stackFrames"]
        scopes = self.ask("scopes", frameId=frame["id"])["scopes"]
        return next(int(s["variablesReference"]) for s in scopes if s["name"] == name)

    def parts(self, reference: int, **arguments: Any) -> dict[str, Any]:
        found = self.ask("variables", variablesReference=reference, **arguments)["variables"]
        return {each["name"]: each for each in found}

    def value(self, text: str, **arguments: Any) -> str:
        return str(self.ask("evaluate", expression=text, **arguments)["result"])

    def events(self, name: str) -> list[dict[str, Any]]:
        return [message["body"] for message in self.sent if message.get("event") == name]


def opened(store: Store = STORE, again: Again | None = None, **launch: Any) -> Client:
    client = Client(store, again)
    client.ask("initialize", supportsVariableType=True)
    client.ask("launch", **launch)
    client.ask("configurationDone")
    return client


@pytest.fixture
def order() -> Client:
    return opened(requestId=SHOP.order.hex, at="start")


@pytest.fixture
def lines() -> Client:
    return opened(SERVED, Here(SERVED), requestId=ORDER.hex, stopOnEntry=True)


# --- from fact to fact ---


@pytest.mark.proves("BY-1", "AC-2", "CL-1")
def test_without_an_app_steps_go_from_fact_to_fact_and_say_the_sentences(order: Client) -> None:
    timeline = order.session.timeline(SHOP.order)
    said = [order.stop("stepIn")["text"] for _ in range(timeline.last)]
    edge = order.stop("stepIn")
    back = [order.stop("stepBack")["text"] for _ in range(timeline.last - 1)]

    assert said == [sentence(timeline, n) for n in range(1, timeline.last + 1)]
    assert edge["description"] == f"This is the end of the recording. {said[-1]}"
    assert back == said[-2::-1]
    assert "Name it in `app`" in order.events("output")[0]["output"]
    assert order.events("capabilities") == []


@pytest.mark.proves("BY-1")
def test_the_state_of_each_moment_is_the_timelines(order: Client) -> None:
    timeline = order.session.timeline(SHOP.order)
    order.ask("setDataBreakpoints", breakpoints=[{"dataId": "state:/total"}])
    there = order.stop("continue")
    assert there["reason"] == "data breakpoint"
    assert order.value("state.total") == "118.00"
    assert order.value("/items") == '[{"sku": "mug", "quantity": 2}]'
    assert order.value("state.total > 118") == "false"
    assert order.value("changed(state.total)") == "true"
    total = order.parts(order.scope("State"))["total"]
    assert (total["value"], total["type"], total["evaluateName"]) == (
        "118.00", "decimal", "state.total",
    )  # fmt: skip
    assert order.stop("continue")["text"] == sentence(
        timeline, timeline.writes("/total")[1].revision
    )
    back = [order.stop("reverseContinue")["text"] for _ in range(2)]
    assert back == [there["text"], "#0 of 23. Before the first fact."]


@pytest.mark.proves("BY-1")
def test_a_fact_without_code_here_is_a_text_that_can_be_read(order: Client) -> None:
    for _ in range(11):
        order.stop("stepIn")
    [frame, label] = order.ask("stackTrace", threadId=1)["stackFrames"]
    text = order.ask("source", sourceReference=frame["source"]["sourceReference"])["content"]

    assert frame["name"] == "#11 context.set /items"
    assert label["presentationHint"] == "label"
    assert text.startswith("#11 of 23. The handler shop.place_order set /items")
    assert '"sku": "mug"' in text
    assert "is not here; looked in" in frame["source"]["origin"]
    assert "no fact 999" in order.refused("source", sourceReference=1_000_999)


@pytest.mark.proves("BY-1", "TM-2")
def test_by_default_it_begins_at_the_first_failure_and_tells_of_it() -> None:
    client = Client()
    able = client.ask("initialize")
    client.ask("launch", where="outcome:KeyError")
    client.ask("setExceptionBreakpoints", filters=["failures"])
    client.ask("configurationDone")
    stopped = client.events("stopped")[-1]
    told = client.ask("exceptionInfo", threadId=1)

    assert able["supportsStepBack"]
    assert able["supportsDataBreakpoints"]
    assert "supportsSetVariable" not in able
    assert stopped["reason"] == "exception"
    assert (told["exceptionId"], told["details"]["stackTrace"]) == ("KeyError", "tax.py:38")


@pytest.mark.proves("BY-1", "TM-8", "TM-10")
def test_a_condition_that_cannot_be_read_or_judged_is_said(order: Client) -> None:
    [bad, good] = order.ask("setFunctionBreakpoints", breakpoints=[
        {"name": "place_order", "condition": "state.total >"},
        {"name": "place_order", "condition": "state.items > 3"},
    ])["breakpoints"]  # fmt: skip
    stopped = order.stop("continue")

    assert not bad["verified"]
    assert bad["message"].splitlines()[1:2] == ["  state.total >"]
    assert good["verified"]
    assert stopped["reason"] == "pause"
    order.ask("setFunctionBreakpoints", breakpoints=[{"name": "place_order"}])
    assert order.stop("reverseContinue")["reason"] == "function breakpoint"


@pytest.mark.proves("BY-1")
def test_what_was_asked_before_a_step_is_refused_after_it(order: Client) -> None:
    order.stop("stepIn")
    reference = order.scope("Fact")
    order.stop("stepIn")

    assert "a step has been made" in order.refused("variables", variablesReference=reference)
    assert "no thread 7" in order.refused("next", threadId=7)
    assert "threadId" in order.refused("next")
    assert "not done here" in order.refused("readMemory")
    assert "open already" in order.refused("launch")
    assert "Only what lctx holds" in order.ask(
        "dataBreakpointInfo", variablesReference=order.scope("Fact"), name="key"
    )["description"]  # fmt: skip
    assert "No app is named" in order.refused(
        "setVariable", variablesReference=order.scope("State"), name="total", value="1"
    ) or not order.parts(order.scope("State"))  # fmt: skip


@pytest.mark.proves("BY-1")
def test_a_run_that_is_broken_off_leaves_the_facts_and_a_stale_cancel_breaks_nothing_off() -> None:
    begun = [
        {"seq": 1, "command": "initialize", "arguments": {}},
        {"seq": 2, "command": "launch", "arguments": {"requestId": ORDER.hex}},
        {"seq": 3, "command": "cancel", "arguments": {"requestId": 1}},
        {"seq": 4, "command": "configurationDone"},
    ]
    # By the time that a stale cancel is read nothing but what it names may be ended by it.
    whole = talk([*begun, {"seq": 5, "command": "disconnect"}], Here(SERVED))
    stuck = Stuck(SERVED)
    client = Client(SERVED, stuck)
    client.ask("initialize")
    client.ask("launch", requestId=ORDER.hex)
    client.adapter.hurry()
    client.ask("configurationDone")

    assert [m["success"] for m in whole if m["type"] == "response"] == [True] * 5
    assert "The run was cancelled." in client.events("output")[-1]["output"]
    assert client.events("stopped")[-1]["description"].startswith("The search was broken off.")


def talk(asked: list[dict[str, Any]], again: Again) -> list[dict[str, Any]]:
    """Serve what is asked over streams; give all that was sent."""
    out = io.BytesIO()
    into = io.BufferedReader(io.BytesIO(b"".join(map(framed, asked))))
    serve(lambda _: Opened(Session(SERVED), again, [ROOT]), into, out)
    sent = io.BytesIO(out.getvalue())
    return [json.loads(body) for body in iter(lambda: read_message(sent), None)]


# --- line by line ---


@pytest.mark.proves("BY-1", "LN-2", "LN-3", "LN-4")
def test_lines_run_with_their_locals_and_a_breakpoint_at_one_stops_both_ways(
    lines: Client,
) -> None:
    charge = next(n for text, n in LINES.items() if "modules.pricing.charge" in text)
    never = next(n for text, n in LINES.items() if text == 'lctx.set("total", 1)')
    source = {"path": str(CODE)}
    [here, not_run] = lines.ask("setBreakpoints", source=source, breakpoints=[
        {"line": charge, "condition": "state.total == 800"}, {"line": never},
    ])["breakpoints"]  # fmt: skip

    stopped = lines.stop("continue")
    assert here["verified"]
    assert not_run["message"] == "This line did not run in this request."
    assert (stopped["reason"], stopped["hitBreakpointIds"]) == ("breakpoint", [here["id"]])
    [frame, _] = lines.ask("stackTrace", threadId=1)["stackFrames"]
    assert (frame["line"], frame["source"]["path"]) == (charge, str(CODE))
    local = lines.parts(lines.scope("Locals"))
    assert (local["net"]["value"], local["wrap"]["value"]) == ("300", "100")
    assert "4111" not in json.dumps(local), "what is Sensitive is not shown"
    assert lines.value("net", frameId=frame["id"]) == "300"
    assert lines.value("total", frameId=frame["id"]) == "800"
    assert lines.stop("continue")["reason"] == "pause"
    assert lines.stop("reverseContinue")["reason"] == "breakpoint"
    assert lines.line() == charge


@pytest.mark.proves("BY-1")
def test_an_editor_that_is_quick_hears_later_which_of_its_breakpoints_can_be_hit() -> None:
    client = Client(SERVED, Here(SERVED))
    client.ask("initialize")
    client.ask("launch", requestId=ORDER.hex)
    first = LINES["net, wrap = await asyncio.gather("]
    told = client.ask("setBreakpoints", source={"path": str(CODE)}, breakpoints=[
        {"line": first}, {"line": first + 1, "condition": "state.net >"}, {"line": 1},
    ])["breakpoints"]  # fmt: skip
    client.ask("configurationDone")
    changed = [event["breakpoint"] for event in client.events("breakpoint")]

    assert [each.get("reason") for each in told] == ["pending", "failed", "pending"]
    assert [each["id"] for each in changed] == [each["id"] for each in told]
    assert [each["verified"] for each in changed] == [True, False, False]
    assert client.events("stopped")[-1]["reason"] == "breakpoint"
    assert client.line() == first


@pytest.mark.proves("BY-1")
def test_a_write_is_shown_at_the_line_that_wrote_with_its_locals(lines: Client) -> None:
    frame = lines.scope("State")
    assert lines.ask("dataBreakpointInfo", variablesReference=0, name="total")["dataId"] == (
        "state:/total"
    )
    lines.ask("setDataBreakpoints", breakpoints=[{"dataId": "state:/total"}])

    assert lines.stop("next")["reason"] in ("step", "data breakpoint")
    stopped = lines.stop("continue")
    assert stopped["reason"] == "data breakpoint"
    assert lines.line() == next(n for text, n in LINES.items() if "(net + wrap)" in text)
    assert lines.parts(lines.scope("Locals"))["net"]["value"] == "300"
    assert frame


@pytest.mark.proves("BY-1", "WI-1", "WI-2")
def test_a_value_that_is_set_runs_on_as_a_draft_and_the_recording_stays(lines: Client) -> None:
    lines.ask("setDataBreakpoints", breakpoints=[{"dataId": "state:/net"}])
    lines.stop("continue")
    before = list(SERVED.read(ORDER))
    end = SERVED.end()
    number = lines.scope("State")

    assert "no JSON" in lines.refused(
        "setVariable", variablesReference=number, name="net", value="lctx.net"
    )
    answer = lines.ask("setVariable", variablesReference=number, name="net", value="77")
    assert answer == {"value": "77"}
    stopped = lines.events("stopped")[-1]
    assert (stopped["threadId"], lines.events("thread")[-1]["reason"]) == (2, "started")
    assert lines.parts(lines.scope("State", 2))["net"]["value"] == "77"
    assert lines.parts(lines.scope("State", 1))["net"]["value"] == "300"
    names = [each["name"] for each in lines.ask("threads")["threads"]]
    assert names[1].endswith(": /net = 77")
    moments = [lines.stop("stepIn", 2)["text"] for _ in range(3)]
    assert [lines.stop("stepBack", 2)["text"] for _ in range(3)][::-1][1:] == moments[:-1]
    assert list(SERVED.read(ORDER)) == before
    assert SERVED.end() == end


@pytest.mark.proves("BY-1")
def test_steps_forward_by_lines_and_back_come_to_the_same_lines(lines: Client) -> None:
    forward = [lines.line()]
    for command in ("stepIn", "next", "stepIn", "next", "next"):
        lines.stop(command)
        forward.append(lines.line())
    back = []
    for _ in range(5):
        lines.stop("stepBack")
        back.append(lines.line())

    assert back == forward[-2::-1]
    assert len(set(forward)) > 4
    fact = lines.stop("stepIn", granularity="instruction")["text"]
    assert fact != lines.stop("stepBack")["text"] or lines.line() == forward[0]


# --- values and names, whatever they are ---


def _holding(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.text(max_size=4).filter(lambda name: not name.startswith("$"))
    return inner | st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)


_leaves = st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=6)
_trees = _holding(_holding(_leaves))


@pytest.mark.proves("BY-1", "RN-2")
@given(tree=_trees, start=st.integers(0, 3), count=st.integers(0, 3))
def test_pages_of_a_value_are_a_window_of_all_its_parts_and_printable(
    tree: Any, start: int, count: int
) -> None:
    handles: Handles[Any] = Handles()
    top = Tree(1, {"v": tree}, ())
    [shown] = variables(top, Variables(1), handles)
    if not shown.variables_reference:
        assert not tree or not isinstance(tree, list | dict)
        return
    opened_ = handles.find(shown.variables_reference)
    every = variables(opened_, Variables(1), handles)
    some = variables(opened_, Variables(1, start=start, count=count), handles)

    assert len(every) == len(tree) == shown.named_variables + shown.indexed_variables
    assert [each.name for each in some] == [
        each.name for each in every[start : start + count if count else None]
    ]
    assert not any(is_hidden(char) for each in every for char in each.name + each.value)
    for name, each in zip(tree, every, strict=True):
        if isinstance(tree, dict):
            assert tree[token_of(opened_, each.name)] is tree[token_of(opened_, name)]


@pytest.mark.proves("BY-1")
def test_a_list_of_a_million_is_answered_by_a_thousand_and_how_many_more() -> None:
    handles: Handles[Any] = Handles()
    tree = Tree(1, [0] * 1_000_000, ("many",))
    shown = variable("many", tree, handles)
    found = variables(tree, Variables(1), handles)

    assert (shown.indexed_variables, len(found)) == (1_000_000, MOST + 1)
    assert found[-1].value == "999000 more"
    [last] = variables(tree, Variables(1, start=999_999, count=5), handles)
    assert (last.name, last.evaluate_name) == ("999999", "state.many[999999]")
    with pytest.raises(NotFoundError):
        token_of(tree, "1000000")


@pytest.mark.proves("BY-1")
@given(parts=st.lists(st.sampled_from(["a", "b.py", "..", ".", "c d", "ü"]), max_size=6))
def test_a_file_is_known_by_its_name_below_the_root_and_none_outside(parts: list[str]) -> None:
    root = Path("/nowhere/app")
    name = site_of(str(root.joinpath(*parts)), [root])

    inside = root.joinpath(*parts).resolve().is_relative_to(root)
    assert bool(name) == inside
    if inside:
        assert (root / name).resolve() == root.joinpath(*parts).resolve()


@pytest.mark.proves("BY-1")
def test_ids_of_values_and_paths_that_a_client_made_up_are_refused_or_read_as_paths() -> None:
    assert path_of("state:/a/b~1c") == "/a/b~1c"
    for odd in ("", "state:", "/total", "state:/~3", "os.system"):
        with pytest.raises(BadInputError):
            path_of(odd)
    assert site_of("\0", [ROOT]) == ""
    assert site_of(None, [ROOT]) == ""


@pytest.mark.parametrize("text", ["__import__('os')", "lctx.get('x')", "1 + 1", "", "x" * 5_000])
@pytest.mark.proves("BY-1", "TM-9")
def test_an_expression_is_a_path_or_a_filter_and_never_code(order: Client, text: str) -> None:
    assert order.refused("evaluate", expression=text)


@pytest.mark.proves("BY-1", "RN-2", "RN-3")
def test_hostile_recordings_reach_an_editor_as_visible_escapes() -> None:
    client = opened(requestId=SHOP.hostile.hex, stopOnEntry=True)
    while "This is the end" not in client.stop("stepIn", granularity="instruction")["description"]:
        for frame in client.ask("stackTrace", threadId=1)["stackFrames"]:
            for scope in client.ask("scopes", frameId=frame["id"])["scopes"]:
                for each in client.parts(scope["variablesReference"]).values():
                    if each["variablesReference"]:
                        client.parts(each["variablesReference"])
            if reference := frame.get("source", {}).get("sourceReference"):
                client.ask("source", sourceReference=reference)

    assert [char for text in texts_of(client.sent) for char in text
            if is_hidden(char) and char != "\n"] == []  # fmt: skip


def texts_of(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from texts_of(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from texts_of(each)


@pytest.mark.proves("BY-1", "CL-2")
def test_a_store_that_cannot_be_opened_is_an_answer_with_a_remedy() -> None:
    def opening(launch: Launch) -> Opened:
        raise EventStoreError("no-such-store", "There is no store {x}.", "Make one.", {})

    sent: list[Any] = []
    adapter = Adapter(opening, sent.append)
    adapter.answer(read_asked(b'{"seq":1,"command":"launch","arguments":{}}'))

    assert sent[0]["message"] == "There is no store {x}. Make one."
    assert sent[0]["body"]["error"]["variables"] == {"code": "no-such-store"}
    assert len(sent) == 1, "without a recording nothing is initialized"

"""Conditions of gates, in the language of filters (GA-3, TM-7)."""

import msgspec
import pytest

from debugger.errors import BadInputError, FilterError
from debugger.session.conditions import read_condition
from eventstore import Event, NewEvent
from eventstore.values import encode
from runtime.context import REQUEST_REDUCER
from runtime.gates import Moment
from runtime.lifecycle.local_context import LocalContext
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled
from tests.laws.plans import Bench, global_context


@pytest.fixture(scope="module")
def events() -> list[Event]:
    async def handle(lctx: LocalContext) -> None:
        lctx.set("total", 400)
        lctx.set("total", 500)

    told = run_virtual(Controlled(version_of(handle), gctx=global_context(Bench())).send())
    return list(told.facts)


def moment_of(events: list[Event], index: int) -> Moment:
    before, after = (
        REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), events[:n]).values
        for n in (index, index + 1)
    )
    written = [NewEvent(e.type, e.data, e.key, e.at_us, e.site) for e in events[: index + 1]]
    return Moment(events[0].stream, written, before, after, events[index].at_us)


@pytest.mark.proves("GA-3", "TM-7")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state.total >= 500", True),
        ("old.total == 400 and state.total > old.total", True),
        ("changed(state.total)", True),
        ("kind:context.set key:total route:/orders*", True),
        ("principal:anonymous version:tsv* method:POST", True),
        ("handler:post-orders path:/orders since:15m", True),
        ('request.path == "/orders" and fact.value == 500', True),
        ("state.total < 500", False),
        ("hook:tax", False),
        ("total", True),
        ("state.total", "number is not true or false"),
    ],
)
def test_a_condition_is_asked_of_a_fact_of_a_running_request(
    events: list[Event], text: str, *, expected: bool | str
) -> None:
    index = max(n for n, e in enumerate(events) if e.type == "context.set")
    assert read_condition(text)(moment_of(events, index)) == expected


@pytest.mark.proves("GA-3", "TM-8")
def test_what_was_redacted_is_unknown(events: list[Event]) -> None:
    index = max(n for n, e in enumerate(events) if e.type == "context.set")
    hidden = msgspec.structs.replace(
        moment_of(events, index), after={"total": {"$redacted": True}, "other": encode(1)}
    )
    assert read_condition("state.total > 1")(hidden) == "redacted"


@pytest.mark.proves("GA-3")
@pytest.mark.parametrize("text", ["status:500", "dur:>1s", "outcome:200", "response.status == 200"])
def test_what_is_known_only_at_the_end_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="known only when a request has ended"):
        read_condition(text)


@pytest.mark.proves("TM-10")
def test_what_cannot_be_read_is_shown_with_a_caret() -> None:
    with pytest.raises(FilterError, match=r"\^"):
        read_condition("state.total >")
